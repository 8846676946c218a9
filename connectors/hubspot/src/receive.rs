//! Webhooks: checks that HubSpot sent them, and says which records they are about. They come unordered, repeated and not at
//! all, so nothing of what they say is taken over: the host fetches the records.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ferry_sdk::connector::{Call, Failure, Hint, Webhook};
use serde::Deserialize;

use crate::objects::{self, STANDARD as STANDARD_OBJECTS};

/// HubSpot's documentation, "Validating requests", version 3: older requests are to be refused. A clock may be as far off the
/// other way.
const AGE_MOST_MS: u64 = 5 * 60 * 1_000;

/// What HubSpot writes encoded in an address and signs decoded (same page).
const DECODED: [(&str, char); 12] = [
    ("3A", ':'),
    ("2F", '/'),
    ("3F", '?'),
    ("40", '@'),
    ("21", '!'),
    ("24", '$'),
    ("27", '\''),
    ("28", '('),
    ("29", ')'),
    ("2A", '*'),
    ("2C", ','),
    ("3B", ';'),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(default)]
    subscription_type: String,
    #[serde(default)]
    object_type_id: Option<String>,
    #[serde(default)]
    object_id: Option<u64>,
    #[serde(default)]
    primary_object_id: Option<u64>,
    #[serde(default)]
    merged_object_ids: Vec<u64>,
    #[serde(default)]
    new_object_id: Option<u64>,
    #[serde(default)]
    from_object_id: Option<u64>,
}

/// One hint per object, and one more for what is gone of it.
pub(crate) fn receive(call: &Call<'_>, webhook: &Webhook) -> Result<Vec<Hint>, Failure> {
    verify(call, webhook)?;
    let events: Vec<Event> = serde_json::from_slice(&webhook.body)
        .map_err(|_| Failure::invalid("body", "is not a list of HubSpot's events"))?;
    let mut hints = Vec::new();
    for event in &events {
        let Some(object) = event.object() else { continue };
        let (changed, gone) = event.ids();
        hint(&mut hints, object, false, &changed);
        hint(&mut hints, object, true, &gone);
    }
    Ok(hints)
}

fn hint(hints: &mut Vec<Hint>, object: &str, gone: bool, ids: &[u64]) {
    if ids.is_empty() {
        return;
    }
    let at = hints.iter().position(|hint| hint.object == object && hint.gone == gone).unwrap_or_else(|| {
        hints.push(Hint { object: object.to_owned(), ids: Vec::new(), gone });
        hints.len() - 1
    });
    let Some(hint) = hints.get_mut(at) else { return };
    for id in ids {
        let id = id.to_string();
        if !hint.ids.contains(&id) {
            hint.ids.push(id);
        }
    }
}

impl Event {
    /// None for what is no object of this connector.
    fn object(&self) -> Option<&str> {
        if let Some(type_id) = &self.object_type_id {
            return match objects::standard(type_id) {
                Some(standard) => Some(standard.name),
                // An account's own objects go by their type id; HubSpot's other ones are not synced.
                None => type_id.starts_with("2-").then_some(type_id),
            };
        }
        let (event, _) = self.subscription_type.split_once('.')?;
        STANDARD_OBJECTS.iter().find(|standard| standard.event == Some(event)).map(|standard| standard.name)
    }

    /// What changed and what is gone.
    fn ids(&self) -> (Vec<u64>, Vec<u64>) {
        let kind = self.subscription_type.split_once('.').map_or("", |(_, kind)| kind);
        match kind {
            "merge" => {
                // Since merges give a new id, the primary record too has moved to it.
                let winner = self.new_object_id.or(self.primary_object_id).or(self.object_id);
                let losers = self.merged_object_ids.iter().copied().chain(self.primary_object_id);
                (winner.into_iter().collect(), losers.filter(|id| Some(*id) != winner).collect())
            }
            "deletion" | "privacyDeletion" => (Vec::new(), self.object_id.into_iter().collect()),
            "associationChange" => (self.from_object_id.or(self.object_id).into_iter().collect(), Vec::new()),
            _ => (self.object_id.into_iter().collect(), Vec::new()),
        }
    }
}

