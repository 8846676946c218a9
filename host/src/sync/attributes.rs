//! Typed attributes: what a column may fill, and whether a value is of the type that it claims.

use crate::model::contact::{AttributeDefinition, AttributeName, is_attribute_name};
use crate::model::mapping::{Column, Kind};
use crate::model::value::{Problem, Value, days, is_decimal};
use crate::store::{Changes, StoreError, Workspace};

/// The most bytes of one attribute: contacts are read whole.
const MAX_TEXT_BYTES: usize = 64 * 1024;

/// The most texts in one attribute.
const MAX_TEXTS: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttributeError {
    #[error("`{0}` can't name an attribute: use a-z, 0-9 and `_`, beginning with a letter")]
    Name(String),
    #[error("attribute `{name}` is of type `{has}` in this workspace, and the mapping gives `{gives}`")]
    Kind { name: String, has: String, gives: String },
}

impl AttributeError {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Name(_) => "attribute-name",
            Self::Kind { .. } => "attribute-type",
        }
    }

    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Name(_) => "rename it in the mapping",
            Self::Kind { .. } => "give it this type in the mapping, or map to an attribute of another name",
        }
    }
}

/// The attributes that a mapping fills, in the order of its output columns.
#[derive(Debug, Clone)]
pub(super) struct Attributes(Vec<(AttributeName, Kind)>);

/// Writes down the types of attributes that are new.
///
/// # Errors
/// Where a column can't name an attribute, or an attribute of this name has another type.
pub fn define(workspace: &Workspace, columns: &[Column], changes: &mut Changes) -> Result<(), DefineError> {
    for column in columns {
        if !is_attribute_name(&column.name) {
            return Err(AttributeError::Name(column.name.clone()).into());
        }
        let gives = settled_kind(column);
        match workspace.get::<AttributeDefinition>(&column.name)? {
            None => {
                let definition = AttributeDefinition { name: column.name.clone(), kind: gives };
                changes.put(column.name.as_str(), &definition)?;
            }
            Some(known) if known.kind == gives => {}
            Some(known) => {
                let (has, gives) = (kind_name(known.kind), kind_name(gives));
                return Err(AttributeError::Kind { name: column.name.clone(), has, gives }.into());
            }
        }
    }
    Ok(())
}

/// Why attributes could not be defined.
#[derive(Debug, thiserror::Error)]
pub enum DefineError {
    #[error(transparent)]
    Attribute(#[from] AttributeError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<DefineError> for super::SyncError {
    fn from(error: DefineError) -> Self {
        match error {
            DefineError::Attribute(error) => error.into(),
            DefineError::Store(error) => error.into(),
        }
    }
}

/// Matching looks contacts up by `email` and `phone`: they are of these types whatever a mapping calls them.
fn settled_kind(column: &Column) -> Kind {
    match column.name.as_str() {
        "email" => Kind::Email,
        "phone" => Kind::Phone,
        _ => column.kind,
    }
}

pub(super) fn kind_name(kind: Kind) -> String {
    format!("{kind:?}").to_ascii_lowercase()
}

impl Attributes {
    pub(super) fn of(columns: &[Column]) -> Self {
        Self(columns.iter().map(|column| (column.name.as_str().into(), settled_kind(column))).collect())
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &AttributeName> {
        self.0.iter().map(|(name, _)| name)
    }

    /// Pairs values with their attributes, or says what is wrong with them.
    pub(super) fn typed(&self, values: Vec<Value>) -> Result<Vec<(AttributeName, Value)>, Vec<Problem>> {
        let problems: Vec<Problem> = self
            .0
            .iter()
            .zip(&values)
            .filter_map(|((name, kind), value)| {
                let message = check_value(*kind, value).err()?;
                Some(Problem { field: Some(name.to_string()), message: message.to_owned() })
            })
            .collect();
        if problems.is_empty() {
            Ok(self.0.iter().map(|(name, _)| name.clone()).zip(values).collect())
        } else {
            Err(problems)
        }
    }
}

/// Whether a value is of a type; the error says what is expected. Null is of every type.
pub fn check_value(kind: Kind, value: &Value) -> Result<(), &'static str> {
    let fits = |fits: bool, expected: &'static str| if fits { Ok(()) } else { Err(expected) };
    match (kind, value) {
        (_, Value::Null) => Ok(()),
        (_, Value::Text(text)) if text.len() > MAX_TEXT_BYTES => Err("is longer than 64 KiB"),
        (_, Value::Texts(texts)) if texts.len() > MAX_TEXTS => Err("has more than 1,000 entries"),
        (_, Value::Texts(texts)) if texts.iter().map(String::len).sum::<usize>() > MAX_TEXT_BYTES => {
            Err("is longer than 64 KiB")
        }
        (Kind::Boolean, value) => fits(matches!(value, Value::Boolean(_)), "is not a boolean"),
        (Kind::Integer, value) => fits(matches!(value, Value::Integer(_)), "is not a whole number"),
        (Kind::Decimal, Value::Integer(_) | Value::Decimal(_)) => Ok(()),
        (Kind::Decimal, _) => Err("is not a number"),
        (Kind::Email, Value::Text(text)) => fits(is_email(text), "is not an e-mail address in lower case"),
        (Kind::Email, _) => Err("is not an e-mail address"),
        (Kind::Phone, Value::Text(text)) => {
            fits(is_e164(text), "is not a phone number in E.164, as in +4930123456; map it with type `phone`")
        }
        (Kind::Phone, _) => Err("is not a phone number"),
        (Kind::Url, Value::Text(text)) => fits(is_web_address(text), "is not an http or https address"),
        (Kind::Url, _) => Err("is not a web address"),
        (Kind::Text, value) => fits(matches!(value, Value::Text(_)), "is not a text"),
        (Kind::Choice, Value::Text(text)) => fits(!text.is_empty(), "is an empty choice"),
        (Kind::Choice, _) => Err("is not a choice"),
        (Kind::Choices, value) => fits(matches!(value, Value::Texts(_)), "is not a list of choices"),
        (Kind::Instant, value) => fits(matches!(value, Value::Instant(_)), "is not a date with time"),
        (Kind::Date, value) => fits(matches!(value, Value::Date(_)), "is not a date"),
        (Kind::Opaque, _) => Ok(()),
    }
}

/// Reads what a person wrote as a value of a type; empty is null. The error says what is expected.
pub fn read_value(kind: Kind, text: &str) -> Result<Value, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Value::Null);
    }
    let value = match kind {
        Kind::Boolean => Value::Boolean(text.parse().map_err(|_| "is not true or false")?),
        Kind::Integer => Value::Integer(text.parse().map_err(|_| "is not a whole number")?),
        Kind::Decimal if is_decimal(text) => Value::Decimal(text.to_owned()),
        Kind::Decimal => return Err("is not a number: write it as in -12.50"),
        Kind::Instant => Value::Instant(text.parse().map_err(|_| "is no time: write it as in 2026-11-23T14:30:00Z")?),
        Kind::Date => Value::Date(days(text).ok_or("is not a date: write it as in 2026-11-23")?),
        Kind::Choices => Value::Texts(text.split(';').map(|choice| choice.trim().to_owned()).collect()),
        Kind::Email => Value::Text(text.to_lowercase()),
        Kind::Text | Kind::Phone | Kind::Url | Kind::Choice | Kind::Opaque => Value::Text(text.to_owned()),
    };
    check_value(kind, &value)?;
    Ok(value)
}

