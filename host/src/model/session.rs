//! Signing in by a session: which request opens one, where it is in the answer, which header it makes, and which answers
//! mean that it has ended. Declared by a plugin, filled in by the host; no I/O.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use zeroize::Zeroizing;

/// A user name and a password are exchanged for a session. Texts hold `{user}`, `{password}` and the names of `takes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Session {
    pub label: String,
    #[serde(default)]
    pub help: String,
    pub open: Open,
    /// Names for values of the answer that opens a session, each with its JSON pointer: all must be there.
    pub takes: BTreeMap<String, String>,
    /// The header that signs a request in.
    pub header: String,
    /// Its value; `{encoded}` stands for `encoded` in base64.
    pub value: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoded: Option<String>,
    /// Answers to `open` that mean that the user name or the password is wrong.
    #[serde(default = "unauthorized")]
    pub refused: Vec<Sign>,
    /// Answers to any request that mean that the session has ended, and that the request was not carried out.
    #[serde(default = "unauthorized")]
    pub expired: Vec<Sign>,
}

/// The request that opens a session: a `POST` with a JSON body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Open {
    /// A path below the base address, or an absolute address that the grant allows.
    pub target: String,
    /// The body's JSON. `{user}` and `{password}` are replaced inside its texts.
    pub json: String,
}

/// How an answer is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sign {
    pub status: u16,
    /// A JSON pointer: the body must have a value there that is not null or false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// That value must be this text, or a number written like it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<String>,
}

fn unauthorized() -> Vec<Sign> {
    vec![Sign { status: 401, pointer: None, equals: None }]
}

/// Bodies beyond this are results, not refusals: they are not searched for a sign.
const REFUSAL_BYTES: usize = 4 * 1024;

/// What a session is made of, by its name. Wiped when it is dropped.
pub type Parts = BTreeMap<String, Zeroizing<String>>;

impl Session {
    /// What is wrong with the declaration: the key, and why.
    pub fn mistake(&self) -> Option<(&'static str, String)> {
        let known: Vec<&str> = ["user", "password"].into_iter().chain(self.takes.keys().map(String::as_str)).collect();
        if self.takes.is_empty() {
            return Some(("takes", "names nothing: an answer without a session opens none".to_owned()));
        }
        if let Some(name) = self.takes.iter().find_map(|(name, place)| (!place.starts_with('/')).then_some(name)) {
            return Some(("takes", format!("`{name}` is no JSON pointer, as in `/result/1`")));
        }
        match serde_json::from_str::<Json>(&self.open.json) {
            Ok(json) => {
                if let Some(unknown) = texts(&json).into_iter().find_map(|text| unknown(text, &["user", "password"])) {
                    return Some(("open.json", format!("holds `{{{unknown}}}`, which is not known before the answer")));
                }
            }
            Err(error) => return Some(("open.json", format!("is not JSON: {error}"))),
        }
        let in_value: Vec<&str> = known.iter().copied().chain(self.encoded.as_ref().map(|_| "encoded")).collect();
        for (key, text, known) in [("value", Some(&self.value), &in_value), ("encoded", self.encoded.as_ref(), &known)]
        {
            if let Some(unknown) = text.and_then(|text| unknown(text, known)) {
                return Some((key, format!("holds `{{{unknown}}}`, which nothing gives")));
            }
        }
        None
    }

    /// The body of the request that opens a session.
    pub fn body(&self, parts: &Parts) -> Option<Vec<u8>> {
        let mut json: Json = serde_json::from_str(&self.open.json).ok()?;
        fill_json(&mut json, parts);
        serde_json::to_vec(&json).ok()
    }

    /// Takes the session out of the answer that opened it; none where it is not whole.
    pub fn take(&self, answer: &[u8], parts: &mut Parts) -> Option<()> {
        let json: Json = serde_json::from_slice(answer).ok()?;
        for (name, pointer) in &self.takes {
            let text = text_of(json.pointer(pointer)?).filter(|text| !text.is_empty())?;
            parts.insert(name.clone(), Zeroizing::new(text));
        }
        Some(())
    }

    /// The header's value. What `encoded` makes is added to the parts, since it is as good as the session itself.
    pub fn header_value(&self, parts: &mut Parts) -> Zeroizing<String> {
        if let Some(encoded) = &self.encoded {
            let plain = fill(encoded, parts);
            parts.insert("encoded".to_owned(), Zeroizing::new(STANDARD.encode(plain.as_bytes())));
        }
        fill(&self.value, parts)
    }

    /// Whether this answer to any request means that the session has ended.
    pub fn has_expired(&self, status: u16, body: &[u8]) -> bool {
        self.expired.iter().any(|sign| sign.shows(status, body))
    }
}

impl Sign {
    pub fn shows(&self, status: u16, body: &[u8]) -> bool {
        if self.status != status {
            return false;
        }
        let Some(pointer) = &self.pointer else { return true };
        if body.len() > REFUSAL_BYTES {
            return false;
        }
        let json: Json = serde_json::from_slice(body).unwrap_or_default();
        match (json.pointer(pointer), &self.equals) {
            (None | Some(Json::Null | Json::Bool(false)), _) => false,
            (Some(_), None) => true,
            (Some(value), Some(wanted)) => text_of(value).as_ref() == Some(wanted),
        }
    }
}