fn verify(call: &Call<'_>, webhook: &Webhook) -> Result<(), Failure> {
    let refused = |why: &str| Failure::Unauthorized(format!("this webhook is not HubSpot's: {why}"));
    let stamp = header(webhook, "x-hubspot-request-timestamp").ok_or_else(|| refused("it has no time"))?;
    let sent_ms: i64 = stamp.parse().map_err(|_| refused("its time can't be read"))?;
    if call.now.div_euclid(1_000).abs_diff(sent_ms) > AGE_MOST_MS {
        return Err(refused("it is more than five minutes old"));
    }
    let mac = header(webhook, "x-hubspot-signature-v3").ok_or_else(|| refused("it has no signature of version 3"))?;
    let mac = STANDARD.decode(mac).map_err(|_| refused("its signature can't be read"))?;
    let mut message = format!("{}{}", webhook.method.to_uppercase(), decoded(&webhook.target)).into_bytes();
    message.extend_from_slice(&webhook.body);
    message.extend_from_slice(stamp.as_bytes());
    if call.signature.hmac_sha256(&message, &mac) { Ok(()) } else { Err(refused("its signature is wrong")) }
}

fn header<'a>(webhook: &'a Webhook, name: &str) -> Option<&'a str> {
    webhook.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn decoded(target: &str) -> String {
    let mut text = String::with_capacity(target.len());
    let mut rest = target;
    while let Some((before, behind)) = rest.split_once('%') {
        text.push_str(before);
        let code = behind.get(..2);
        let known = DECODED.iter().find(|(hex, _)| code.is_some_and(|code| code.eq_ignore_ascii_case(hex)));
        match known {
            Some((_, character)) => {
                text.push(*character);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                text.push('%');
                rest = behind;
            }
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use ferry_sdk::testing::{FakeHttp, FakeSignature, call};

    use super::*;

    const NOW_MS: i64 = 1_763_805_600_000;
    const TARGET: &str = "https://ferry.example.com/hooks/7?a=1%2C2%20b";

    fn webhook(stamp: i64, mac: &str, body: &str) -> Webhook {
        let headers = vec![
            ("x-hubspot-request-timestamp".to_owned(), stamp.to_string()),
            ("x-hubspot-signature-v3".to_owned(), mac.to_owned()),
        ];
        Webhook { method: "POST".into(), target: TARGET.into(), headers, body: body.as_bytes().to_vec() }
    }

    fn run(webhook: &Webhook) -> Result<Vec<Hint>, Failure> {
        let body = String::from_utf8(webhook.body.clone()).unwrap();
        let message = format!("POSThttps://ferry.example.com/hooks/7?a=1,2%20b{body}{NOW_MS}");
        let signature = FakeSignature { signed: Some(message.into_bytes()) };
        receive(&call("{}", NOW_MS * 1_000, &FakeHttp::new(), &signature), webhook)
    }

    fn good() -> String {
        STANDARD.encode("good")
    }

    fn hint(object: &str, ids: &[&str], gone: bool) -> Hint {
        Hint { object: object.into(), ids: ids.iter().map(|id| (*id).to_owned()).collect(), gone }
    }

    #[test]
    fn events_become_one_hint_per_object() {
        let hints = run(&webhook(NOW_MS, &good(), include_str!("../fixtures/webhook.json"))).unwrap();
        let expected = [
            hint("contacts", &["1", "2", "30", "6"], false),
            hint("companies", &["5"], true),
            hint("2-77", &["9"], false),
            hint("contacts", &["20", "10", "4"], true),
        ];
        assert_eq!(hints, expected);
    }

    #[test]
    fn forged_old_and_unsigned_webhooks_are_refused() {
        let unsigned = Webhook { headers: Vec::new(), ..webhook(NOW_MS, "", "[]") };
        let cases = [
            webhook(NOW_MS, &STANDARD.encode("bad"), "[]"),
            webhook(NOW_MS - 300_001, &good(), "[]"),
            webhook(NOW_MS + 300_001, &good(), "[]"),
            webhook(NOW_MS, "no base64!", "[]"),
            unsigned,
        ];
        for webhook in cases {
            assert!(matches!(run(&webhook), Err(Failure::Unauthorized(_))), "{:?}", webhook.headers);
        }
    }

    #[test]
    fn only_the_signed_body_counts() {
        let forged = Webhook { target: "https://ferry.example.com/hooks/8".into(), ..webhook(NOW_MS, &good(), "[]") };
        assert!(matches!(run(&forged), Err(Failure::Unauthorized(_))));
        assert_eq!(run(&webhook(NOW_MS, &good(), "[]")), Ok(Vec::new()));
        assert!(matches!(run(&webhook(NOW_MS, &good(), "{}")), Err(Failure::Invalid(_))));
    }

    #[test]
    fn addresses_are_decoded_as_hubspot_signs_them() {
        assert_eq!(decoded("/a%3ab%3Bc%20d%"), "/a:b;c%20d%");
        assert_eq!(decoded("%2F%3F%40%21%24%27%28%29%2A%2C%3B%3A%é"), "/?@!$'()*,;:%é");
    }
}
