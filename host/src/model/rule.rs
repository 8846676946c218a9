//! Rules over attributes, by which contacts belong to an audience. Pure: read, checked against the attributes, asked.
//!
//! ```text
//! country in DE, AT and score >= 10 or stage = "hot lead"
//! ```
//! A rule is alternatives parted by `or`, each of conditions parted by `and`. Texts are compared without regard to case.
//! What a contact lacks is only `absent`, `!=` and `not-in` something.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::connector::{Comparison, Condition};
use super::contact::{AttributeDefinition, Contact};
use super::filter;
use super::mapping::Kind;
use super::time::Instant;
use super::value::{Problem, Value, days};

/// Alternatives of conditions: any of them is enough, and of that all must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    text: String,
    /// With values of the attributes' own types.
    alternatives: Vec<Vec<Condition>>,
}

/// Conditions of one rule; more are a list that wants to be an attribute.
const MOST_CONDITIONS: usize = 100;

impl Rule {
    /// Reads a rule against the attributes that there are.
    ///
    /// # Errors
    /// One problem for each condition that can't be.
    pub fn read(text: &str, attributes: &[AttributeDefinition]) -> Result<Self, Vec<Problem>> {
        let (mut alternatives, mut problems, mut count) = (Vec::new(), Vec::new(), 0);
        for alternative in split(text, "or") {
            let mut conditions = Vec::new();
            for condition in split(alternative, "and") {
                count += 1;
                match filter::parse(condition)
                    .map_err(|message| problem(None, message))
                    .and_then(|c| typed(c, attributes))
                {
                    Ok(condition) => conditions.push(condition),
                    Err(found) => problems.push(found),
                }
            }
            alternatives.push(conditions);
        }
        if count > MOST_CONDITIONS {
            problems.push(problem(None, format!("has more than {MOST_CONDITIONS} conditions")));
        }
        if problems.is_empty() { Ok(Self { text: text.trim().to_owned(), alternatives }) } else { Err(problems) }
    }

    pub fn fits(&self, contact: &Contact) -> bool {
        self.alternatives.iter().any(|alternative| alternative.iter().all(|condition| holds(condition, contact)))
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn problem(field: Option<&str>, message: impl Into<String>) -> Problem {
    Problem { field: field.map(str::to_owned), message: message.into() }
}

/// The parts between this word where it stands alone and outside quotes.
fn split<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    let (mut parts, mut start, mut quote) = (Vec::new(), 0, None);
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, c) if c.is_whitespace() => {
                let rest = text[at..].trim_start();
                let after = rest.get(..word.len()).filter(|found| found.eq_ignore_ascii_case(word));
                if after.is_some() && rest[word.len()..].starts_with(char::is_whitespace) {
                    parts.push(&text[start..at]);
                    start = text.len() - rest.len() + word.len();
                    at = start;
                    continue;
                }
            }
            _ => {}
        }
        at += c.len_utf8();
    }
    parts.push(&text[start..]);
    parts
}

/// The condition with values of its attribute's type.
fn typed(condition: Condition, attributes: &[AttributeDefinition]) -> Result<Condition, Problem> {
    let Condition { field, comparison, values } = condition;
    let wrong = |message: String| problem(Some(&field), message);
    let Some(AttributeDefinition { kind, .. }) = attributes.iter().find(|attribute| attribute.name == field) else {
        let known: Vec<&str> = attributes.iter().map(|attribute| attribute.name.as_str()).collect();
        return Err(wrong(format!("is no attribute; there are {}", known.join(", "))));
    };
    if !suits(*kind, comparison) {
        return Err(wrong("can't be compared like this".to_owned()));
    }
    let values = values.iter().map(|value| read(*kind, &value.to_cell()));
    match values.collect::<Option<Vec<_>>>() {
        Some(values) => Ok(Condition { field, comparison, values }),
        None => Err(wrong(format!("is compared with what is no {}", format!("{kind:?}").to_lowercase()))),
    }
}

