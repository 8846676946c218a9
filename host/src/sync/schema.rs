//! Looks at the object's fields at the start of a run: what has changed is written down, what the mapping reads must be there.

use crate::model::drift::SeenFields;
use crate::model::failure::{CallError, Failure};
use crate::store::Changes;

use super::SyncError;
use super::advice::Patience;
use super::inbound::Inbound;

impl Inbound<'_> {
    /// Says whether the sync reads a field that the CRM works out: where one changes, its record's stamp stays as it is.
    ///
    /// # Errors
    /// [`SyncError::FieldsVanished`] where a field is not there that the mapping reads: a CRM that has taken a permission away
    /// gives nothing in its place, and that nothing would replace what we have.
    pub(super) async fn look_at_fields(&self) -> Result<bool, SyncError> {
        let mut patience = Patience::default();
        let fields = loop {
            match self.ports.connector.fields(&self.sync.object).await {
                Ok(fields) => break fields,
                Err(CallError::Advice(Failure::Unsupported(_))) => return Ok(false),
                Err(error) => {
                    patience.after(error, &*self.ports.clock).await.map_err(|source| self.call("fields", source))?;
                }
            }
        };
        let (sync, workspace) = (self.sync, &self.ports.workspace);
        let is_read = |name: &str| sync.columns.iter().any(|column| column.name == name);
        let reads_derived = fields.iter().any(|field| field.derived && is_read(&field.name));
        let now: Vec<_> = fields.into_iter().map(Into::into).collect();
        let is_there = |name: &str| now.iter().any(|field: &crate::model::drift::FieldShape| field.name == name);
        let names = sync.columns.iter().map(|column| column.name.clone());
        let vanished: Vec<String> = names.filter(|name| !is_there(name)).collect();
        let known = workspace.get::<SeenFields>(&sync.id)?;
        let (seen, is_new) = match known {
            None => (SeenFields { sync: sync.id.clone(), fields: now, drifts: Vec::new() }, true),
            Some(mut seen) => {
                let has_changed = seen.look(now, is_read, self.run.id, self.ports.clock.now());
                (seen, has_changed)
            }
        };
        if is_new {
            let mut changes = Changes::default();
            changes.put(&sync.id, &seen)?;
            workspace.commit(changes)?;
        }
        if vanished.is_empty() { Ok(reads_derived) } else { Err(SyncError::FieldsVanished(vanished)) }
    }
}
