//! What a mapper is given and what it gives.

use super::super::bindings::mapper::exports::ferry::crm::mapper as wit;
use super::value::{problems, values};
use super::{Checked, MAX_TOLD, broken, id, message, twice};
use crate::model::mapping::{Column, Direction, Kind, Mapped, Mistake};
use crate::model::value::Value;

/// The most columns of a mapping, in or out: CRMs have objects with more fields, but nobody maps them all.
const MAX_COLUMNS: usize = 500;

pub(in super::super) fn wit_direction(direction: Direction) -> wit::Direction {
    match direction {
        Direction::Inbound => wit::Direction::Inbound,
        Direction::Outbound => wit::Direction::Outbound,
    }
}

pub(in super::super) fn wit_columns(columns: &[Column]) -> Vec<wit::Column> {
    columns.iter().map(|column| wit::Column { name: column.name.clone(), kind: wit_kind(column.kind) }).collect()
}

fn wit_kind(kind: Kind) -> wit::Kind {
    match kind {
        Kind::Boolean => wit::Kind::Boolean,
        Kind::Integer => wit::Kind::Integer,
        Kind::Decimal => wit::Kind::Decimal,
        Kind::Text => wit::Kind::Text,
        Kind::Email => wit::Kind::Email,
        Kind::Phone => wit::Kind::Phone,
        Kind::Url => wit::Kind::Url,
        Kind::Choice => wit::Kind::Choice,
        Kind::Choices => wit::Kind::Choices,
        Kind::Instant => wit::Kind::Instant,
        Kind::Date => wit::Kind::Date,
        Kind::Opaque => wit::Kind::Opaque,
    }
}

fn kind(kind: wit::Kind) -> Kind {
    match kind {
        wit::Kind::Boolean => Kind::Boolean,
        wit::Kind::Integer => Kind::Integer,
        wit::Kind::Decimal => Kind::Decimal,
        wit::Kind::Text => Kind::Text,
        wit::Kind::Email => Kind::Email,
        wit::Kind::Phone => Kind::Phone,
        wit::Kind::Url => Kind::Url,
        wit::Kind::Choice => Kind::Choice,
        wit::Kind::Choices => Kind::Choices,
        wit::Kind::Instant => Kind::Instant,
        wit::Kind::Date => Kind::Date,
        wit::Kind::Opaque => Kind::Opaque,
    }
}

/// The columns that a configuration reads.
pub(in super::super) fn reads(names: Vec<String>) -> Checked<Vec<String>> {
    if names.len() > MAX_COLUMNS {
        return broken(format!("it reads {} columns, and {MAX_COLUMNS} are the most", names.len()));
    }
    if let Some(name) = twice(names.iter().map(String::as_str)) {
        return broken(format!("it reads the column `{}` twice", message(name)));
    }
    names.into_iter().map(|name| id(name, "the name of a column")).collect()
}

pub(in super::super) fn columns(columns: Vec<wit::Column>) -> Checked<Vec<Column>> {
    if columns.len() > MAX_COLUMNS {
        return broken(format!("it gives {} columns, and {MAX_COLUMNS} are the most", columns.len()));
    }
    if let Some(name) = twice(columns.iter().map(|column| column.name.as_str())) {
        return broken(format!("it gives the column `{}` twice", message(name)));
    }
    columns
        .into_iter()
        .map(|column| Ok(Column { name: id(column.name, "the name of a column")?, kind: kind(column.kind) }))
        .collect()
}

pub(in super::super) fn mistakes(list: Vec<wit::Mistake>) -> Checked<Vec<Mistake>> {
    if list.is_empty() {
        return broken("it refuses a configuration and names no mistake");
    }
    Ok(list
        .into_iter()
        .take(MAX_TOLD)
        .map(|mistake| Mistake {
            line: mistake.line,
            path: message(&mistake.path),
            message: message(&mistake.message),
            hint: mistake.hint.map(|hint| message(&hint)),
        })
        .collect())
}

/// The rows in one piece. None where their texts have more bytes than a guest's memory.
pub(in super::super) fn wit_table(rows: &[Vec<Value>]) -> Option<wit::Table> {
    let widths = rows.iter().map(|row| u32::try_from(row.len())).collect::<Result<Vec<_>, _>>().ok()?;
    let mut texts = String::with_capacity(rows.iter().flatten().map(bytes).sum());
    let mut cells = Vec::with_capacity(rows.iter().map(Vec::len).sum());
    let mut push = |text: &str| {
        texts.push_str(text);
        u32::try_from(text.len()).ok()
    };
    for value in rows.iter().flatten() {
        cells.push(match value {
            Value::Null => wit::Cell::Null,
            Value::Boolean(flag) => wit::Cell::Boolean(*flag),
            Value::Integer(number) => wit::Cell::Integer(*number),
            Value::Decimal(text) => wit::Cell::Decimal(push(text)?),
            Value::Text(text) => wit::Cell::Text(push(text)?),
            Value::Instant(at) => wit::Cell::Instant(at.0),
            Value::Date(days) => wit::Cell::Date(*days),
            Value::Texts(items) => wit::Cell::Texts(items.iter().map(|item| push(item)).collect::<Option<_>>()?),
        });
    }
    Some(wit::Table { widths, cells, texts })
}

