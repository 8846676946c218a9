//! Mappings of a sync over time: planned over the stored rows, applied to all of them, rolled back.

use super::Tenant;
use super::error::AppError;
use crate::model::http::Lane;
use crate::model::id::SyncId;
use crate::model::mapping::{Column, Direction};
use crate::model::outcome::OutboxEntry;
use crate::model::sync::{MappingSpec, MappingVersion, Remap, Run, Sync, SyncState};
use crate::store::Changes;
use crate::sync::{self, Observer, OutboundPlan, Outlook, Plan, Stopper, SyncError, Tell};

/// What a person has agreed to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Agreed {
    /// Contacts get another e-mail or phone, by which they are found.
    pub rekeys: bool,
    /// The next run reads every record anew, because the stored rows lack what the mapping reads.
    pub reread: bool,
}

/// What came of a mapping that was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    pub version: u32,
    /// The run that took it to the stored rows; none where the next run of the sync has to read them anew.
    pub run: Option<Run>,
}

/// A sync as it would be with another mapping.
struct Candidate {
    sync: Sync,
    output: Vec<Column>,
    /// What the mapping reads and no stored row has.
    unread: Vec<String>,
}

impl Tenant {
    /// The mappings that a sync has and had, by number.
    pub fn mapping_versions(&self, id: &SyncId) -> Result<Vec<MappingVersion>, AppError> {
        Ok(self.store().scan_under(&[id.as_str()]).collect::<Result<_, _>>()?)
    }

    /// Plans a mapping, or the one that the sync has, over the stored rows: no call to the CRM, and nothing is written.
    /// `tell` hears of each row.
    ///
    /// # Errors
    /// [`SyncError::Unread`] where the stored rows lack what the mapping reads.
    pub async fn plan_mapping(
        &self,
        id: &SyncId,
        mapping: Option<MappingSpec>,
        tell: &mut Tell<'_>,
    ) -> Result<Plan, AppError> {
        let sync = self.sync(id)?;
        let mapping = mapping.unwrap_or_else(|| sync.mapping.clone());
        let Candidate { sync, unread, .. } = self.candidate(sync, mapping).await?;
        if !unread.is_empty() {
            return Err(SyncError::Unread(unread).into());
        }
        Ok(sync::plan(&self.ports(&sync, Lane::Outcome, None).await?, &sync, tell).await?)
    }

    /// Plans what waits in the sync's outbox: no call to the CRM, and nothing is written. `tell` hears of each entry.
    pub async fn plan_outbound(
        &self,
        id: &SyncId,
        tell: &mut (dyn FnMut(&OutboxEntry, &Outlook) + Send),
    ) -> Result<OutboundPlan, AppError> {
        let sync = self.sync(id)?;
        Ok(sync::plan_outbound(&self.ports(&sync, Lane::Outcome, None).await?, &sync, tell).await?)
    }

    /// Makes a mapping the sync's own and takes it to every stored row. If that is cut short, the next run goes on with it.
    ///
    /// # Errors
    /// Where contacts would be found by another e-mail or phone, or rows have to be read anew, and nobody has agreed to it:
    /// then nothing has changed.
    pub async fn apply_mapping(
        &self,
        id: &SyncId,
        mapping: MappingSpec,
        agreed: Agreed,
        observer: &dyn Observer,
        stopper: &Stopper,
    ) -> Result<Applied, AppError> {
        let _turn = self.take_turn(id, Direction::Inbound, stopper)?;
        let sync = self.sync(id)?;
        let before = sync.version;
        let mut candidate = self.candidate(sync, mapping).await?;
        let newest = self.mapping_versions(id)?.last().map_or(before, |version| version.number);
        candidate.sync.version = newest + 1;
        let mut version = candidate.sync.mapping_version(candidate.output.clone(), self.clock().now());
        version.replaces = Some(before);
        self.switch(candidate, Some(version), agreed, observer, stopper).await
    }

