//! Connections: added, checked, signed in anew, removed; and put to work.

use std::sync::Arc;

use url::{Origin, Url};

use super::allowances::KeptAllowance;
use super::composed::Composed;
use super::error::{AppError, Thing};
use super::kept::{Keeper, Kept};
use super::plugins::{Watched, is_loopback};
use super::{Tenant, settings};
use crate::model::allowance::LearnedAllowance;
use crate::model::connector::Connector;
use crate::model::grant::Grant;
use crate::model::http::Lane;
use crate::model::id::{ConnectionId, PluginId};
use crate::model::manifest::{Manifest, PluginKind};
use crate::model::mapping::Mapper;
use crate::model::sync::{Connection, InstalledPlugin, Sync, is_of_files};
use crate::store::Changes;
use crate::trace::{Call, Recorded, Trace};
use crate::vault::{Credential, Place, Summary};

/// The base address of a plugin that reaches no network: nothing is there, and no grant names it.
const NOWHERE: &str = "https://nowhere.invalid/";

/// What an admin says of a connection.
#[derive(Debug, Clone)]
pub struct NewConnection {
    pub id: ConnectionId,
    pub plugin: PluginId,
    /// Where relative targets lead; none for the plugin's own address.
    pub base: Option<Url>,
    /// An object that satisfies the plugin's schema, once its defaults are filled in.
    pub settings: serde_json::Value,
    pub credential: Credential,
}

impl Tenant {
    pub fn connections(&self) -> Result<Vec<Connection>, AppError> {
        Ok(self.store().scan().collect::<Result<_, _>>()?)
    }

    pub fn connection(&self, id: &ConnectionId) -> Result<Connection, AppError> {
        if let Some(connection) = self.store().get::<Connection>(id)? {
            return Ok(connection);
        }
        let known = self.connections()?;
        Err(AppError::not_found(Thing::Connection, id.as_str(), known.iter().map(|connection| connection.id.as_str())))
    }

    /// Whether a connection of this name can be added; asked before a person is sent to sign in.
    pub fn check_new_connection(&self, new: &ConnectionId) -> Result<(), AppError> {
        if is_of_files(new) {
            return Err(AppError::OfFiles);
        }
        match self.store().get::<Connection>(new)? {
            Some(_) => Err(AppError::Exists { what: Thing::Connection, name: new.to_string() }),
            None => Ok(()),
        }
    }

    /// Keeps a connection with its sealed credential, then checks it.
    ///
    /// # Errors
    /// Where nothing can come of it, as with a refused sign-in, nothing is kept. Where the CRM only has trouble, it is
    /// kept: [`AppError::Unchecked`].
    pub async fn add_connection(&self, new: NewConnection) -> Result<Connection, AppError> {
        self.check_new_connection(&new.id)?;
        let plugin = self.connector_plugin(&new.plugin)?;
        let base = new.base.map(|base| allowed_base(&plugin, base)).transpose()?;
        let settings = settings::complete(&plugin.manifest, new.settings)?;
        super::sign_in::check_way(&plugin.manifest, &new.credential)?;
        let (id, created) = (new.id, self.clock().now());
        let connection =
            Connection { id: id.clone(), plugin: new.plugin, base, settings, account: None, created, pinned: None };
        self.app.vault()?.put(&self.id, &id, new.credential).await?;
        self.keep(&connection)?;
        match self.check_connection(&id).await {
            Err(error) if error.is_hopeless() => {
                self.remove_connection(&id).await?;
                Err(AppError::NotAdded { connection: id, source: Box::new(error) })
            }
            Err(source) => Err(AppError::Unchecked { connection: id, source: Box::new(source) }),
            checked => checked,
        }
    }

    fn keep(&self, connection: &Connection) -> Result<(), AppError> {
        let mut changes = Changes::default();
        changes.put(&connection.id, connection)?;
        self.commit(changes)
    }

    fn connector_plugin(&self, id: &PluginId) -> Result<InstalledPlugin, AppError> {
        let plugin = self.plugin(id)?;
        match plugin.manifest.plugin.kind {
            PluginKind::Connector => Ok(plugin),
            is => Err(AppError::WrongKind { plugin: id.clone(), is, wanted: PluginKind::Connector }),
        }
    }

