//! Values, rows, tombstones and problems.

use super::{Checked, MAX_TOLD, broken, id, message, wit};
use crate::model::time::Instant;
use crate::model::value::{Problem, Row, Successor, Tombstone, Value, is_decimal};

/// A guest's value. Text may hold anything that UTF-8 can: it is the customer's, and one odd character of theirs must not
/// stop a page.
pub(super) fn value(value: wit::Value) -> Checked<Value> {
    Ok(match value {
        wit::Value::Null => Value::Null,
        wit::Value::Boolean(flag) => Value::Boolean(flag),
        wit::Value::Integer(number) => Value::Integer(number),
        wit::Value::Decimal(text) if is_decimal(&text) => Value::Decimal(text),
        wit::Value::Decimal(_) => return broken("a decimal is not in plain digits"),
        wit::Value::Text(text) => Value::Text(text),
        wit::Value::Instant(at) => Value::Instant(Instant(at)),
        wit::Value::Date(days) => Value::Date(days),
        wit::Value::Texts(items) => Value::Texts(items),
    })
}

pub(super) fn wit_value(value: Value) -> wit::Value {
    match value {
        Value::Null => wit::Value::Null,
        Value::Boolean(flag) => wit::Value::Boolean(flag),
        Value::Integer(number) => wit::Value::Integer(number),
        Value::Decimal(text) => wit::Value::Decimal(text),
        Value::Text(text) => wit::Value::Text(text),
        Value::Instant(at) => wit::Value::Instant(at.0),
        Value::Date(days) => wit::Value::Date(days),
        Value::Texts(items) => wit::Value::Texts(items),
    }
}

/// `width` values, in the order of the columns.
pub(super) fn values(values: Vec<wit::Value>, width: usize) -> Checked<Vec<Value>> {
    if values.len() != width {
        return broken(format!("a row has {} values for {width} columns", values.len()));
    }
    // The two forms are laid out alike, so this reuses the list that came out of the guest.
    values.into_iter().map(value).collect()
}

pub(super) fn row(row: wit::Row, width: usize) -> Checked<Row> {
    Ok(Row {
        id: id(row.id, "a row's id")?,
        modified: row.modified.map(Instant),
        version: row.version,
        values: values(row.values, width)?,
    })
}

/// `object` is what the plugin was asked about.
pub(super) fn tombstone(gone: wit::Tombstone, object: &str) -> Checked<Tombstone> {
    let gone_id = id(gone.id, "a tombstone's id")?;
    let into = gone.into.map(successor).transpose()?;
    if into.as_ref().is_some_and(|into| into.object == object && into.id == gone_id) {
        return broken("a tombstone says that a record lives on in itself");
    }
    Ok(Tombstone { id: gone_id, at: gone.at.map(Instant), into })
}

fn successor(into: wit::Successor) -> Checked<Successor> {
    let object = id(into.object, "the object that a tombstone points to")?;
    Ok(Successor { object, id: id(into.id, "the id that a tombstone points to")? })
}

pub(super) fn problems(list: Vec<wit::Problem>) -> Vec<Problem> {
    list.into_iter()
        .take(MAX_TOLD)
        .map(|problem| Problem {
            field: problem.field.map(|field| message(&field)),
            message: message(&problem.message),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::Broken;
    use super::*;

    #[test]
    fn every_value_comes_back_as_it_went() {
        let all = vec![
            Value::Null,
            Value::Boolean(true),
            Value::Integer(i64::MIN),
            Value::Decimal("-1.50".into()),
            Value::Text("nul\0 is the customer's".into()),
            Value::Instant(Instant(-1)),
            Value::Date(-1),
            Value::Texts(vec!["a".into(), String::new()]),
        ];
        let wit: Vec<wit::Value> = all.clone().into_iter().map(wit_value).collect();
        assert_eq!(values(wit, 8), Ok(all));
    }

    #[test]
    fn a_row_has_a_value_for_each_column() {
        let short = wit::Row { id: "1".into(), modified: None, version: None, values: vec![wit::Value::Null] };
        assert_eq!(row(short, 2), Err(Broken("a row has 1 values for 2 columns".into())));
    }

    #[test]
    fn a_record_does_not_live_on_in_itself() {
        let told = |object: &str, into: &str| {
            let into = wit::Successor { object: object.into(), id: into.into() };
            tombstone(wit::Tombstone { id: "1".into(), at: None, into: Some(into) }, "leads")
        };
        let expected = |object: &str, into: &str| {
            let into = Successor { object: object.into(), id: into.into() };
            Ok(Tombstone { id: "1".into(), at: None, into: Some(into) })
        };
        assert_eq!(told("leads", "2"), expected("leads", "2"));
        // Ids are an object's own: another one's record may have the same.
        assert_eq!(told("contacts", "1"), expected("contacts", "1"));
        assert!(told("leads", "1").is_err());
        assert!(told("leads", "").is_err());
        assert!(told("", "2").is_err());
    }
}
