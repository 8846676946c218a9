//! Takes out what looks like a credential in what a CRM answered: a trace is sent to strangers. The vault has taken out those
//! that the host knows before anything gets here.

use std::sync::LazyLock;

use super::{Body, Event, Given};

/// What stands in a credential's place.
pub(super) const REMOVED: &str = "[credential removed]";

/// Names of headers and of members in JSON that hold credentials, in lower case and without `-` and `_`.
const NAMES: [&str; 18] = [
    "accesstoken",
    "apikey",
    "apitoken",
    "authorization",
    "clientsecret",
    "cookie",
    "idtoken",
    "password",
    "passwd",
    "privatekey",
    "proxyauthorization",
    "refreshtoken",
    "secret",
    "sessionid",
    "sessiontoken",
    "setcookie",
    "signingsecret",
    "xapikey",
];

fn is_credential(name: &str) -> bool {
    static SORTED: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let mut names = NAMES.to_vec();
        names.sort_unstable();
        names
    });
    let plain: String =
        name.chars().filter(|letter| !matches!(letter, '-' | '_')).map(|letter| letter.to_ascii_lowercase()).collect();
    SORTED.binary_search(&plain.as_str()).is_ok()
}

/// Cleans the events; gives the places where something was taken out, as in `exchange 2, answer, header set-cookie`.
pub(super) fn clean(events: &mut [Event]) -> Vec<String> {
    let mut removed = Vec::new();
    let mut number = 0;
    for event in events {
        let Event::Exchange(exchange) = event else { continue };
        number += 1;
        let sent = format!("exchange {number}, request");
        pairs(&mut exchange.request.headers, &format!("{sent}, header"), &mut removed);
        pairs(&mut exchange.request.query, &format!("{sent}, query"), &mut removed);
        if let Some(text) = &mut exchange.request.body {
            body(text, &sent, &mut removed);
        }
        let given = format!("exchange {number}, answer");
        if let Given::Answer { headers, body: text, .. } = &mut exchange.answer {
            pairs(headers, &format!("{given}, header"), &mut removed);
            if let Some(text) = text {
                body(text, &given, &mut removed);
            }
        }
    }
    removed
}

fn pairs(pairs: &mut [(String, String)], place: &str, removed: &mut Vec<String>) {
    for (name, value) in pairs.iter_mut().filter(|(name, _)| is_credential(name)) {
        *value = REMOVED.to_owned();
        removed.push(format!("{place} {name}"));
    }
}

/// A body without credentials stays as it is, to the byte.
fn body(body: &mut Body, place: &str, removed: &mut Vec<String>) {
    let Some(mut json) = body.to_json() else { return };
    let before = removed.len();
    members(&mut json, &format!("{place}, body "), removed);
    if removed.len() > before {
        *body = Body::Json(json);
    }
}

fn members(json: &mut serde_json::Value, place: &str, removed: &mut Vec<String>) {
    match json {
        serde_json::Value::Object(object) => {
            for (name, value) in object {
                if is_credential(name) && value.is_string() {
                    *value = REMOVED.into();
                    removed.push(format!("{place}{name}"));
                } else {
                    members(value, &format!("{place}{name}."), removed);
                }
            }
        }
        serde_json::Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                members(item, &format!("{place}{index}."), removed);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::http::Method;
    use crate::trace::{Exchange, Sent};

    #[test]
    fn credentials_are_taken_out_and_their_places_told() {
        let request = Sent {
            method: Method::Post,
            target: "/t".into(),
            query: vec![("api_key".into(), "k".into()), ("limit".into(), "1".into())],
            headers: Vec::new(),
            body: Some(Body::Text("{\"name\": \"Ada\"}".into())),
            repeatable: false,
            bucket: None,
        };
        let answer = Given::Answer {
            status: 200,
            headers: vec![("set-cookie".into(), "a=b".into())],
            body: Some(Body::Text(r#"{"a":[{"Access_Token":"x","b":1}],"secret":7}"#.into())),
        };
        let mut events = vec![Event::Exchange(Exchange { request, answer })];
        let removed = clean(&mut events);
        assert_eq!(
            removed,
            [
                "exchange 1, request, query api_key",
                "exchange 1, answer, header set-cookie",
                "exchange 1, answer, body a.0.Access_Token",
            ]
        );
        let Event::Exchange(exchange) = &events[0] else { panic!() };
        assert_eq!(exchange.request.body, Some(Body::Text("{\"name\": \"Ada\"}".into())));
        let text = serde_json::to_string(&events).unwrap();
        assert!(!text.contains("\"k\"") && !text.contains("a=b") && !text.contains("\"x\""), "{text}");
    }
}