fn text_of(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn texts(json: &Json) -> Vec<&str> {
    match json {
        Json::String(text) => vec![text],
        Json::Array(items) => items.iter().flat_map(texts).collect(),
        Json::Object(fields) => fields.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

fn fill_json(json: &mut Json, parts: &Parts) {
    match json {
        Json::String(text) => *text = fill(text, parts).to_string(),
        Json::Array(items) => items.iter_mut().for_each(|item| fill_json(item, parts)),
        Json::Object(fields) => fields.values_mut().for_each(|value| fill_json(value, parts)),
        _ => {}
    }
}

/// The pieces of a template: what stands between, and the names in braces.
fn pieces(template: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut rest = Some(template);
    std::iter::from_fn(move || {
        let text = rest?;
        let name = text.split_once('{').and_then(|(before, behind)| {
            let (name, behind) = behind.split_once('}')?;
            Some((before, name, behind))
        });
        match name {
            Some((before, name, behind)) => {
                rest = Some(behind);
                Some((before, Some(name)))
            }
            None => {
                rest = None;
                Some((text, None))
            }
        }
    })
}

/// One pass: what a part holds is never read as a template.
fn fill(template: &str, parts: &Parts) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::new());
    for (before, name) in pieces(template) {
        out.push_str(before);
        out.push_str(name.and_then(|name| parts.get(name)).map_or("", |part| part.as_str()));
    }
    out
}

fn unknown<'a>(template: &'a str, known: &[&str]) -> Option<&'a str> {
    pieces(template).filter_map(|(_, name)| name).find(|name| !known.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        serde_json::from_value(serde_json::json!({
            "label": "User", "open": {"target": "/rpc", "json": r#"{"params": ["{user}", {"password": "{password}"}]}"#},
            "takes": {"uid": "/result/0", "key": "/result/1"}, "header": "authorization",
            "value": "Session {encoded}", "encoded": "{user}:{uid}:{key}",
            "expired": [{"status": 200, "pointer": "/error/code", "equals": "100"}, {"status": 401}],
        }))
        .unwrap()
    }

    fn parts(password: &str) -> Parts {
        let part = |name: &str, value: &str| (name.to_owned(), Zeroizing::new(value.to_owned()));
        [part("user", "zoë"), part("password", password)].into()
    }

    #[test]
    fn a_password_stays_inside_its_text() {
        let body = session().body(&parts(r#"a"}, {user} \"#)).unwrap();
        let json: Json = serde_json::from_slice(&body).unwrap();
        assert_eq!(json, serde_json::json!({"params": ["zoë", {"password": r#"a"}, {user} \"#}]}));
    }

    #[test]
    fn an_answer_becomes_a_header() {
        let mut parts = parts("secret");
        session().take(br#"{"result": [7, "abc", null]}"#, &mut parts).unwrap();
        let encoded = STANDARD.encode("zoë:7:abc");
        assert_eq!(*session().header_value(&mut parts), format!("Session {encoded}"));
        for answer in [&b"<html>"[..], b"{}", br#"{"result": false}"#, br#"{"result": [7, ""]}"#] {
            assert_eq!(session().take(answer, &mut self::parts("secret")), None);
        }
    }

    #[test]
    fn the_end_of_a_session_is_told_from_a_customers_words() {
        let ended = |status, body: &str| session().has_expired(status, body.as_bytes());
        assert!(ended(401, "") && ended(200, r#"{"error": {"code": 100}}"#));
        let long = format!(r#"{{"error": {{"code": 100}}, "rows": "{}"}}"#, "x".repeat(REFUSAL_BYTES));
        for body in [r#"{"result": "error code 100"}"#, r#"{"error": {"code": 200}}"#, r#"{"error": null}"#, &long] {
            assert!(!ended(200, body), "{body}");
        }
        assert!(!ended(403, ""));
    }

    #[test]
    fn mistakes_of_a_declaration_are_named() {
        let mistake = |change: fn(&mut Session)| {
            let mut session = session();
            change(&mut session);
            session.mistake().map(|(key, why)| format!("{key} {why}"))
        };
        assert_eq!(mistake(|_| {}), None);
        let named = [
            mistake(|session| session.takes.clear()),
            mistake(|session| session.open.json = "[".into()),
            mistake(|session| session.open.json = r#"["{uid}"]"#.into()),
            mistake(|session| session.value = "Session {sid}".into()),
            mistake(|session| session.encoded = Some("{encoded}".into())),
        ];
        let named: Vec<String> = named.into_iter().flatten().collect();
        assert_eq!(named.len(), 5, "{named:?}");
        assert!(named[1].starts_with("open.json is not JSON"), "{named:?}");
        assert_eq!(named[3], "value holds `{sid}`, which nothing gives");
    }
}
