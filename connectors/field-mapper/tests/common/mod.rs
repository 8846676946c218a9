//! Short ways to say a mapping, its input and its rows.

use ferry_field_mapper::Plan;
use ferry_sdk::mapper::{Column, Direction, Kind, Mapped, Mistake, Problem, Value};

pub(crate) fn columns(columns: &[(&str, Kind)]) -> Vec<Column> {
    columns.iter().map(|(name, kind)| Column { name: (*name).to_owned(), kind: *kind }).collect()
}

pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub(crate) fn texts(texts: &[&str]) -> Value {
    Value::Texts(texts.iter().map(|text| (*text).to_owned()).collect())
}

/// Opens an inbound mapping.
pub(crate) fn open(mapping: &str, input: &[(&str, Kind)]) -> Result<Plan, Vec<Mistake>> {
    Plan::open(mapping, Direction::Inbound, &columns(input))
}

/// Maps one row of an inbound mapping.
pub(crate) fn map(mapping: &str, row: &[(&str, Kind, Value)]) -> Mapped {
    map_towards(Direction::Inbound, mapping, row)
}

pub(crate) fn map_towards(direction: Direction, mapping: &str, row: &[(&str, Kind, Value)]) -> Mapped {
    let input: Vec<_> = row.iter().map(|(name, kind, _)| (*name, *kind)).collect();
    let plan = Plan::open(mapping, direction, &columns(&input)).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let row = row.iter().map(|(_, _, value)| value.clone()).collect();
    let mut mapped = plan.rows(vec![row]);
    assert_eq!(mapped.len(), 1);
    mapped.remove(0)
}

/// The problems of a row, as `field: message`.
pub(crate) fn problems(mapped: Mapped) -> Vec<String> {
    let Mapped::Refused(problems) = mapped else { panic!("the row was not refused: {mapped:?}") };
    let line = |Problem { field, message }| format!("{}: {message}", field.unwrap_or_default());
    problems.into_iter().map(line).collect()
}