fn bytes(value: &Value) -> usize {
    match value {
        Value::Decimal(text) | Value::Text(text) => text.len(),
        Value::Texts(items) => items.iter().map(String::len).sum(),
        _ => 0,
    }
}

pub(in super::super) fn mapped(list: Vec<wit::Mapped>, rows: usize, output: &[Column]) -> Checked<Vec<Mapped>> {
    if list.len() != rows {
        return broken(format!("it gives {} results for {rows} rows", list.len()));
    }
    list.into_iter().map(|it| mapped_row(it, output)).collect()
}

fn mapped_row(mapped: wit::Mapped, output: &[Column]) -> Checked<Mapped> {
    Ok(match mapped {
        wit::Mapped::Values(list) => {
            let list = values(list, output.len())?;
            match list.iter().zip(output).find(|(value, column)| !fits(value, column.kind)) {
                Some((_, column)) => return broken(format!("a value of `{}` is not of its type", column.name)),
                None => Mapped::Values(list),
            }
        }
        wit::Mapped::Skipped(reason) => Mapped::Skipped(message(&reason)),
        wit::Mapped::Refused(list) if list.is_empty() => return broken("it refuses a row and names no problem"),
        wit::Mapped::Refused(list) => Mapped::Refused(problems(list)),
    })
}

fn fits(value: &Value, kind: Kind) -> bool {
    matches!(
        (value, kind),
        (Value::Null, _)
            | (_, Kind::Opaque)
            | (Value::Boolean(_), Kind::Boolean)
            | (Value::Integer(_), Kind::Integer)
            | (Value::Decimal(_), Kind::Decimal)
            | (Value::Text(_), Kind::Text | Kind::Email | Kind::Phone | Kind::Url | Kind::Choice)
            | (Value::Texts(_), Kind::Choices)
            | (Value::Instant(_), Kind::Instant)
            | (Value::Date(_), Kind::Date)
    )
}

#[cfg(test)]
mod tests {
    use super::super::super::bindings::types::Value as WitValue;
    use super::super::Broken;
    use super::*;

    fn output(kinds: &[Kind]) -> Vec<Column> {
        kinds.iter().enumerate().map(|(number, kind)| Column { name: format!("c{number}"), kind: *kind }).collect()
    }

    #[test]
    fn a_mapped_value_is_of_its_columns_type() {
        let output = output(&[Kind::Email, Kind::Integer]);
        let row = |email, number| mapped(vec![wit::Mapped::Values(vec![email, number])], 1, &output);
        let text = || WitValue::Text("a@b.c".into());
        let good = Mapped::Values(vec![Value::Text("a@b.c".into()), Value::Null]);
        assert_eq!(row(text(), WitValue::Null), Ok(vec![good]));
        assert_eq!(row(text(), text()), Err(Broken("a value of `c1` is not of its type".into())));
    }

    #[test]
    fn a_mapped_row_has_the_columns_that_were_promised() {
        let short = mapped(vec![wit::Mapped::Values(Vec::new())], 1, &output(&[Kind::Text]));
        assert_eq!(short, Err(Broken("a row has 0 values for 1 columns".into())));
    }

    #[test]
    fn a_table_has_the_cells_of_all_rows_and_their_texts_in_one() {
        let texts = Value::Texts(vec!["a".into(), String::new(), "é".into()]);
        let table = wit_table(&[vec![Value::Text("Zoë".into()), Value::Null], vec![], vec![texts]]).unwrap();
        assert_eq!((table.widths, table.texts.as_str()), (vec![2, 0, 1], "Zoëaé"));
        let [wit::Cell::Text(4), wit::Cell::Null, wit::Cell::Texts(lengths)] = &table.cells[..] else { panic!() };
        assert_eq!(lengths, &[1, 0, 2]);
    }

    #[test]
    fn a_refusal_says_why() {
        assert!(mapped(vec![wit::Mapped::Refused(Vec::new())], 1, &[]).is_err());
        assert!(mistakes(Vec::new()).is_err());
    }

    #[test]
    fn output_columns_are_named_once_and_are_few() {
        let column = |name: String| wit::Column { name, kind: wit::Kind::Text };
        let many = (0..=MAX_COLUMNS).map(|number| column(number.to_string())).collect();
        assert_eq!(columns(many), Err(Broken("it gives 501 columns, and 500 are the most".into())));
        let double = vec![column("a".into()), column("a".into())];
        assert_eq!(columns(double), Err(Broken("it gives the column `a` twice".into())));
        assert!(columns(vec![column(String::new())]).is_err());
    }
}
