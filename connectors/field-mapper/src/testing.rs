//! For the tests of connectors that bring mappings along: a preset is good if it opens and maps.

use ferry_sdk::mapper::{Column, Direction, Kind, Mapped, Value};

use crate::Plan;

/// Opens `presets/<preset>.toml` of a connector's folder and maps one row, given as column, type and value each. Gives what is
/// filled, by name.
///
/// # Panics
/// Where there is no such file, the mapping has mistakes or the row is not mapped.
#[must_use]
pub fn map_preset(
    folder: &str,
    preset: &str,
    direction: Direction,
    row: &[(&str, Kind, Value)],
) -> Vec<(String, Value)> {
    let path = format!("{folder}/presets/{preset}.toml");
    let text = std::fs::read_to_string(path).expect("the preset is there");
    let columns: Vec<Column> =
        row.iter().map(|(name, kind, _)| Column { name: (*name).to_owned(), kind: *kind }).collect();
    let plan = Plan::open(&text, direction, &columns).unwrap_or_else(|mistakes| panic!("{preset}: {mistakes:#?}"));
    match plan.rows(vec![row.iter().map(|(.., value)| value.clone()).collect()]).remove(0) {
        Mapped::Values(values) => {
            let named = plan.output().iter().map(|column| column.name.clone()).zip(values);
            named.filter(|(_, value)| *value != Value::Null).collect()
        }
        other => panic!("{preset}: {other:?}"),
    }
}

/// What [`map_preset`] gives, to compare it with.
#[must_use]
pub fn named(values: &[(&str, Value)]) -> Vec<(String, Value)> {
    values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}