    /// Goes back to the mapping that was there before the one that the sync has, as [`Tenant::apply_mapping`] does.
    pub async fn roll_back_mapping(
        &self,
        id: &SyncId,
        agreed: Agreed,
        observer: &dyn Observer,
        stopper: &Stopper,
    ) -> Result<Applied, AppError> {
        let _turn = self.take_turn(id, Direction::Inbound, stopper)?;
        let sync = self.sync(id)?;
        let version = |number| self.store().get::<MappingVersion>((id, number));
        let before = match version(sync.version)?.and_then(|now| now.replaces) {
            Some(number) => version(number)?,
            None => None,
        };
        let before = before.ok_or_else(|| AppError::FirstMapping(id.clone()))?;
        let mut candidate = self.candidate(sync, before.mapping).await?;
        candidate.sync.version = before.number;
        self.switch(candidate, None, agreed, observer, stopper).await
    }

    async fn switch(
        &self,
        candidate: Candidate,
        version: Option<MappingVersion>,
        agreed: Agreed,
        observer: &dyn Observer,
        stopper: &Stopper,
    ) -> Result<Applied, AppError> {
        let Candidate { sync, output, unread } = candidate;
        let ports = self.ports(&sync, Lane::Backfill, None).await?;
        let is_whole = unread.is_empty();
        if is_whole {
            let plan = sync::plan(&ports, &sync, &mut |_, _, _| {}).await?;
            if plan.rekeyed > 0 && !agreed.rekeys {
                return Err(AppError::Rekeys { sync: sync.id, contacts: plan.rekeyed });
            }
        } else if !agreed.reread {
            return Err(SyncError::Unread(unread).into());
        }
        let mut state = self.store().get::<SyncState>(&sync.id)?.unwrap_or_default();
        if is_whole {
            state.remap = Some(Remap::start());
        } else {
            (state.remap, state.checkpoint, state.high_water) = (None, None, None);
        }
        let mut changes = Changes::default();
        sync::define(self.store(), &output, &mut changes).map_err(SyncError::from)?;
        changes.put(&sync.id, &sync)?;
        changes.put(&sync.id, &state)?;
        if let Some(version) = version {
            changes.put((&sync.id, version.number), &version)?;
        }
        self.commit(changes)?;
        let run = match is_whole {
            true => Some(sync::run_remap(&ports, &sync, observer, &stopper.signal()).await?),
            false => None,
        };
        Ok(Applied { version: sync.version, run })
    }

    /// The sync with another mapping: over what is stored, and where that is not enough, over what the CRM has.
    async fn candidate(&self, sync: Sync, mapping: MappingSpec) -> Result<Candidate, AppError> {
        let mapper = self.mapper(&mapping.mapper).await?;
        let mistakes = |error| AppError::mapping(&mapping.mapper, error);
        let reads = mapper.reads(&mapping.configuration, Direction::Inbound).await.map_err(mistakes)?;
        let mut known = sync.columns.clone();
        for column in self.mapping_versions(&sync.id)?.into_iter().rev().flat_map(|version| version.columns) {
            if !known.iter().any(|known| known.name == column.name) {
                known.push(column);
            }
        }
        let unread: Vec<String> =
            reads.iter().filter(|name| !known.iter().any(|column| column.name == **name)).cloned().collect();
        let (columns, output) = if unread.is_empty() {
            let columns: Vec<Column> = known.into_iter().filter(|column| reads.contains(&column.name)).collect();
            let opened = mapper.open(&mapping.configuration, Direction::Inbound, &columns).await.map_err(mistakes)?;
            (columns, opened.output().to_vec())
        } else {
            let fields = self.connector(&sync.connection).await?.fields(&sync.object).await;
            let fields = fields.map_err(|source| AppError::call(&sync.connection, "fields", source))?;
            self.open_inbound(&mapping, &fields).await?
        };
        Ok(Candidate { sync: Sync { mapping, columns, ..sync }, output, unread })
    }
}
