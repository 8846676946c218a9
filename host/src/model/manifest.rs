//! What a plugin says of itself and asks for: its `plugin.toml`, packed into the component.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::id::PluginId;
use super::origin_pattern::OriginPattern;
use super::session::Session;

/// The contract that this host speaks.
pub const CONTRACT: semver::Version = semver::Version::new(0, 1, 0);

/// Whether this host runs plugins of that contract: before 1.0 the minor number counts as the major one.
pub fn speaks(contract: &semver::Version) -> bool {
    let major = |version: &semver::Version| if version.major == 0 { (0, version.minor) } else { (version.major, 0) };
    major(contract) == major(&CONTRACT) && contract.pre.is_empty()
}

/// A plugin's manifest. Unknown keys are mistakes: a misspelt limit must not be a silent default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    pub plugin: Identity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    #[serde(default)]
    pub sign_in: SignIn,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rate: Vec<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily: Option<Daily>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Settings>,
    /// Mapping presets: name to path when it is written, name to text when it is packed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub presets: BTreeMap<String, String>,
    /// Why it asks for what it asks, in the publisher's words: by origin, or by the name of a limit or a way to sign in.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reasons: BTreeMap<String, String>,
    /// Files that people are shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Files>,
}

/// Files that are packed beside the manifest: paths when it is written, names when it is packed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Files {
    /// The text of the licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// A square PNG of at most 512 pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Identity {
    pub id: PluginId,
    pub name: String,
    pub version: semver::Version,
    pub kind: PluginKind,
    /// The version of the contract that it was built for.
    pub contract: semver::Version,
    pub publisher: String,
    pub description: String,
    pub license: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginKind {
    Connector,
    Mapper,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Network {
    /// Where relative targets lead, unless the connection names another base address. None where every customer runs a
    /// server of their own: then the connection names it, and the grant the origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<url::Url>,
    /// Origins (scheme, host, port) that it asks to reach.
    #[serde(default)]
    pub hosts: Vec<url::Url>,
    /// Families of origins of which each account has one. A connection reaches the one that its sign-in or its base
    /// address names, and no other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<OriginPattern>,
}

/// The ways to sign in that a connector offers; none means that its CRM needs no sign-in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SignIn {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth2: Option<OAuth2>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer: Option<Key>,
    /// A key in a header of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<HeaderKey>,
    /// User name and password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic: Option<Key>,
    /// User name and password, exchanged for a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OAuth2 {
    /// Where a person signs in with a browser: absolute, or a path below the base address. None where nobody can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorize: Option<String>,
    /// Where tokens are asked for: absolute, or a path below the base address.
    pub token: String,
    #[serde(default)]
    pub scopes: Vec<String>,
    #[serde(default)]
    pub optional_scopes: Vec<String>,
    #[serde(default)]
    pub pkce: bool,
    /// How long an access token lasts where the answer has no `expires_in`: it is renewed before. Without either, only a
    /// 401 tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_seconds: Option<u32>,
    /// The field of the token endpoint's answer that holds the account's own address: from then on the base address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// An application can sign in by itself, with its id and secret.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub client_credentials: bool,
    /// An application can sign in for a user, with a key of its own (RFC 7523, RS256).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwt_bearer: Option<JwtBearer>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct JwtBearer {
    /// Whom the assertion is for, unless the admin names another.
    pub audience: String,
    /// How long an assertion is good.
    pub lifetime_seconds: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Key {
    pub label: String,
    #[serde(default)]
    pub help: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HeaderKey {
    pub name: String,
    pub label: String,
    #[serde(default)]
    pub help: String,
}

/// What one call may use. Defaults suit a connector that pages through a JSON API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Limits {
    /// Linear memory, all memories together.
    pub memory_mib: u32,
    /// Time on the wall, waits for the CRM included.
    pub call_seconds: u32,
    /// Calls of `http`, `log` and `signature` together.
    pub host_calls: u32,
    /// The values that the call returns.
    pub answer_mib: u32,
    /// Bodies and headers of requests and answers together, as the plugin sees them.
    pub traffic_mib: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory_mib: 64, call_seconds: 60, host_calls: 400, answer_mib: 32, traffic_mib: 256 }
    }
}

impl Limits {
    /// The most that any grant can give: beyond, one plugin could starve the host.
    pub const MOST: Self =
        Self { memory_mib: 1024, call_seconds: 600, host_calls: 10_000, answer_mib: 128, traffic_mib: 4096 };

    /// Whether these ask for no more than `other` gives.
    pub fn within(&self, other: &Self) -> bool {
        self.memory_mib <= other.memory_mib
            && self.call_seconds <= other.call_seconds
            && self.host_calls <= other.host_calls
            && self.answer_mib <= other.answer_mib
            && self.traffic_mib <= other.traffic_mib
    }
}

/// A rate that the CRM is known to enforce; where headers are named, the host learns the real one from them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rate {
    /// `account` holds for every request; any other name for requests that name it.
    pub bucket: String,
    pub requests: u32,
    pub per_ms: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining_header: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_header: Option<String>,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_header: Option<String>,
}

/// The CRM's daily allowance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Daily {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining_header: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_header: Option<String>,
    /// In place of these two, one header that tells what is used of how much, as in `api-usage=18/5000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage_header: Option<String>,
    /// The name before the `=`, where the header tells of several allowances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage_name: Option<String>,
    /// A refusal whose body holds this text means that the day's allowance is used up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exhausted_marker: Option<String>,
    /// The status of that refusal, 429 unless said otherwise.
    #[serde(default = "too_many_requests", skip_serializing_if = "is_too_many_requests")]
    pub exhausted_status: u16,
}

const TOO_MANY_REQUESTS: u16 = 429;

fn too_many_requests() -> u16 {
    TOO_MANY_REQUESTS
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_too_many_requests(status: &u16) -> bool {
    *status == TOO_MANY_REQUESTS
}

/// The JSON Schema of the settings of a connection, or of a mapper's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// A path when it is written, the schema's text when it is packed.
    pub schema: String,
}
