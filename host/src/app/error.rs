//! One error for everything the application does: what happened, whose it is to mend, and how. Prints nothing.

mod remedy;

use std::path::{Path, PathBuf};

use super::advice::{Class, Whose};
use super::plugins::error::InstallError;
use super::plugins::source::FetchError;
use super::project::ProjectError;
use super::sheet::SheetMistake;
pub use super::thing::Thing;
use super::words::counted;
use crate::conformance::CassetteError;
use crate::model::failure::{CallError, Fault};
use crate::model::id::{ConnectionId, ContactId, HookId, InvalidName, PluginId, SyncId};
use crate::model::manifest::PluginKind;
use crate::model::mapping::{Direction, MappingError, Mistake};
use crate::model::outcome::OutcomeKind;
use crate::model::schedule::ScheduleError;
use crate::model::value::Problem;
use crate::plugin::LoadError;
use crate::plugin::package::PackageError;
use crate::store::StoreError;
use crate::sync::{JoinError, SyncError};
use crate::trace::TraceError;
use crate::vault::{KeyError, TokenError, VaultError};

#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A run, or a call through a connection.
    #[error(transparent)]
    Sync(#[from] SyncError),
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error("the mapping {}by `{mapper}` has {}", of(*outcome), counted(mistakes.len(), "mistake"))]
    Mapping {
        mapper: PluginId,
        /// Of outcomes of this kind; none for the mapping of records.
        outcome: Option<OutcomeKind>,
        mistakes: Vec<Mistake>,
    },
    #[error("there is no {} `{name}`", what.word())]
    NotFound { what: Thing, name: String, near: Option<String> },
    #[error("there is already a {} `{name}`", what.word())]
    Exists { what: Thing, name: String },
    #[error("the {} `{name}` is in use by {}", what.word(), by.join(", "))]
    InUse { what: Thing, name: String, by: Vec<String> },
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error("`{plugin}` is a {}, and a {} is needed here", kind_word(*is), kind_word(*wanted))]
    WrongKind { plugin: PluginId, is: PluginKind, wanted: PluginKind },
    #[error("the settings do not suit plugin `{plugin}`")]
    Settings { plugin: PluginId, problems: Vec<Problem> },
    #[error("the settings are not JSON")]
    SettingsText(#[source] serde_json::Error),
    #[error("the settings schema of plugin `{plugin}` is not a JSON Schema: {message}")]
    SettingsSchema { plugin: PluginId, message: String },
    #[error("the grant of plugin `{plugin}` does not cover `{origin}`")]
    NotGranted { plugin: PluginId, origin: String, loopback: bool },
    #[error("`{given}` is not an origin on the open network")]
    NotOrigin { given: String },
    #[error("`{given}` is not an origin on this machine")]
    NotLoopback { given: String },
    #[error("`{given}` is not a base address: {why}")]
    BaseAddress { given: String, why: &'static str },
    #[error("plugin `{plugin}` has no address of its own: every customer runs a server")]
    BaseMissing { plugin: PluginId },
    #[error("plugin `{plugin}` needs to know how to sign in")]
    SignInMissing { plugin: PluginId, offers: Vec<&'static str> },
    #[error("plugin `{plugin}` does not sign in by {given}")]
    SignInNotOffered { plugin: PluginId, given: &'static str, offers: Vec<&'static str> },
    #[error("signing in by {by} needs {lacks}")]
    SignInIncomplete { by: &'static str, lacks: &'static str, remedy: &'static str },
    #[error("`{}` can't be {doing}", path.display())]
    File { path: PathBuf, doing: &'static str, source: std::io::Error },
    #[error(transparent)]
    Package(#[from] PackageError),
    #[error(transparent)]
    Install(#[from] InstallError),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Cassette(#[from] CassetteError),
    #[error(transparent)]
    Trace(#[from] TraceError),
    #[error(transparent)]
    Project(#[from] ProjectError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("the key that seals does not come from a file, so there is none in which the new one could take its place")]
    KeyFileMissing,
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("connection `{connection}` could not be signed in: {error}")]
    Token { connection: ConnectionId, error: TokenError },
    #[error("plugin `{plugin}` can't be signed in: {error}")]
    Instance { plugin: PluginId, error: TokenError },
    /// Nothing of it is kept.
    #[error("connection `{connection}` was not added")]
    NotAdded { connection: ConnectionId, source: Box<AppError> },
    /// It is kept; only its check did not succeed.
    #[error("connection `{connection}` was added, but could not be checked")]
    Unchecked { connection: ConnectionId, source: Box<AppError> },
    #[error("{key} is that of several contacts: {}", list(contacts))]
    SeveralContacts { key: &'static str, contacts: Vec<ContactId> },
    #[error("no sync would send a {kind} of contact {contact}")]
    NoTarget { contact: ContactId, kind: &'static str },
    #[error("the {kind} can't be recorded as it is")]
    Outcome { kind: &'static str, problems: Vec<Problem> },
    #[error("the attributes can't be set as they are")]
    Attributes { problems: Vec<Problem> },
    #[error("nobody has to decide about `{attribute}` of {contact}")]
    NoConflict { contact: ContactId, attribute: String },
    #[error("several syncs have another value of `{attribute}`: {}", syncs.iter().map(SyncId::as_str).collect::<Vec<_>>().join(", "))]
    SeveralConflicts { attribute: String, syncs: Vec<SyncId> },
    #[error("the mapping gives {} of `{sync}` another e-mail or phone, by which contacts are found", counted(*contacts, "contact"))]
    Rekeys { sync: SyncId, contacts: u64 },
    #[error("the mapping of `{0}` is the first that it has had")]
    FirstMapping(SyncId),
    #[error(transparent)]
    Join(#[from] JoinError),
    #[error("the CRM does not let field `{field}` be written")]
    ReadOnly { field: String },
    #[error("sync `{sync}` is running already ({})", direction_word(*direction))]
    Running { sync: SyncId, direction: Direction },
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    #[error("nothing of sync `{0}` is running")]
    NotRunning(SyncId),
    #[error("the server is stopping and begins nothing new")]
    Stopping,
    #[error("the rule can't be")]
    Rule { problems: Vec<Problem> },
    #[error("events can't be posted to `{given}`: {why}")]
    HookAddress { given: String, why: &'static str },
    #[error("the secret of hook `{0}` is not there")]
    HookSecret(HookId),
    #[error("`file` is no connection: syncs that have it take their records from files")]
    OfFiles,
    #[error("the file can't be imported as it is")]
    Sheet { problems: Vec<Problem> },
    #[error("{}", no_id(wanted.as_deref()))]
    SheetId { wanted: Option<String>, columns: Vec<String> },
    #[error("contact {contact} is suppressed (by {by})")]
    Suppressed { contact: ContactId, by: &'static str },
    #[error("as much is being done as may be at once")]
    Busy,
    #[error("the webhook for connection `{connection}` was refused: {why}")]
    Webhook { connection: ConnectionId, why: String },
    #[error("the webhook for connection `{connection}` has been taken before")]
    WebhookReplayed { connection: ConnectionId },
    #[error("the idempotency key is empty, longer than 200 bytes or has control characters")]
    BadKey,
    #[error("something else was asked with the idempotency key `{key}`")]
    KeyReused { key: String },
}

fn no_id(wanted: Option<&str>) -> String {
    match wanted {
        Some(name) => format!("the file has no column `{name}` to tell its records apart"),
        None => "which column of the file tells its records apart is not known".to_owned(),
    }
}

impl From<SheetMistake> for AppError {
    fn from(mistake: SheetMistake) -> Self {
        match mistake {
            SheetMistake::Form(problems) => Self::Sheet { problems },
            SheetMistake::NoId { wanted, columns } => Self::SheetId { wanted, columns },
        }
    }
}

fn of(outcome: Option<OutcomeKind>) -> String {
    outcome.map(|kind| format!("of {} outcomes ", kind.as_str())).unwrap_or_default()
}

fn list(contacts: &[ContactId]) -> String {
    let names: Vec<String> = contacts.iter().map(ToString::to_string).collect();
    names.join(", ")
}

fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
    }
}

fn kind_word(kind: PluginKind) -> &'static str {
    match kind {
        PluginKind::Connector => "connector",
        PluginKind::Mapper => "mapper",
    }
}

impl AppError {
    /// Why `connection` gave no answer to `verb`.
    pub fn call(connection: &ConnectionId, verb: &'static str, source: CallError) -> Self {
        Self::Sync(SyncError::Call { connection: connection.clone(), verb, source })
    }

    /// Why a mapping could not be opened.
    pub fn mapping(mapper: &PluginId, error: MappingError) -> Self {
        match error {
            MappingError::Mistakes(mistakes) => Self::Mapping { mapper: mapper.clone(), outcome: None, mistakes },
            MappingError::Fault(fault) => Self::Fault(fault),
        }
    }

    /// Why the mapping of outcomes of a kind could not be opened.
    pub fn outbound_mapping(kind: OutcomeKind, mapper: &PluginId, error: MappingError) -> Self {
        match Self::mapping(mapper, error) {
            Self::Mapping { mapper, mistakes, .. } => Self::Mapping { mapper, outcome: Some(kind), mistakes },
            other => other,
        }
    }

    /// Another process holds the state.
    pub fn is_held(&self) -> bool {
        matches!(self, Self::Store(StoreError::Held { .. }))
    }

    pub(super) fn file(path: &Path, doing: &'static str, source: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), doing, source }
    }

    /// A name that is not there, with the one that was probably meant.
    pub fn not_found<'a>(what: Thing, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let near = super::suggest::nearest(name, known).map(str::to_owned);
        Self::NotFound { what, name: name.to_owned(), near }
    }

    /// A stable code for machines.
    pub fn code(&self) -> &'static str {
        self.advice().code
    }

    pub fn whose(&self) -> Whose {
        self.advice().whose
    }

    pub fn class(&self) -> Class {
        self.advice().class
    }

    /// Whether trying the same again can't help: a person has to change something first.
    pub fn is_hopeless(&self) -> bool {
        matches!(self.class(), Class::SignIn | Class::Configuration)
    }

    /// The next step.
    pub fn remedy(&self) -> String {
        self.advice().remedy
    }

    /// What lies behind it, outermost first: single mistakes and problems, then the chain of sources.
    pub fn causes(&self) -> Vec<String> {
        let mut causes: Vec<String> = match self {
            Self::Mapping { mistakes, .. } | Self::Sync(SyncError::Mapping(MappingError::Mistakes(mistakes))) => {
                mistakes.iter().map(mistake_line).collect()
            }
            Self::Settings { problems, .. }
            | Self::Outcome { problems, .. }
            | Self::Attributes { problems }
            | Self::Sheet { problems }
            | Self::Rule { problems } => problems.iter().map(problem_line).collect(),
            _ => Vec::new(),
        };
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            causes.push(error.to_string());
            source = error.source();
        }
        causes
    }
}

/// One line for people.
pub fn mistake_line(mistake: &Mistake) -> String {
    let place = match (mistake.line, mistake.path.as_str()) {
        (Some(line), "") => format!("line {line}: "),
        (Some(line), path) => format!("line {line}, `{path}`: "),
        (None, "") => String::new(),
        (None, path) => format!("`{path}`: "),
    };
    match &mistake.hint {
        Some(hint) => format!("{place}{} ({hint})", mistake.message),
        None => format!("{place}{}", mistake.message),
    }
}

/// One line for people.
pub fn problem_line(problem: &Problem) -> String {
    match &problem.field {
        Some(field) => format!("`{field}`: {}", problem.message),
        None => problem.message.clone(),
    }
}