fn suits(kind: Kind, comparison: Comparison) -> bool {
    let ordered = matches!(kind, Kind::Integer | Kind::Decimal | Kind::Instant | Kind::Date);
    let text = matches!(kind, Kind::Text | Kind::Email | Kind::Phone | Kind::Url | Kind::Choice | Kind::Choices);
    match comparison {
        Comparison::Present | Comparison::Absent => true,
        _ if kind == Kind::Opaque => false,
        Comparison::Less | Comparison::LessOrEqual | Comparison::Greater | Comparison::GreaterOrEqual => ordered,
        Comparison::Contains => text,
        Comparison::Equal | Comparison::NotEqual | Comparison::OneOf | Comparison::NoneOf => true,
    }
}

fn read(kind: Kind, text: &str) -> Option<Value> {
    let text = text.trim();
    Some(match kind {
        Kind::Boolean => Value::Boolean(text.parse().ok()?),
        Kind::Integer => Value::Integer(text.parse().ok()?),
        Kind::Decimal => Value::Decimal(Number::read(text).map(|_| text.to_owned())?),
        Kind::Instant => Value::Instant(instant(text)?),
        Kind::Date => Value::Date(days(text)?),
        _ => Value::Text(text.to_lowercase()),
    })
}

/// RFC 3339, or a date for its beginning in UTC.
fn instant(text: &str) -> Option<Instant> {
    text.parse().ok().or_else(|| Some(Instant(i64::from(days(text)?) * 86_400_000_000)))
}

fn holds(condition: &Condition, contact: &Contact) -> bool {
    let value = contact.get(&condition.field);
    let is_one = |value: &Value| condition.values.iter().any(|wanted| equal(value, wanted));
    match (condition.comparison, value) {
        (Comparison::Absent | Comparison::NotEqual | Comparison::NoneOf, None) => true,
        (_, None) | (Comparison::Absent, Some(_)) => false,
        (Comparison::Present, Some(_)) => true,
        (Comparison::Equal | Comparison::OneOf, Some(value)) => is_one(value),
        (Comparison::NotEqual | Comparison::NoneOf, Some(value)) => !is_one(value),
        (Comparison::Contains, Some(value)) => condition.values.iter().any(|wanted| contains(value, wanted)),
        (comparison, Some(value)) => {
            let order = condition.values.first().and_then(|wanted| order(value, wanted));
            order.is_some_and(|order| match comparison {
                Comparison::Less => order.is_lt(),
                Comparison::LessOrEqual => order.is_le(),
                Comparison::Greater => order.is_gt(),
                _ => order.is_ge(),
            })
        }
    }
}

/// A list equals what one of its texts equals.
fn equal(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Text(text), Value::Text(wanted)) => text.to_lowercase() == *wanted,
        (Value::Texts(texts), Value::Text(wanted)) => texts.iter().any(|text| text.to_lowercase() == *wanted),
        (Value::Boolean(flag), Value::Boolean(wanted)) => flag == wanted,
        _ => order(value, wanted) == Some(Ordering::Equal),
    }
}

fn contains(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Text(text), Value::Text(wanted)) => text.to_lowercase().contains(wanted),
        (Value::Texts(texts), Value::Text(wanted)) => texts.iter().any(|text| text.to_lowercase().contains(wanted)),
        _ => false,
    }
}

fn order(value: &Value, wanted: &Value) -> Option<Ordering> {
    match (value, wanted) {
        (Value::Instant(at), Value::Instant(wanted)) => Some(at.cmp(wanted)),
        (Value::Date(day), Value::Date(wanted)) => Some(day.cmp(wanted)),
        (Value::Integer(number), Value::Integer(wanted)) => Some(number.cmp(wanted)),
        (Value::Integer(_) | Value::Decimal(_), Value::Integer(_) | Value::Decimal(_)) => {
            Some(Number::read(&value.to_cell())?.order(&Number::read(&wanted.to_cell())?))
        }
        _ => None,
    }
}

/// A decimal as it is written, to be compared exactly.
#[derive(Debug, PartialEq, Eq)]
struct Number {
    is_negative: bool,
    /// Without zeros in front, and behind.
    whole: String,
    fraction: String,
}