    /// Asks the CRM who the account is, and keeps the answer.
    pub async fn check_connection(&self, id: &ConnectionId) -> Result<Connection, AppError> {
        let connection = self.connection(id)?;
        let connector = self.connector(id).await?;
        let account = connector.check().await.map_err(|error| AppError::call(id, "check", error))?;
        let connection = Connection { account: Some(account), ..connection };
        self.keep(&connection)?;
        Ok(connection)
    }

    /// Puts another credential in place of the old one, then checks the connection. The new one is kept whatever the
    /// check says: the old one may be gone for good.
    pub async fn sign_in_again(&self, id: &ConnectionId, credential: Credential) -> Result<Connection, AppError> {
        let connection = self.connection(id)?;
        super::sign_in::check_way(&self.plugin_of(&connection)?.manifest, &credential)?;
        self.app.vault()?.put(&self.id, id, credential).await?;
        self.note("signed in anew", "connection", id)?;
        self.check_connection(id).await
    }

    /// What can be told of how a connection signs in.
    pub fn sign_in_summary(&self, id: &ConnectionId) -> Result<Option<Summary>, AppError> {
        Ok(self.app.vault()?.summary(&self.id, id)?)
    }

    /// Removes a connection and its credential.
    ///
    /// # Errors
    /// [`AppError::InUse`] names the syncs that use it.
    pub async fn remove_connection(&self, id: &ConnectionId) -> Result<(), AppError> {
        let connection = self.connection(id)?;
        let mut by = Vec::new();
        for sync in self.store().scan::<Sync>() {
            let sync = sync?;
            if &sync.connection == id {
                by.push(format!("sync `{}`", sync.id));
            }
        }
        if !by.is_empty() {
            return Err(AppError::InUse { what: Thing::Connection, name: id.to_string(), by });
        }
        let mut changes = Changes::default();
        let account = self.account_key(&connection);
        if !self.connections()?.iter().any(|other| &other.id != id && self.account_key(other) == account) {
            changes.remove::<LearnedAllowance>(account.as_str());
        }
        changes.remove::<Connection>(id);
        self.commit(changes)?;
        Ok(self.app.vault()?.remove(&self.id, id).await?)
    }

    /// A connection, ready to be asked on behalf of a person.
    pub async fn connector(&self, id: &ConnectionId) -> Result<Arc<dyn Connector>, AppError> {
        self.connector_in(id, Lane::Outcome).await
    }

    /// A connection, ready to be asked; `lane` says who goes first when the account's allowance is short.
    pub async fn connector_in(&self, id: &ConnectionId, lane: Lane) -> Result<Arc<dyn Connector>, AppError> {
        Ok(Arc::new(self.composed(id, lane).await?))
    }

    /// Makes one call of a connection, with everything that crosses the boundary.
    pub async fn trace(&self, id: &ConnectionId, call: Call) -> Result<Trace, AppError> {
        let recorded = self.recorded(id)?;
        Ok(self.composed(id, Lane::Outcome).await?.record(recorded, call).await.1)
    }

    /// As [`Tenant::connector_in`]; the calls that fail leave their traces with the keeper.
    pub(super) async fn kept_connector(
        &self,
        id: &ConnectionId,
        lane: Lane,
        keeper: Arc<dyn Keeper>,
    ) -> Result<Arc<dyn Connector>, AppError> {
        let recorded = self.recorded(id)?;
        Ok(Arc::new(Kept::new(self.composed(id, lane).await?, recorded, keeper)))
    }

    fn recorded(&self, id: &ConnectionId) -> Result<Recorded, AppError> {
        let plugin = self.plugin_of(&self.connection(id)?)?;
        let identity = plugin.manifest.plugin;
        Ok(Recorded { id: identity.id, version: identity.version, digest: plugin.digest })
    }

