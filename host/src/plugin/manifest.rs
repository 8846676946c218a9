//! Reads and checks a manifest, as its author wrote it and as it is packed. No files, no components.

use serde_json::Value as Json;

use super::schema;
use crate::capability::log::clean;
use crate::model::manifest::{CONTRACT, Limits, Manifest, PluginKind, speaks};
use crate::model::session::Session;

/// What is wrong with a manifest. The author of the plugin has to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    #[error("the manifest has unknown keys: {}", .0.join(", "))]
    UnknownKeys(Vec<String>),
    #[error("the manifest can't be read: {0}")]
    Unreadable(String),
    #[error("the manifest's `limits` ask for more than any plugin may have: at most {}", most())]
    Limits,
    #[error("the manifest's `{key}` {reason}")]
    Bad { key: String, reason: String },
    #[error("the settings schema can't be used: {0}")]
    Schema(String),
    #[error(
        "the plugin was built for contract {found}, and this host speaks {CONTRACT}: build it with an SDK of {CONTRACT}"
    )]
    Contract { found: semver::Version },
}

fn most() -> String {
    let Limits { memory_mib, call_seconds, host_calls, answer_mib, traffic_mib } = Limits::MOST;
    format!(
        "`memory-mib` {memory_mib}, `call-seconds` {call_seconds}, `host-calls` {host_calls}, `answer-mib` {answer_mib}, `traffic-mib` \
         {traffic_mib}"
    )
}

/// As much of what is wrong with a schema as a person reads.
const MOST_SCHEMA_TEXT: usize = 1_000;

/// The largest manifest, with its schema and presets in it.
const MAX_BYTES: usize = 8 << 20;

/// The keys of each table. A test holds them against the manifest's own types.
const KEYS: [(&str, &[&str]); 21] = [
    ("", &["plugin", "network", "sign-in", "limits", "rate", "daily", "settings", "presets", "reasons", "files"]),
    ("plugin", &["id", "name", "version", "kind", "contract", "publisher", "description", "license"]),
    ("network", &["base", "hosts", "accounts"]),
    ("sign-in", &["oauth2", "bearer", "header", "basic", "session"]),
    (
        "sign-in.oauth2",
        &[
            "authorize",
            "token",
            "scopes",
            "optional-scopes",
            "pkce",
            "session-seconds",
            "instance",
            "client-credentials",
            "jwt-bearer",
        ],
    ),
    ("sign-in.oauth2.jwt-bearer", &["audience", "lifetime-seconds"]),
    ("sign-in.bearer", &["label", "help"]),
    ("sign-in.header", &["name", "label", "help"]),
    ("sign-in.basic", &["label", "help"]),
    ("sign-in.session", &["label", "help", "open", "takes", "header", "value", "encoded", "refused", "expired"]),
    ("sign-in.session.open", &["target", "json"]),
    ("sign-in.session.refused", &["status", "pointer", "equals"]),
    ("sign-in.session.expired", &["status", "pointer", "equals"]),
    // Names of the author's own.
    ("sign-in.session.takes", &[]),
    ("limits", &["memory-mib", "call-seconds", "host-calls", "answer-mib", "traffic-mib"]),
    ("rate", &["bucket", "requests", "per-ms", "remaining-header", "limit-header", "interval-header"]),
    (
        "daily",
        &["remaining-header", "limit-header", "usage-header", "usage-name", "exhausted-marker", "exhausted-status"],
    ),
    ("settings", &["schema"]),
    // The names of presets are the author's own.
    ("presets", &[]),
    // Keys are what is asked for.
    ("reasons", &[]),
    ("files", &["license", "icon"]),
];

/// Reads the text of a `plugin.toml`; the schema and the presets are still paths.
pub(super) fn from_toml(text: &str) -> Result<Manifest, ManifestError> {
    let table: toml::Table =
        toml::from_str(text).map_err(|error| ManifestError::Unreadable(toml_place(text, &error)))?;
    let json = serde_json::to_value(&table).map_err(|error| ManifestError::Unreadable(error.to_string()))?;
    refuse_unknown_keys(&json)?;
    // Read again from the text, whose errors know their line.
    toml::from_str(text).map_err(|error| ManifestError::Unreadable(toml_place(text, &error)))
}

