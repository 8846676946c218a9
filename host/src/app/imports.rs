//! Contacts from files: a sync whose records are the rows of a file. They are mapped, checked, matched and merged as those of a
//! CRM are, and explained, refused and exported like them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Tenant;
use super::error::{AppError, Thing};
use super::sheet::Sheet;
use super::syncs::check_policies;
use crate::model::id::SyncId;
use crate::model::mapping::{Column, Direction};
use crate::model::policy::Policy;
use crate::model::schema::Abilities;
use crate::model::sync::{MappingSpec, MatchKey, Run, Sync};
use crate::store::Changes;
use crate::sync::{self, Observer, Ports, Stopper, SyncError, TrialReport};

/// What is said of an import.
#[derive(Debug, Clone)]
pub struct NewImport {
    /// Files that are imported under one name hold the same records, by their ids.
    pub id: SyncId,
    pub mapping: MappingSpec,
    pub match_keys: Vec<MatchKey>,
    /// By attribute; the rest is the file's.
    pub policies: BTreeMap<String, Policy>,
}

impl Tenant {
    /// What an import would do with the first `sample` rows; writes nothing.
    ///
    /// # Errors
    /// As [`Tenant::import`].
    pub async fn preview_import(&self, new: NewImport, file: Sheet, sample: u32) -> Result<TrialReport, AppError> {
        let (sync, _) = self.import_sync(new, &file).await?;
        Ok(sync::try_sync(&self.file_ports(&sync, file).await?, &sync, sample).await?)
    }

    /// Imports every row of a file. A row whose record was imported before, under the same name, changes what has changed.
    ///
    /// # Errors
    /// Where the name is that of another sync, and for whatever would keep a sync from being made.
    pub async fn import(
        &self,
        new: NewImport,
        file: Sheet,
        observer: &dyn Observer,
        stopper: &Stopper,
    ) -> Result<Run, AppError> {
        // What is left of another one must not become this one's.
        self.finish_removal(&new.id)?;
        let _turn = self.take_turn(&new.id, Direction::Inbound, stopper)?;
        let (sync, output) = self.import_sync(new, &file).await?;
        let mut changes = Changes::default();
        sync::define(self.store(), &output, &mut changes).map_err(SyncError::from)?;
        changes.put(&sync.id, &sync)?;
        changes.put((&sync.id, sync.version), &sync.mapping_version(output, self.clock().now()))?;
        self.commit(changes)?;
        self.note("run", "sync", &sync.id)?;
        let ports = self.file_ports(&sync, file).await?;
        let run = sync::run_inbound(&ports, &sync, 1, observer, &stopper.signal()).await?;
        match self.follow_contacts().await {
            // The next one goes on from there.
            Ok(()) | Err(AppError::Stopping) => Ok(run),
            Err(error) => Err(error),
        }
    }

    /// The sync of the import, with another version where another mapping is given than the last time; and what it fills.
    async fn import_sync(&self, new: NewImport, file: &Sheet) -> Result<(Sync, Vec<Column>), AppError> {
        let (columns, output) = self.open_inbound(&new.mapping, &file.fields()).await?;
        check_policies(&new.policies, &output)?;
        let old = self.store().get::<Sync>(&new.id)?;
        let version = match &old {
            Some(old) if !old.is_import() => {
                return Err(AppError::Exists { what: Thing::Sync, name: new.id.to_string() });
            }
            Some(old) if (&old.mapping, &old.columns) == (&new.mapping, &columns) => old.version,
            Some(old) => old.version + 1,
            None => 1,
        };
        let sync = Sync {
            // Rows of two imports may be one contact, as records of two objects may.
            object: new.id.to_string(),
            id: new.id,
            connection: Sync::import_connection()?,
            segment: None,
            filter: Vec::new(),
            mapping: new.mapping,
            version,
            abilities: Abilities { pull: true, ..Abilities::default() },
            lateness_ms: 0,
            columns,
            match_keys: new.match_keys,
            policies: new.policies,
            outbound: BTreeMap::new(),
            created: old.map_or_else(|| self.clock().now(), |old| old.created),
        };
        Ok((sync, output))
    }

    async fn file_ports(&self, sync: &Sync, file: Sheet) -> Result<Ports, AppError> {
        let mapper = self.mapper(&sync.mapping.mapper).await?;
        Ok(Ports {
            store: self.whole_store(),
            workspace: self.store().clone(),
            connector: Arc::new(file),
            mappers: HashMap::from([(sync.mapping.mapper.clone(), mapper)]),
            clock: self.clock(),
        })
    }
}
