//! Reads conditions as people write them, for filters and for rules: `lifecyclestage = customer`, `country in DE, AT`, `phone present`. Knows no CRM.

use super::connector::{Comparison, Condition};
use super::value::Value;

/// What to write, said wherever something else was written.
pub const FORM: &str =
    "FIELD OP VALUE with one of = != < <= > >= contains, FIELD in A, B, FIELD not-in A, B, FIELD present, FIELD absent";

/// Operators with one value. The longer stands before the one that it begins with.
const SIGNS: [(&str, Comparison); 7] = [
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("==", Comparison::Equal),
    ("=", Comparison::Equal),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

/// One condition; the error is a sentence.
pub fn parse(text: &str) -> Result<Condition, String> {
    let text = text.trim();
    let end = text.find(|c: char| c.is_whitespace() || "=!<>".contains(c)).unwrap_or(text.len());
    let (field, rest) = text.split_at(end);
    if field.is_empty() {
        return Err(format!("`{text}` names no field: write {FORM}"));
    }
    let (comparison, values) = operation(rest.trim()).map_err(|why| format!("`{text}` {why}: write {FORM}"))?;
    Ok(Condition { field: field.to_owned(), comparison, values })
}

fn operation(rest: &str) -> Result<(Comparison, Vec<Value>), &'static str> {
    for (sign, comparison) in SIGNS {
        if let Some(value) = rest.strip_prefix(sign) {
            return Ok((comparison, vec![one(value)?]));
        }
    }
    let (word, values) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    match word {
        "present" if values.trim().is_empty() => Ok((Comparison::Present, vec![])),
        "absent" if values.trim().is_empty() => Ok((Comparison::Absent, vec![])),
        "present" | "absent" => Err("has a value where none belongs"),
        "contains" => Ok((Comparison::Contains, vec![one(values)?])),
        "in" => Ok((Comparison::OneOf, several(values)?)),
        "not-in" => Ok((Comparison::NoneOf, several(values)?)),
        "" => Err("has no operator"),
        _ => Err("has an operator that is not known"),
    }
}

/// A text: the connector knows what type the field has. Quotes keep spaces and commas.
fn one(text: &str) -> Result<Value, &'static str> {
    let text = text.trim();
    match unquoted(text) {
        Some(inner) => Ok(Value::Text(inner.to_owned())),
        None if text.is_empty() => Err("has no value (an empty one is written `absent`)"),
        None => Ok(Value::Text(text.to_owned())),
    }
}

fn unquoted(text: &str) -> Option<&str> {
    ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
}

fn several(text: &str) -> Result<Vec<Value>, &'static str> {
    let mut values = Vec::new();
    let mut quote = None;
    let mut start = 0;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, ',') => {
                values.push(one(&text[start..at])?);
                start = at + 1;
            }
            _ => {}
        }
    }
    values.push(one(&text[start..])?);
    Ok(values)
}

/// As it was written, for people.
pub fn show(condition: &Condition) -> String {
    let values: Vec<String> = condition.values.iter().map(Value::to_cell).collect();
    let word = match condition.comparison {
        Comparison::Equal => "=",
        Comparison::NotEqual => "!=",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
        Comparison::OneOf => "in",
        Comparison::NoneOf => "not-in",
        Comparison::Contains => "contains",
        Comparison::Present => return format!("{} present", condition.field),
        Comparison::Absent => return format!("{} absent", condition.field),
    };
    format!("{} {word} {}", condition.field, values.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(field: &str, comparison: Comparison, values: &[&str]) -> Condition {
        let values = values.iter().map(|text| Value::Text((*text).to_owned())).collect();
        Condition { field: field.to_owned(), comparison, values }
    }

    #[test]
    fn conditions_are_read_as_people_write_them() {
        for (text, read) in [
            ("lifecyclestage = customer", condition("lifecyclestage", Comparison::Equal, &["customer"])),
            ("lifecyclestage=customer", condition("lifecyclestage", Comparison::Equal, &["customer"])),
            ("stage == 'new lead'", condition("stage", Comparison::Equal, &["new lead"])),
            ("stage != x", condition("stage", Comparison::NotEqual, &["x"])),
            ("score>=10", condition("score", Comparison::GreaterOrEqual, &["10"])),
            ("score <= -1", condition("score", Comparison::LessOrEqual, &["-1"])),
            ("score < 5", condition("score", Comparison::Less, &["5"])),
            ("at > 2025-01-01T00:00:00Z", condition("at", Comparison::Greater, &["2025-01-01T00:00:00Z"])),
            ("country in DE, AT,\"C, H\"", condition("country", Comparison::OneOf, &["DE", "AT", "C, H"])),
            ("country not-in DE", condition("country", Comparison::NoneOf, &["DE"])),
            ("email contains @example.com", condition("email", Comparison::Contains, &["@example.com"])),
            ("name = \"\"", condition("name", Comparison::Equal, &[""])),
            (" phone present ", condition("phone", Comparison::Present, &[])),
            ("phone absent", condition("phone", Comparison::Absent, &[])),
        ] {
            assert_eq!(parse(text), Ok(read), "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused_with_the_reason() {
        for (text, why) in [
            ("", "names no field"),
            ("= x", "names no field"),
            ("stage", "has no operator"),
            ("stage =", "has no value"),
            ("stage is x", "has an operator that is not known"),
            ("stage in a,,b", "has no value"),
            ("phone present yes", "has a value where none belongs"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(why) && error.contains(FORM), "{text}: {error}");
        }
    }

    #[test]
    fn a_condition_is_shown_as_it_is_written() {
        for text in ["stage = customer", "country in DE, AT", "country not-in DE", "phone present", "score >= 10"] {
            assert_eq!(show(&parse(text).unwrap()), text);
        }
    }
}