fn toml_place(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().replace('\n', "; ");
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => format!("line {}: {message}", before.matches('\n').count() + 1),
        None => message,
    }
}

/// Reads the packed form and checks all of it.
pub(super) fn from_json(bytes: &[u8]) -> Result<Manifest, ManifestError> {
    if bytes.len() > MAX_BYTES {
        return Err(ManifestError::Unreadable(format!("it has {} bytes, and {MAX_BYTES} are the most", bytes.len())));
    }
    let json: Json = serde_json::from_slice(bytes).map_err(|error| ManifestError::Unreadable(error.to_string()))?;
    refuse_hidden(&json, "")?;
    refuse_unknown_keys(&json)?;
    let manifest: Manifest =
        serde_json::from_value(json).map_err(|error| ManifestError::Unreadable(error.to_string()))?;
    check(&manifest)?;
    Ok(manifest)
}

/// Texts that are files of their own, or bodies of requests: nobody is shown them on a line.
const WHOLE: [&str; 4] = ["settings.schema", "presets", "files.license", "sign-in.session.open.json"];

/// A manifest is shown to the person who is to agree to it. What steers a terminal or can't be seen could show them another one.
fn refuse_hidden(json: &Json, path: &str) -> Result<(), ManifestError> {
    let hidden = |text: &str| text.chars().any(steers);
    match json {
        Json::String(text) if hidden(text) && !WHOLE.iter().any(|whole| is_within(path, whole)) => {
            Err(bad(path, "holds a control character, or one that can't be seen"))
        }
        Json::Array(items) => items.iter().try_for_each(|item| refuse_hidden(item, path)),
        Json::Object(table) => table.iter().try_for_each(|(key, value)| {
            if hidden(key) {
                let place = if path.is_empty() { "top" } else { path };
                return Err(bad(place, "has a key with a control character, or one that can't be seen"));
            }
            refuse_hidden(value, &if path.is_empty() { key.clone() } else { format!("{path}.{key}") })
        }),
        _ => Ok(()),
    }
}

fn is_within(path: &str, table: &str) -> bool {
    path.strip_prefix(table).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Control characters, and those that turn the direction of writing or take no room.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn refuse_unknown_keys(json: &Json) -> Result<(), ManifestError> {
    let mut unknown = Vec::new();
    visit(json, "", &mut unknown);
    if unknown.is_empty() { Ok(()) } else { Err(ManifestError::UnknownKeys(unknown)) }
}

fn visit(json: &Json, path: &str, unknown: &mut Vec<String>) {
    let Some((_, keys)) = KEYS.iter().find(|(table, _)| *table == path) else { return };
    if keys.is_empty() {
        return;
    }
    let tables: Vec<&Json> = match json {
        Json::Array(items) => items.iter().collect(),
        one => vec![one],
    };
    for (key, value) in tables.into_iter().filter_map(Json::as_object).flatten() {
        let place = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        if keys.contains(&key.as_str()) {
            visit(value, &place, unknown);
        } else {
            unknown.push(match nearest(key, keys) {
                Some(known) => format!("`{place}` (did you mean `{known}`?)"),
                None => format!("`{place}`"),
            });
        }
    }
}

/// The known key that a misspelt one probably stands for.
fn nearest<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
    let key = key.replace('_', "-");
    let (steps, best) = known.iter().map(|candidate| (distance(&key, candidate), *candidate)).min()?;
    // A third of its letters wrong is still the same word to a reader.
    (steps <= best.len().div_ceil(3)).then_some(best)
}

/// How many letters must be put in, taken out or changed.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, candidate) in other.iter().enumerate() {
            let change = diagonal + usize::from(letter != *candidate);
            diagonal = row[column + 1];
            row[column + 1] = change.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