    pub(super) async fn composed(&self, id: &ConnectionId, lane: Lane) -> Result<Composed, AppError> {
        if is_of_files(id) {
            return Err(AppError::OfFiles);
        }
        let connection = self.connection(id)?;
        let (plugin, loaded) = self.load(self.plugin_of(&connection)?, PluginKind::Connector).await?;
        let quarantine = self.quarantine(&plugin, None)?;
        quarantine.check()?;
        let place = place(&plugin, connection.base.as_ref())?;
        let egress = self.app.egress().clone();
        let account = self.account_key(&connection);
        let (rates, daily) = (&plugin.manifest.rate, plugin.manifest.daily.as_ref());
        let governor = egress.governor(&account, rates, daily, self.learned_allowance(&account)?.as_ref());
        let (workspace, clock) = (Arc::clone(&self.workspace), self.clock());
        let allowance = KeptAllowance::new(workspace, account, Arc::clone(&governor), Arc::clone(&clock));
        Ok(Composed {
            signer: self.app.vault()?.signer(&self.id, id, place.clone())?,
            connection: connection.id,
            plugin: connection.plugin,
            quarantine,
            settings: connection.settings,
            loaded,
            egress,
            place,
            governor,
            allowance,
            lane,
            clock,
        })
    }

    /// A mapper, ready to open mappings.
    pub async fn mapper(&self, id: &PluginId) -> Result<Arc<dyn Mapper>, AppError> {
        let (plugin, loaded) = self.load(self.plugin(id)?, PluginKind::Mapper).await?;
        Ok(Arc::new(Watched { mapper: loaded.mapper()?, tenant: self.clone(), plugin }))
    }
}

/// Where a connection of `plugin` signs in and sends its requests.
pub(super) fn place(plugin: &InstalledPlugin, base: Option<&Url>) -> Result<Place, AppError> {
    let base = match (base, &plugin.manifest.network) {
        (Some(base), _) => Some(allowed_base(plugin, base.clone())?),
        (None, Some(network)) if network.base.is_none() => {
            return Err(AppError::BaseMissing { plugin: plugin.manifest.plugin.id.clone() });
        }
        (None, network) => network.as_ref().and_then(|network| network.base.clone()),
    };
    let base = base
        .map_or_else(|| Url::parse(NOWHERE), Ok)
        .map_err(|_| AppError::BaseAddress { given: NOWHERE.to_owned(), why: "it can't be read" })?;
    Ok(Place { grant: Arc::new(plugin.grant.clone()), base, sign_in: plugin.manifest.sign_in.clone() })
}

/// The address, if requests may be sent below it under the plugin's grant.
fn allowed_base(plugin: &InstalledPlugin, base: Url) -> Result<Url, AppError> {
    let refused = |why| AppError::BaseAddress { given: base.to_string(), why };
    if !matches!(base.origin(), Origin::Tuple(..)) || !matches!(base.scheme(), "http" | "https") {
        return Err(refused("it does not begin with http:// or https://"));
    }
    if !base.username().is_empty() || base.password().is_some() {
        return Err(refused("it holds a user name"));
    }
    if base.query().is_some() || base.fragment().is_some() {
        return Err(refused("it holds a query or a fragment"));
    }
    covered(&plugin.manifest, &plugin.grant, &base)?;
    Ok(base)
}

fn covered(manifest: &Manifest, grant: &Grant, base: &Url) -> Result<(), AppError> {
    if grant.covers_base(base) {
        return Ok(());
    }
    Err(AppError::NotGranted {
        plugin: manifest.plugin.id.clone(),
        origin: base.origin().ascii_serialization(),
        loopback: is_loopback(base),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::App;
    use crate::model::schema::Account;
    use crate::model::time::{Instant, SystemClock};

    #[test]
    fn no_plugin_reaches_the_allowance_of_another_workspace_by_naming_its_account() {
        let dir = tempfile::tempdir().unwrap();
        let app = App::in_folder(dir.path(), Arc::new(SystemClock));
        let key = |workspace: &str, id: &str, account: Option<&str>| {
            let account =
                account.map(|id| Account { id: id.into(), name: "Acme".into(), time_zone: None, lacking: Vec::new() });
            let connection = Connection {
                id: id.parse().unwrap(),
                plugin: "crm".parse().unwrap(),
                base: None,
                settings: "{}".into(),
                account,
                created: Instant(0),
                pinned: None,
            };
            app.tenant(&workspace.parse().unwrap()).unwrap().account_key(&connection)
        };
        assert_eq!(key("one", "a", Some("42")), key("one", "b", Some("42")));
        assert_ne!(key("one", "a", Some("42")), key("other", "a", Some("42")));
        assert_ne!(key("one", "a", None), key("other", "a", None));
        assert_ne!(key("one", "a", None), key("one", "b", Some("a")));
    }
}
