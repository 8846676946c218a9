//! `ferry segments`

use ferry::model::id::ConnectionId;
use ferry::model::schema::Segment;

use super::table::Table;

/// List the lists and saved views of an object
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The connection
    pub(super) connection: ConnectionId,
    /// The object, as `ferry objects` names it
    pub(super) object: String,
}

pub(super) fn table(segments: &[Segment]) -> Table {
    let mut table = Table::new(&["id", "name", "size", "members"], "the CRM has no lists of this object").numbers(&[2]);
    for segment in segments {
        let size = segment.size.map(|size| size.to_string()).unwrap_or_default();
        let members = if segment.changes_by_itself { "by a rule" } else { "by hand" };
        table.row(vec![segment.id.clone(), segment.name.clone(), size, members.to_owned()]);
    }
    table
}
