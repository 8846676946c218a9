//! `ferry objects`

use ferry::model::id::ConnectionId;
use ferry::model::schema::Object;

use super::table::Table;

/// List what can be synced of a CRM account
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The connection
    pub(super) connection: ConnectionId,
}

pub(super) fn table(objects: &[Object]) -> Table {
    let mut table = Table::new(&["name", "label", "custom", "can"], "the CRM has no objects for this sign-in");
    for object in objects {
        let custom = if object.custom { "yes" } else { "" };
        let can = object.abilities.names().join(" ");
        table.row(vec![object.name.clone(), object.label.clone(), custom.to_owned(), can]);
    }
    table
}
