//! `ferry fields`

use ferry::model::id::ConnectionId;
use ferry::model::schema::Field;

use super::table::Table;

/// Choices that a table shows of a field; `--json` has them all.
const SHOWN_CHOICES: usize = 6;

/// List the fields of an object, custom ones too
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The connection
    pub(super) connection: ConnectionId,
    /// The object, as `ferry objects` names it
    pub(super) object: String,
}

pub(super) fn table(fields: &[Field]) -> Table {
    let mut table = Table::new(&["name", "label", "type", "is", "choices"], "the object has no fields");
    for field in fields {
        let kind = super::output::word(&field.kind);
        table.row(vec![field.name.clone(), field.label.clone(), kind, marks(field), choices(field)]);
    }
    table
}

fn marks(field: &Field) -> String {
    let marks = [
        (field.required, "required"),
        (!field.writable, "read-only"),
        (field.unique, "unique"),
        (field.custom, "custom"),
        (field.derived, "derived"),
    ];
    let words: Vec<&str> = marks.into_iter().filter_map(|(there, word)| there.then_some(word)).collect();
    words.join(" ")
}

fn choices(field: &Field) -> String {
    let shown: Vec<&str> = field.choices.iter().take(SHOWN_CHOICES).map(|choice| choice.value.as_str()).collect();
    match field.choices.len().saturating_sub(SHOWN_CHOICES) {
        0 => shown.join(", "),
        more => format!("{}, and {more} more", shown.join(", ")),
    }
}