/// What the types alone don't say.
pub(super) fn check(manifest: &Manifest) -> Result<(), ManifestError> {
    if !speaks(&manifest.plugin.contract) {
        return Err(ManifestError::Contract { found: manifest.plugin.contract.clone() });
    }
    let limits = manifest.limits;
    if !limits.within(&Limits::MOST) {
        return Err(ManifestError::Limits);
    }
    for (key, amount) in [
        ("limits.memory-mib", limits.memory_mib),
        ("limits.call-seconds", limits.call_seconds),
        ("limits.answer-mib", limits.answer_mib),
        ("limits.traffic-mib", limits.traffic_mib),
    ] {
        if amount == 0 {
            return Err(bad(key, "is 0: a plugin can do nothing with that"));
        }
    }
    match manifest.plugin.kind {
        PluginKind::Connector => check_reach(manifest)?,
        PluginKind::Mapper => check_purity(manifest)?,
    }
    match &manifest.settings {
        // What it quotes is the schema's own text.
        Some(settings) => {
            schema::check(&settings.schema).map_err(|why| ManifestError::Schema(clean(&why, MOST_SCHEMA_TEXT)))
        }
        None => Ok(()),
    }
}

fn check_reach(manifest: &Manifest) -> Result<(), ManifestError> {
    if let Some((key, why)) = manifest.sign_in.session.as_ref().and_then(Session::mistake) {
        return Err(bad(&format!("sign-in.session.{key}"), &why));
    }
    for rate in &manifest.rate {
        if rate.requests == 0 || rate.per_ms == 0 {
            return Err(bad(
                "rate",
                &format!("`{}` allows nothing: `requests` and `per-ms` are at least 1", rate.bucket),
            ));
        }
    }
    let Some(network) = &manifest.network else { return Ok(()) };
    let urls = network
        .hosts
        .iter()
        .map(|url| ("network.hosts", url))
        .chain(network.base.iter().map(|url| ("network.base", url)));
    for (key, url) in urls {
        if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
            return Err(bad(key, &format!("names `{url}`, which is not an http or https address")));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad(key, "holds a credential: describe the way to sign in under `sign-in`"));
        }
        if url.host_str().is_some_and(|host| host.contains('*')) {
            return Err(bad(key, "holds a `*`: a family of addresses belongs into `network.accounts`"));
        }
    }
    Ok(())
}

fn check_purity(manifest: &Manifest) -> Result<(), ManifestError> {
    let asks = [
        ("network", manifest.network.is_some()),
        ("sign-in", manifest.sign_in != crate::model::manifest::SignIn::default()),
        ("rate", !manifest.rate.is_empty()),
        ("daily", manifest.daily.is_some()),
    ];
    match asks.into_iter().find(|(_, there)| *there) {
        Some((key, _)) => Err(bad(key, "has no place in a mapper, which reaches nothing")),
        None => Ok(()),
    }
}