impl Number {
    fn read(text: &str) -> Option<Self> {
        let (is_negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || digits.ends_with('.') {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let is_zero = whole.is_empty() && fraction.is_empty();
        Some(Self { is_negative: is_negative && !is_zero, whole: whole.to_owned(), fraction: fraction.to_owned() })
    }

    fn order(&self, other: &Self) -> Ordering {
        match (self.is_negative, other.is_negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.size().cmp(&other.size()),
            (true, true) => other.size().cmp(&self.size()),
        }
    }

    fn size(&self) -> (usize, &str, &str) {
        (self.whole.len(), &self.whole, &self.fraction)
    }
}

#[cfg(test)]
mod tests {
    use super::super::id::ContactId;
    use super::*;

    fn attributes() -> Vec<AttributeDefinition> {
        let kinds = [
            ("city", Kind::Text),
            ("score", Kind::Integer),
            ("worth", Kind::Decimal),
            ("vip", Kind::Boolean),
            ("seen", Kind::Instant),
            ("born", Kind::Date),
            ("tags", Kind::Choices),
        ];
        kinds.map(|(name, kind)| AttributeDefinition { name: name.to_owned(), kind }).to_vec()
    }

    fn ada() -> Contact {
        let values = [
            ("city", Value::Text("Berlin".into())),
            ("score", Value::Integer(12)),
            ("worth", Value::Decimal("-1.50".into())),
            ("vip", Value::Boolean(true)),
            ("seen", Value::Instant(Instant(1_763_805_600_250_000))),
            ("born", Value::Date(-1)),
            ("tags", Value::Texts(vec!["Hot".into(), "EU".into()])),
        ];
        let attributes = values.into_iter().map(|(name, value)| (name.into(), value)).collect();
        Contact { id: ContactId(1), created: Instant(0), changed: Instant(0), attributes, links: vec![] }
    }

    #[test]
    fn a_rule_holds_where_all_conditions_of_an_alternative_do() {
        for (rule, fits) in [
            ("city = berlin", true),
            ("city = BERLIN and score >= 12", true),
            ("city = berlin and score > 12", false),
            ("city = paris or score < 13", true),
            ("city = paris and vip = true or worth < 0 and tags = hot", true),
            ("city in Paris, berlin", true),
            ("city not-in Paris, berlin", false),
            ("city contains erl", true),
            ("city != berlin", false),
            ("worth = -1.5", true),
            ("worth > -1.49", false),
            ("worth <= -1.5", true),
            ("seen >= 2025-11-22", true),
            ("seen < 2025-11-22T10:00:00Z", false),
            ("born = 1969-12-31", true),
            ("tags contains o", true),
            ("tags = cold", false),
            ("vip != true", false),
            ("city present and score absent", false),
            ("city = 'a or b' or city = berlin", true),
        ] {
            assert_eq!(Rule::read(rule, &attributes()).map(|rule| rule.fits(&ada())), Ok(fits), "{rule}");
        }
    }

    #[test]
    fn what_a_contact_lacks_is_only_absent_or_not_something() {
        let nobody = Contact { attributes: vec![], ..ada() };
        let fits = |rule: &str| Rule::read(rule, &attributes()).unwrap().fits(&nobody);
        for rule in ["city absent", "city != x", "city not-in x, y"] {
            assert!(fits(rule), "{rule}");
        }
        for rule in ["city present", "city = x", "city contains x", "score < 5", "vip = false"] {
            assert!(!fits(rule), "{rule}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused_with_each_reason() {
        for (rule, problems) in [
            ("town = x", 1),
            ("score = many and worth = 1.", 2),
            ("city < x", 1),
            ("score contains 1", 1),
            ("vip = yes", 1),
            ("city = x and ", 1),
            ("born = 31.12.1969", 1),
        ] {
            let found = Rule::read(rule, &attributes()).unwrap_err();
            assert_eq!(found.len(), problems, "{rule}: {found:?}");
        }
    }
}