fn is_email(text: &str) -> bool {
    // Delivery is the only real proof; this keeps out what can't be one, and what would not match.
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    !local.is_empty()
        && text.len() <= 254
        && domain.contains('.')
        && !domain.starts_with(['.', '-'])
        && !domain.ends_with(['.', '-'])
        && !domain.contains("..")
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
        && text.chars().all(|c| c.to_lowercase().eq([c]))
        && !local.contains('@')
}

fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn is_web_address(text: &str) -> bool {
    text.parse::<url::Url>().is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Instant;

    #[test]
    fn e_mails_are_whole_and_in_lower_case() {
        for good in ["a@b.co", "o'neil+x@sub.example.com", "zoë@münchen.de"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["", "a", "@b.co", "a@b", "a@.co", "a@b.", "a@b..co", "A@b.co", "a b@c.de", "a@b@c.de", "a@-b.de"] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn phones_are_e164() {
        for good in ["+4930123456", "+12025550123", "+123456789012345"] {
            assert!(is_e164(good), "{good}");
        }
        for bad in ["", "+", "4930123456", "+0493012345", "+49 30", "+1234567890123456", "+12345", "+49٣٣٣٣٣٣"] {
            assert!(!is_e164(bad), "{bad}");
        }
    }

    #[test]
    fn what_a_person_writes_is_read_by_its_type() {
        let read = |kind, text| read_value(kind, text);
        assert_eq!(read(Kind::Text, "  "), Ok(Value::Null));
        assert_eq!(read(Kind::Boolean, "true"), Ok(Value::Boolean(true)));
        assert_eq!(read(Kind::Integer, " -3 "), Ok(Value::Integer(-3)));
        assert_eq!(read(Kind::Decimal, "-12.50"), Ok(Value::Decimal("-12.50".into())));
        assert_eq!(read(Kind::Instant, "1970-01-01T01:00:00+01:00"), Ok(Value::Instant(Instant(0))));
        assert_eq!(read(Kind::Date, "1969-12-31"), Ok(Value::Date(-1)));
        assert_eq!(read(Kind::Date, "2026-11-23").map(|date| date.to_cell()), Ok("2026-11-23".into()));
        assert_eq!(read(Kind::Choices, "a; b"), Ok(Value::Texts(vec!["a".into(), "b".into()])));
        assert_eq!(read(Kind::Email, "Ada@Example.com"), Ok(Value::Text("ada@example.com".into())));
        for (kind, bad) in [
            (Kind::Boolean, "yes"),
            (Kind::Integer, "1.5"),
            (Kind::Decimal, "1,5"),
            (Kind::Decimal, ".5"),
            (Kind::Date, "23.11.2026"),
            (Kind::Phone, "030 123"),
            (Kind::Email, "ada"),
        ] {
            assert!(read(kind, bad).is_err(), "{kind:?} {bad}");
        }
    }

    #[test]
    fn problems_name_the_attribute_and_not_the_value() {
        let columns = [("email", Kind::Text), ("age", Kind::Integer), ("note", Kind::Text)]
            .map(|(name, kind)| Column { name: name.into(), kind });
        let values = vec![Value::Text("Secret".into()), Value::Text("x".into()), Value::Null];
        let problem = |field: &str, message: &str| Problem { field: Some(field.into()), message: message.into() };
        assert_eq!(
            Attributes::of(&columns).typed(values),
            Err(vec![
                problem("email", "is not an e-mail address in lower case"),
                problem("age", "is not a whole number")
            ])
        );
    }

    #[test]
    fn what_is_too_large_is_refused_whatever_its_type() {
        let long = Value::Text("x".repeat(MAX_TEXT_BYTES + 1));
        assert_eq!(check_value(Kind::Opaque, &long), Err("is longer than 64 KiB"));
        assert_eq!(
            check_value(Kind::Choices, &Value::Texts(vec![String::new(); 1_001])),
            Err("has more than 1,000 entries")
        );
    }
}
