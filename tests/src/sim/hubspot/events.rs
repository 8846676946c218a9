//! Webhooks: what changed, as HubSpot would post it, and the signature over the post.

use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::account::{APP_ID, Account, At, PORTAL_ID, Source};

/// The newest events are kept; a test that needs more sends in between.
const EVENTS_MAX: usize = 50_000;

/// HubSpot puts at most so many events into one post.
const EVENTS_PER_POST: usize = 100;

/// HubSpot gives a receiver five seconds.
const POST_TIMEOUT: Duration = Duration::from_secs(5);

/// What happened to a record.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change<'a> {
    Created,
    Deleted,
    Restored,
    Erased,
    Property(&'a str, &'a str),
    Merged { primary: u64, others: &'a [u64] },
    Linked { to: &'a str, to_at: At, to_id: u64, removed: bool },
}

/// Events that were not sent yet.
#[derive(Debug, Default)]
pub(crate) struct Events {
    waiting: VecDeque<Value>,
    last_id: u64,
}

impl Events {
    /// Takes up to `max` events, oldest first.
    pub(crate) fn take(&mut self, max: usize) -> Vec<Value> {
        let count = max.min(self.waiting.len());
        self.waiting.drain(..count).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    fn push(&mut self, mut event: Value) {
        self.last_id += 1;
        event["eventId"] = self.last_id.into();
        if self.waiting.len() == EVENTS_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back(event);
    }
}

impl Account {
    /// Notes an event for the webhooks.
    pub(crate) fn tell(&mut self, at: At, id: u64, change: Change<'_>, source: Source) {
        let kind = self.kind(at);
        let known = matches!(kind.type_id.as_str(), "0-1" | "0-2" | "0-3" | "0-5");
        let subject = if known { kind.singular.as_str() } else { "object" };
        let mut event = json!({"subscriptionId": 3_902_115, "portalId": PORTAL_ID, "appId": APP_ID,
            "occurredAt": self.clock.now_ms(), "attemptNumber": 0, "objectId": id, "objectTypeId": kind.type_id,
            "changeSource": source.change_source(), "isSensitive": false});
        let (suffix, flag) = change.words();
        event["subscriptionType"] = format!("{subject}.{suffix}").into();
        event["changeFlag"] = flag.into();
        match change {
            Change::Property(name, value) => {
                event["propertyName"] = name.into();
                event["propertyValue"] = value.into();
            }
            Change::Merged { primary, others } => {
                event["primaryObjectId"] = primary.into();
                event["mergedObjectIds"] = json!(others);
                event["newObjectId"] = id.into();
                event["numberOfPropertiesMoved"] = 0.into();
            }
            Change::Linked { to, to_at, to_id, removed } => {
                event["associationType"] = format!("{}_TO_{}", kind.shout(), self.kind(to_at).shout()).into();
                event["fromObjectId"] = id.into();
                event["toObjectId"] = to_id.into();
                event["associationRemoved"] = removed.into();
                event["isPrimaryAssociation"] = (to == "primary").into();
            }
            _ => {}
        }
        self.events.push(event);
    }
}

impl Change<'_> {
    fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Created => ("creation", "CREATED"),
            Self::Deleted => ("deletion", "DELETED"),
            Self::Restored => ("restore", "RESTORED"),
            Self::Erased => ("privacyDeletion", "DELETED"),
            Self::Property(..) => ("propertyChange", "UPDATED"),
            Self::Merged { .. } => ("merge", "MERGED"),
            Self::Linked { removed: false, .. } => ("associationChange", "ASSOCIATED"),
            Self::Linked { removed: true, .. } => ("associationChange", "DISASSOCIATED"),
        }
    }
}

/// One signed post, ready to be sent or to be tampered with.
#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    /// Where it goes.
    pub url: String,
    /// Signature and timestamp among them.
    pub headers: Vec<(String, String)>,
    /// A JSON array of up to 100 events.
    pub body: Vec<u8>,
}

/// Signs `body` for a POST to `url` at `timestamp_ms` (signature v3).
pub fn signed(secret: &str, url: &str, body: Vec<u8>, timestamp_ms: i64) -> Post {
    let signature = signature_v3(secret, "POST", url, &body, timestamp_ms);
    let headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("user-agent".to_owned(), "HubSpot Connect 2.0 (http://dev.hubspot.com/)".to_owned()),
        ("x-hubspot-signature-v3".to_owned(), signature),
        ("x-hubspot-signature-version".to_owned(), "v3".to_owned()),
        ("x-hubspot-request-timestamp".to_owned(), timestamp_ms.to_string()),
    ];
    Post { url: url.to_owned(), headers, body }
}

/// `base64(HMAC-SHA256(secret, METHOD + decoded URI + body + timestamp))`.
pub fn signature_v3(secret: &str, method: &str, url: &str, body: &[u8], timestamp_ms: i64) -> String {
    // HMAC takes keys of any length, so this cannot fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(method.as_bytes());
    mac.update(decode_uri(url).as_bytes());
    mac.update(body);
    mac.update(timestamp_ms.to_string().as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Decodes the characters that HubSpot decodes before it signs, and no others.
fn decode_uri(url: &str) -> String {
    const DECODED: [(&str, &str); 12] = [
        ("%3A", ":"),
        ("%2F", "/"),
        ("%3F", "?"),
        ("%40", "@"),
        ("%21", "!"),
        ("%24", "$"),
        ("%27", "'"),
        ("%28", "("),
        ("%29", ")"),
        ("%2A", "*"),
        ("%2C", ","),
        ("%3B", ";"),
    ];
    let mut decoded = url.to_owned();
    for (code, letter) in DECODED {
        decoded = decoded.replace(code, letter).replace(&code.to_lowercase(), letter);
    }
    decoded
}

/// Splits events into signed posts.
pub(crate) fn posts(account: &mut Account, url: &str, max: usize) -> Vec<Post> {
    let now_ms = account.now_ms();
    let secret = account.auth.client_secret.clone();
    let events = account.events.take(max);
    let bodies = events.chunks(EVENTS_PER_POST).map(|chunk| serde_json::to_vec(chunk).unwrap_or_default());
    bodies.map(|body| signed(&secret, url, body, now_ms)).collect()
}

/// Sends posts one after another and gives each receiver's status; 0 where none came.
pub(crate) fn send(posts: &[Post]) -> Vec<u16> {
    let send = |post: &Post| {
        let url = url::Url::parse(&post.url).ok()?;
        crate::sim::server::post(&url, &post.headers, &post.body, POST_TIMEOUT).ok()
    };
    posts.iter().map(|post| send(post).unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_over_method_decoded_uri_body_and_time() {
        // Computed with Python's hmac module from the documented rule.
        let signature = signature_v3("secret", "POST", "https://example.com/hooks?a=b%2Fc", b"[]", 1_772_442_000_000);
        assert_eq!(signature, "rXv9eQNMQjGvxPTJEFwy5wXhN48k5vmSPXtcJNnMfCY=");
        assert_eq!(decode_uri("/a%2fb%20c%3A"), "/a/b%20c:");
    }
}
