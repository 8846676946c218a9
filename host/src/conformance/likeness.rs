//! How what came compares with what a cassette expects: equal but for placeholders, or how it differs.

use serde_json::Value as Json;

use crate::trace::{Exchange, Sent};

/// Stands for anything: a whole value, or a part of a text.
pub(super) const ANY: &str = "<any>";

/// Stands for null by itself or in a list: TOML has none.
pub(super) const NOTHING: &str = "<nothing>";

/// Differences that are told of one request or answer: beyond, it is another one.
const MOST_TOLD: usize = 5;

/// Bytes of a text that are compared to find what is nearest, and that are shown.
const COMPARED: usize = 2_000;
const SHOWN: usize = 120;

/// How `found` differs from `expected`, place by place. A member that is null and one that is not there are the same.
pub(super) fn differences(expected: &Json, found: &Json) -> Vec<String> {
    let mut told = Vec::new();
    compare(expected, found, "", &mut told);
    told.truncate(MOST_TOLD);
    told
}

fn compare(expected: &Json, found: &Json, place: &str, told: &mut Vec<String>) {
    let inner = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    match (expected, found) {
        (Json::String(text), _) if text == ANY => {}
        (Json::String(text), Json::Null) if text == NOTHING => {}
        (Json::String(pattern), Json::String(text)) if matches(pattern, text) => {}
        (Json::Object(one), Json::Object(other)) => {
            for (name, value) in one {
                compare(value, other.get(name).unwrap_or(&Json::Null), &inner(name), told);
            }
            for (name, value) in other.iter().filter(|(name, value)| !value.is_null() && !one.contains_key(*name)) {
                told.push(format!("{}: {} is not expected", inner(name), shown(value)));
            }
        }
        (Json::Array(one), Json::Array(other)) => {
            for (index, (expected, found)) in one.iter().zip(other).enumerate() {
                compare(expected, found, &inner(&index.to_string()), told);
            }
            if one.len() != other.len() {
                told.push(format!("{}: {} items, expected {}", inner("length"), other.len(), one.len()));
            }
        }
        (expected, found) if expected == found => {}
        (expected, found) => {
            let place = if place.is_empty() { "it".to_owned() } else { place.to_owned() };
            told.push(format!("{place}: {}, expected {}", shown(found), shown(expected)));
        }
    }
}

fn shown(json: &Json) -> String {
    let text = json.to_string();
    let end = text.floor_char_boundary(SHOWN);
    if end < text.len() { format!("{}…", &text[..end]) } else { text }
}

/// Whether `text` is `pattern`, in which [`ANY`] stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split(ANY);
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// How a request differs from the expected one; empty where it is that one. Headers count only where they are expected.
pub(super) fn of_requests(expected: &Sent, sent: &Sent) -> Vec<String> {
    let mut told = Vec::new();
    if expected.method != sent.method {
        told.push(format!("method: {}, expected {}", sent.method.as_str(), expected.method.as_str()));
    }
    if !matches(&expected.target, &sent.target) {
        told.push(format!("target: {}, expected {}", sent.target, expected.target));
    }
    pairs("query", &expected.query, &sent.query, &mut told);
    for (name, value) in sent.query.iter().filter(|(name, _)| expected.query.iter().all(|(known, _)| known != name)) {
        told.push(format!("query {name}: `{value}` is not expected"));
    }
    pairs("header", &expected.headers, &sent.headers, &mut told);
    bodies(expected, sent, &mut told);
    told.truncate(MOST_TOLD);
    told
}

fn pairs(what: &str, expected: &[(String, String)], sent: &[(String, String)], told: &mut Vec<String>) {
    let mut left: Vec<&(String, String)> = sent.iter().collect();
    for (name, value) in expected {
        let found = left.iter().position(|(other, text)| other.eq_ignore_ascii_case(name) && matches(value, text));
        match found {
            Some(at) => {
                left.remove(at);
            }
            None => {
                let other = left.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
                let other = other.map_or("missing".to_owned(), |(_, text)| format!("`{text}`"));
                told.push(format!("{what} {name}: {other}, expected `{value}`"));
            }
        }
    }
}

fn bodies(expected: &Sent, sent: &Sent, told: &mut Vec<String>) {
    let (expected, sent) = match (&expected.body, &sent.body) {
        (None, None) => return,
        (Some(_), None) => return told.push("body: none, expected one".to_owned()),
        (None, Some(_)) => return told.push("body: there is one, expected none".to_owned()),
        (Some(expected), Some(sent)) => (expected, sent),
    };
    match (expected.to_json(), sent.to_json()) {
        (Some(expected), Some(sent)) => {
            told.extend(differences(&expected, &sent).into_iter().map(|line| format!("body {line}")));
        }
        _ => {
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            let (expected, sent) = (text(expected.to_bytes()), text(sent.to_bytes()));
            if !matches(&expected, &sent) {
                told.push(format!("body: {}, expected {}", shown(&sent.into()), shown(&expected.into())));
            }
        }
    }
}

/// The expected request that is most like the one that came, with how they differ.
pub(super) fn nearest<'a>(exchanges: &'a [Exchange], sent: &Sent) -> Option<(&'a Sent, Vec<String>)> {
    let text = |sent: &Sent| {
        let body = sent.body.as_ref().map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned());
        let text = format!("{} {}", sent.line(), body.unwrap_or_default());
        text[..text.floor_char_boundary(COMPARED)].to_owned()
    };
    let wanted = text(sent);
    let likeness = |exchange: &Exchange| strsim::normalized_levenshtein(&text(&exchange.request), &wanted);
    let best = exchanges.iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
    Some((&best.request, of_requests(&best.request, sent)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::http::Method;
    use crate::trace::{Body, Given};

    #[test]
    fn placeholders_stand_for_anything() {
        for (pattern, text, fits) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("<any>", "", true),
            ("a<any>", "abc", true),
            ("a<any>c", "abc", true),
            ("a<any>c", "abd", false),
            ("<any>b<any>", "abc", true),
            ("<any>x<any>", "abc", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
        let expected = json!({"id": "<any>", "list": ["<nothing>", 1], "gone": null});
        assert_eq!(differences(&expected, &json!({"id": {"deep": 1}, "list": [null, 1]})), Vec::<String>::new());
        assert_eq!(
            differences(&expected, &json!({"id": 1, "list": [2], "more": true})),
            ["list.0: 2, expected \"<nothing>\"", "list.length: 1 items, expected 2", "more: true is not expected"]
        );
    }

    fn sent(target: &str, limit: &str, body: Option<Json>) -> Sent {
        Sent {
            method: Method::Post,
            target: target.into(),
            query: vec![("limit".into(), limit.into())],
            headers: Vec::new(),
            body: body.map(Body::Json),
            repeatable: false,
            bucket: None,
        }
    }

    #[test]
    fn the_nearest_request_is_named_with_how_it_differs() {
        let answer = || Given::Answer { status: 200, headers: Vec::new(), body: None };
        let exchanges = [
            Exchange { request: sent("/owners", "1", None), answer: answer() },
            Exchange { request: sent("/contacts/search", "100", Some(json!({"after": "1"}))), answer: answer() },
        ];
        let came = sent("/contacts/search", "50", Some(json!({"after": "2"})));
        let (request, differences) = nearest(&exchanges, &came).unwrap();
        assert_eq!(request, &exchanges[1].request);
        assert_eq!(differences, ["query limit: `50`, expected `100`", "body after: \"2\", expected \"1\""]);
    }
}
