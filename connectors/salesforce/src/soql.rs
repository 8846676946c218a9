//! Writes pieces of queries: quoting, conditions, places behind a record. Never names an object's meaning.

use ferry_sdk::connector::{Comparison, Condition, Failure};
use ferry_sdk::time;
use ferry_sdk::value::Instant;

use crate::api::is_name;
use crate::values::Reading;

/// A text literal that can't end early.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for character in text.chars() {
        match character {
            '\'' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other => out.push(other),
        }
    }
    out.push('\'');
    out
}

/// `'a','b'`.
pub(crate) fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().map(quoted).collect::<Vec<_>>().join(",")
}

/// ` WHERE a AND b`, empty without conditions.
pub(crate) fn whole(conditions: &[String]) -> String {
    if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) }
}

/// Behind a record in the order of stamp and id: records with one stamp are told apart by their ids.
pub(crate) fn behind(stamp: Instant, id: &str) -> String {
    let (stamp, id) = (time::write_instant(stamp, 3), quoted(id));
    format!("((SystemModstamp = {stamp} AND Id > {id}) OR SystemModstamp > {stamp})")
}

/// One condition of a filter.
///
/// # Errors
/// `invalid`, naming the field.
pub(crate) fn condition(condition: &Condition, reading: Reading) -> Result<String, Failure> {
    let Condition { field, comparison, values } = condition;
    if !is_name(field) {
        return Err(Failure::Missing(field.clone()));
    }
    let literals: Vec<String> = values.iter().map(|value| reading.literal(field, value)).collect::<Result<_, _>>()?;
    let all = literals.join(",");
    let one = literals.first().map(String::as_str);
    let sign = match comparison {
        Comparison::Present => return Ok(format!("{field} != null")),
        Comparison::Absent => return Ok(format!("{field} = null")),
        Comparison::OneOf if all.is_empty() => return Err(Failure::invalid(field, "is compared with nothing")),
        // A list without members leaves nothing out.
        Comparison::NoneOf if all.is_empty() => return Ok("Id != null".to_owned()),
        Comparison::OneOf if reading == Reading::Texts => return Ok(format!("{field} INCLUDES ({all})")),
        Comparison::NoneOf if reading == Reading::Texts => return Ok(format!("{field} EXCLUDES ({all})")),
        Comparison::OneOf => return Ok(format!("{field} IN ({all})")),
        Comparison::NoneOf => return Ok(format!("{field} NOT IN ({all})")),
        Comparison::Contains if reading == Reading::Texts => return Ok(format!("{field} INCLUDES ({all})")),
        Comparison::Contains if reading == Reading::Text => {
            let inner = one.and_then(|literal| literal.strip_prefix('\'')?.strip_suffix('\'')).unwrap_or_default();
            let escaped = inner.replace('%', "\\%").replace('_', "\\_");
            return Ok(format!("{field} LIKE '%{escaped}%'"));
        }
        Comparison::Contains => return Err(Failure::invalid(field, "is no text, so nothing can be looked for in it")),
        Comparison::Equal => "=",
        Comparison::NotEqual => "!=",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    };
    Ok(format!("{field} {sign} {}", one.unwrap_or("null")))
}

#[cfg(test)]
mod tests {
    use ferry_sdk::value::Value;

    use super::*;

    #[test]
    fn conditions_are_written_as_soql_has_them() {
        let of = |comparison, values: &[&str], reading| {
            let values = values.iter().map(|text| Value::Text((*text).into())).collect();
            condition(&Condition { field: "F".into(), comparison, values }, reading)
        };
        for (comparison, values, reading, expected) in [
            (Comparison::Equal, &["x"][..], Reading::Text, "F = 'x'"),
            (Comparison::GreaterOrEqual, &["5"], Reading::Integer, "F >= 5"),
            (Comparison::OneOf, &["a", "b"], Reading::Text, "F IN ('a','b')"),
            (Comparison::NoneOf, &["a"], Reading::Texts, "F EXCLUDES ('a')"),
            (Comparison::Contains, &["5%_'"], Reading::Text, "F LIKE '%5\\%\\_\\'%'"),
            (Comparison::Present, &[], Reading::Text, "F != null"),
            (Comparison::Absent, &[], Reading::Date, "F = null"),
        ] {
            assert_eq!(of(comparison, values, reading).as_deref(), Ok(expected));
        }
        assert!(of(Comparison::Contains, &["1"], Reading::Integer).is_err());
        let bad = Condition { field: "F = 1 OR G".into(), comparison: Comparison::Present, values: vec![] };
        assert_eq!(condition(&bad, Reading::Text), Err(Failure::Missing("F = 1 OR G".into())));
    }

    #[test]
    fn records_with_one_stamp_are_told_apart_by_their_ids() {
        let expected = "((SystemModstamp = 2025-11-22T10:00:00.000Z AND Id > '003A') OR SystemModstamp > 2025-11-22T10:00:00.000Z)";
        assert_eq!(behind(1_763_805_600_000_000, "003A"), expected);
    }
}