fn bad(key: &str, reason: &str) -> ManifestError {
    ManifestError::Bad { key: key.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A manifest with every key that there is.
    const FULL: &str = r#"{
        "plugin": {"id": "x", "name": "X", "version": "1.0.0", "kind": "connector", "contract": "0.1.9",
            "publisher": "P", "description": "D", "license": "L"},
        "network": {"base": "https://x/", "hosts": ["https://x/"], "accounts": ["https://*.x.example"]},
        "sign-in": {
            "oauth2": {"authorize": "/a", "token": "/t", "scopes": ["s"], "optional-scopes": ["o"], "pkce": true,
                "session-seconds": 1, "instance": "i", "client-credentials": true,
                "jwt-bearer": {"audience": "a", "lifetime-seconds": 1}},
            "bearer": {"label": "l", "help": "h"},
            "header": {"name": "n", "label": "l", "help": "h"},
            "basic": {"label": "l", "help": "h"},
            "session": {"label": "l", "help": "h", "open": {"target": "/s", "json": "[]"}, "takes": {"a": "/b"},
                "header": "h", "value": "{a}", "encoded": "{a}",
                "refused": [{"status": 403, "pointer": "/p", "equals": "e"}],
                "expired": [{"status": 401, "pointer": "/p", "equals": "e"}]}},
        "limits": {"memory-mib": 1, "call-seconds": 1, "host-calls": 1, "answer-mib": 1, "traffic-mib": 1},
        "rate": [{"bucket": "account", "requests": 1, "per-ms": 1, "remaining-header": "r", "limit-header": "l",
            "interval-header": "i"}],
        "daily": {"remaining-header": "r", "limit-header": "l", "usage-header": "u", "usage-name": "n",
            "exhausted-marker": "m", "exhausted-status": 403},
        "settings": {"schema": "{}"},
        "presets": {"a": "b"},
        "reasons": {"c": "d"},
        "files": {"license": "L", "icon": "i.png"}
    }"#;

    #[test]
    fn every_key_of_a_manifest_is_known() {
        let manifest = from_json(FULL.as_bytes()).unwrap();
        // Written out again it has the same keys: none was left out above, so none is missing in the table.
        let again = serde_json::to_value(&manifest).unwrap();
        assert_eq!(again, serde_json::from_str::<Json>(FULL).unwrap());
        let keys: usize = KEYS.iter().map(|(_, keys)| keys.len()).sum();
        let own_names = 3;
        assert_eq!(keys, FULL.matches("\":").count() - own_names, "a key in the table that nobody reads");
    }

    #[test]
    fn a_manifest_cant_show_another_than_it_is() {
        for (was, is, place) in [
            (r#""description": "D""#, r#""description": "\u001b[2J""#, "`plugin.description` holds"),
            (r#""publisher": "P""#, r#""publisher": "P\u202egro""#, "`plugin.publisher` holds"),
            (r#""name": "X""#, r#""name": "a\nb""#, "`plugin.name` holds"),
            (r#""c": "d""#, r#""c": "\u200bd""#, "`reasons.c` holds"),
            (r#""c": "d""#, r#""c\r": "d""#, "`reasons` has a key"),
            (r#""a": "b""#, r#""a\u0007": "b""#, "`presets` has a key"),
            (r#""files": {"#, r#""fi\nles": {"#, "`top` has a key"),
        ] {
            assert!(FULL.contains(was), "{was}");
            let told = from_json(FULL.replace(was, is).as_bytes()).unwrap_err().to_string();
            assert!(told.contains(place) && !told.chars().any(steers), "{told:?}");
        }
        let told =
            from_json(FULL.replace(r#""schema": "{}""#, r#""schema": "{\"type\": \"\n\u001b[2J\"}""#).as_bytes());
        assert!(!told.unwrap_err().to_string().chars().any(steers));
        // Files of several lines are none of this.
        let whole = FULL
            .replace(r#""a": "b""#, r#""a": "b\nc""#)
            .replace(r#""license": "L", "icon""#, r#""license": "L\n", "icon""#);
        assert!(from_json(whole.as_bytes()).is_ok());
    }

    #[test]
    fn a_key_is_found_by_what_it_looks_like() {
        let limits = ["memory-mib", "call-seconds", "host-calls", "answer-mib"];
        for (key, meant) in [
            ("memory_mib", Some("memory-mib")),
            ("memory", Some("memory-mib")),
            ("call-second", Some("call-seconds")),
            ("hostcalls", Some("host-calls")),
            ("colour", None),
        ] {
            assert_eq!(nearest(key, &limits), meant, "{key}");
        }
    }

    #[test]
    fn before_1_0_the_minor_number_counts() {
        let speaks = |text: &str| speaks(&text.parse().unwrap());
        assert!(speaks("0.1.0") && speaks("0.1.7"));
        assert!(!speaks("0.2.0") && !speaks("1.1.0") && !speaks("0.1.0-rc.1"));
    }
}
