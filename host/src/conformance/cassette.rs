//! Cassettes: calls with the requests that they are expected to make, the answers, and what should come of it. Data only.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::model::mapping::{Column, Direction, Mapped};
use crate::model::time::Instant;
use crate::model::value::Value;
use crate::trace::{Call, Exchange, Given};

/// The largest cassette that is read; they are made by hand or of a few traces.
const MAX_BYTES: u64 = 32 << 20;

/// One file: calls of a connector, or mappings of a mapper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cassette {
    /// What it shows, for people.
    pub title: String,
    /// The connection's settings, for all its calls.
    #[serde(default = "no_settings", skip_serializing_if = "is_empty")]
    pub settings: Json,
    /// How this CRM answers when something is wrong, where it does so in a form of its own.
    #[serde(default, skip_serializing_if = "Troubles::is_empty")]
    pub trouble: Troubles,
    #[serde(default, skip_serializing_if = "Vec::is_empty", rename = "call")]
    pub calls: Vec<Recorded>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", rename = "mapping")]
    pub mappings: Vec<MappingCase>,
}

pub(super) fn no_settings() -> Json {
    Json::Object(serde_json::Map::new())
}

fn is_empty(settings: &Json) -> bool {
    settings.as_object().is_some_and(serde_json::Map::is_empty)
}

/// Answers that stand for all of their kind; where one is missing, a plain status with a short body of JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Troubles {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limited: Option<Given>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_error: Option<Given>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expired_session: Option<Given>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown_object: Option<Given>,
}

impl Troubles {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A call, what it sends, what it gets and what it should give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Recorded {
    pub ask: Call,
    /// The clock, in microseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Instant>,
    /// `pull` and `gone` are walked to their end, so that one entry holds all pages.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub follow: bool,
    /// Whether the host finds that signatures hold.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub signed: bool,
    pub expect: Expect,
    /// Requests that only make ready for writing, as one that adds a field to hold keys: `METHOD target` each. Where one of
    /// them was sent, no record has been written yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prepares: Vec<String>,
    /// In any order; each is used once.
    #[serde(default, skip_serializing_if = "Vec::is_empty", rename = "exchange")]
    pub exchanges: Vec<Exchange>,
}

fn yes() -> bool {
    true
}

fn is_yes(flag: &bool) -> bool {
    *flag
}

/// What should come of a call. `<any>` in it stands for anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expect {
    /// The whole answer; of a walk, all its rows as one page.
    Answer(Json),
    /// A failure of this kind, as the contract names it.
    Failure(String),
}

/// A configuration of a mapper, and rows that show what it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MappingCase {
    pub configuration: String,
    pub direction: Direction,
    pub columns: Vec<Column>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", rename = "row")]
    pub rows: Vec<MappedRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappedRow {
    pub values: Vec<Value>,
    pub gives: Mapped,
}

/// Why cassettes can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CassetteError {
    #[error("`{}` can't be read", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("`{}` has {bytes} bytes, and {MAX_BYTES} are the most that a cassette may have", path.display())]
    TooLarge { path: PathBuf, bytes: u64 },
    #[error("`{}` is no cassette: {reason}", path.display())]
    Broken { path: PathBuf, reason: String },
    #[error("`{}` holds no cassette: their names end in .toml or .json", path.display())]
    None { path: PathBuf },
    #[error("the traces have different settings, and a cassette has one: make a cassette of each")]
    Settings,
    #[error("the cassette can't be written as TOML: {0}")]
    Unwritable(String),
}

impl Cassette {
    /// Every cassette in a folder, in the order of their names, each with its name.
    pub fn read_folder(folder: &Path) -> Result<Vec<(String, Self)>, CassetteError> {
        let unreadable = |source| CassetteError::Unreadable { path: folder.to_owned(), source };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|extension| extension == "toml" || extension == "json") {
                paths.push(path);
            }
        }
        paths.sort();
        if paths.is_empty() {
            return Err(CassetteError::None { path: folder.to_owned() });
        }
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        paths.iter().map(|path| Ok((name(path), Self::read(path)?))).collect()
    }

    fn read(path: &Path) -> Result<Self, CassetteError> {
        let unreadable = |source| CassetteError::Unreadable { path: path.to_owned(), source };
        let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
        if bytes > MAX_BYTES {
            return Err(CassetteError::TooLarge { path: path.to_owned(), bytes });
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let read = match path.extension() {
            Some(extension) if extension == "json" => serde_json::from_str(&text).map_err(|error| error.to_string()),
            _ => toml::from_str(&text).map_err(|error| error.to_string().trim_end().to_owned()),
        };
        read.map_err(|reason| CassetteError::Broken { path: path.to_owned(), reason })
    }

    /// As TOML.
    pub fn to_toml(&self) -> Result<String, CassetteError> {
        toml::to_string_pretty(self).map_err(|error| CassetteError::Unwritable(error.to_string()))
    }
}
