//! Why a plugin is not taken, or not put in another's place, though the file may be whole.

use crate::app::advice::{self, Advice, Class, Whose};
use crate::model::id::{ConnectionId, PluginId};
use crate::model::publisher::{BadPublisherKey, PublisherKey};
use crate::plugin::signature::SigningKeyError;

#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error("the package of `{plugin}` is not signed, and this workspace takes it only from {}", publishers.join(", "))]
    Unsigned { plugin: PluginId, publishers: Vec<String> },
    #[error("the package of `{plugin}` is signed by {key}, and this workspace takes it only from {}", publishers.join(", "))]
    OtherPublisher { plugin: PluginId, key: PublisherKey, publishers: Vec<String> },
    #[error(
        "this workspace takes plugins only from publishers whom it trusts, and the package of `{plugin}` is {}",
        if *signed { "signed by somebody whom it does not know" } else { "not signed" }
    )]
    SignedOnly { plugin: PluginId, signed: bool },
    #[error("`{plugin}` {given} is older than {installed}, which is installed")]
    Downgrade { plugin: PluginId, given: semver::Version, installed: semver::Version },
    #[error("`{plugin}` {version} is installed with other bytes: a version must not change once it is out")]
    Switched { plugin: PluginId, version: semver::Version },
    #[error("the lock file does not name `{plugin}`")]
    NotLocked { plugin: PluginId },
    #[error("the lock file holds `{plugin}` to {what} {locked}, and this package has {found}")]
    LockedOther { plugin: PluginId, what: &'static str, locked: String, found: String },
    #[error("the lock file can't be read: {0}")]
    LockFile(String),
    #[error("the plugins are not those of the lock file: {}", .0.join("; "))]
    LockBroken(Vec<String>),
    #[error(transparent)]
    Key(#[from] BadPublisherKey),
    #[error(transparent)]
    SigningKey(#[from] SigningKeyError),
    #[error("`{plugin}` has no version before this one to go back to")]
    NoFormer { plugin: PluginId },
    #[error("no version of `{plugin}` waits to be granted")]
    NoProposal { plugin: PluginId },
    #[error("version {version} of `{plugin}` is kept here as it was granted, so there is nothing to propose")]
    Kept { plugin: PluginId, version: semver::Version },
    #[error("version {version} of `{plugin}` is not here")]
    NoVersion { plugin: PluginId, version: String },
    #[error("the settings of connection `{connection}` do not suit version {version}")]
    SettingsUnsuited { connection: ConnectionId, version: semver::Version },
    #[error("`{plugin}` is not installed, so there is nothing to upgrade")]
    NotInstalled { plugin: PluginId },
    #[error("`{plugin}` is not quarantined")]
    NotQuarantined { plugin: PluginId },
    #[error("the package is not signed")]
    NotSigned,
    #[error("the package is signed by {found}, not by {wanted}")]
    NotSignedBy { wanted: PublisherKey, found: PublisherKey },
}

impl InstallError {
    pub(in crate::app) fn advice(&self) -> Advice {
        let refused = |code, remedy: String| Advice::new(code, Whose::Plugin, Class::Plugin, remedy);
        match self {
            Self::Unsigned { plugin, .. } => refused(
                "plugin-unsigned",
                format!(
                    "get the signed file from its publisher; `ferry plugin trust list` shows whom `{plugin}` is taken from"
                ),
            ),
            Self::SignedOnly { signed: false, .. } => {
                refused("plugin-signed-only", "get the signed file from its publisher".to_owned())
            }
            Self::SignedOnly { plugin, .. } => refused(
                "plugin-signed-only",
                format!(
                    "once its publisher has confirmed the key, add --trust, or `ferry plugin trust add {plugin} KEY`"
                ),
            ),
            Self::OtherPublisher { plugin, key, .. } => refused(
                "plugin-publisher",
                format!(
                    "don't install it unless its publisher confirms the new key; then `ferry plugin trust add {plugin} {key}`"
                ),
            ),
            Self::Downgrade { plugin, .. } => refused(
                "plugin-downgrade",
                format!(
                    "`ferry plugin rollback {plugin}` goes back to the version before; --allow-downgrade takes any"
                ),
            ),
            Self::Switched { .. } => refused(
                "plugin-switched",
                "ask its publisher why; if the plugin is your own, raise its version, or add --allow-downgrade"
                    .to_owned(),
            ),
            Self::NotLocked { .. } | Self::LockedOther { .. } => refused(
                "plugin-locked",
                "install the file that was locked, or lock anew with `ferry plugin lock` where the new one is meant"
                    .to_owned(),
            ),
            Self::LockFile(_) => advice::configuration("lock-file", "make it with `ferry plugin lock`"),
            Self::LockBroken(_) => {
                advice::configuration("lock-broken", "install what the lock file names with --locked, or lock anew")
            }
            Self::Key(_) => {
                advice::configuration("publisher-key", "give the key as `ferry plugin keygen` shows it to its owner")
            }
            Self::SigningKey(_) => advice::configuration("signing-key", "make one with `ferry plugin keygen FILE`"),
            Self::NoFormer { plugin } | Self::NoProposal { plugin } | Self::NoVersion { plugin, .. } => {
                advice::configuration(
                    "plugin-version",
                    format!("`ferry plugin versions {plugin}` shows which there are"),
                )
            }
            Self::Kept { plugin, .. } => advice::configuration(
                "plugin-version",
                format!("`ferry plugin rollback {plugin}` goes back to it; without --propose it can be granted anew"),
            ),
            Self::SettingsUnsuited { .. } => {
                advice::configuration("plugin-settings", "add the connection anew, with settings for that version")
            }
            Self::NotInstalled { .. } => {
                advice::configuration("plugin-not-installed", "install it first: `ferry plugin install FILE`")
            }
            Self::NotQuarantined { .. } => {
                advice::configuration("not-quarantined", "`ferry plugin list` shows how each plugin fares")
            }
            Self::NotSigned | Self::NotSignedBy { .. } => {
                refused("plugin-not-signed", "get the file from its publisher again".to_owned())
            }
        }
    }
}
