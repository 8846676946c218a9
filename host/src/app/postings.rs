//! Posts events to hooks as Standard Webhooks: signed, once more after a failure, given up in the end.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::stream::{self, StreamExt};
use hmac::{Hmac, Mac};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::Tenant;
use super::error::AppError;
use super::hooks::{key_of, place};
use crate::egress::Terms;
use crate::model::event::{Event, Hook, Posting};
use crate::model::grant::{Digest, Grant};
use crate::model::http::{Lane, Method, Request};
use crate::model::id::HookId;
use crate::model::manifest::Limits;
use crate::model::time::Instant;
use crate::store::Changes;

/// Events that are posted to one hook side by side.
const SIDE_BY_SIDE: usize = 4;

/// Events of one hook that are posted before others are looked at.
const AT_ONCE: usize = 64;

/// Waiting events that are looked through for those.
const LOOKED_AT_MOST: usize = 10_000;

/// How long a receiver may take: it is to note the event and work later.
const ANSWER_TIME: Duration = Duration::from_secs(15);

/// Of an answer only the status counts.
const ANSWER_BYTES: u64 = 64 * 1024;

/// Tries before an event is given up; with the pauses below they reach over a day and a half.
const MOST_TRIES: u32 = 10;

/// The pause after the first failure; each further one is four times as long, up to the longest.
const PAUSE_FIRST: Duration = Duration::from_secs(5);
const PAUSE_MOST: Duration = Duration::from_secs(8 * 60 * 60);

/// How one try ended.
enum Ended {
    Arrived,
    /// The receiver refuses this event, at least now.
    Refused(String),
    /// The receiver is in trouble: the others would meet the same.
    Trouble(String),
    /// It wants no events any more.
    Gone,
    /// It was not tried: the host ends.
    NotTried,
}

impl Tenant {
    /// Posts what is due for a hook; says whether its receiver is in trouble, so that it is left alone for a while.
    pub async fn post_events(&self, id: &HookId) -> Result<bool, AppError> {
        let hook = self.hook(id)?;
        let due = self.due_postings(&hook)?;
        let secret = self.app.vault()?.signing_secret(&self.id, &place(id)?)?;
        let key = secret.as_ref().map(key_of).ok_or_else(|| AppError::HookSecret(id.clone()))?;
        let tries = due.into_iter().map(|posting| self.post(&hook, &key, posting));
        let ended: Vec<_> = stream::iter(tries).buffer_unordered(SIDE_BY_SIDE).collect().await;
        let _following = self.store().following().await;
        let (mut changes, mut in_trouble) = (Changes::default(), false);
        for (posting, ended) in ended {
            in_trouble |= matches!(ended, Ended::Trouble(_));
            self.settle(&hook, posting, ended, &mut changes)?;
        }
        self.commit(changes)?;
        Ok(in_trouble)
    }

    /// The hooks for which something is due.
    pub fn due_hooks(&self) -> Result<Vec<HookId>, AppError> {
        let mut due = Vec::new();
        for hook in self.hooks()? {
            if !self.due_postings(&hook)?.is_empty() {
                due.push(hook.id);
            }
        }
        Ok(due)
    }

    fn due_postings(&self, hook: &Hook) -> Result<Vec<Posting>, AppError> {
        if hook.ended.is_some() {
            return Ok(Vec::new());
        }
        let now = self.clock().now();
        // A pause that is longer than any was begun by a clock that was wrong.
        let due = |posting: &Posting| posting.not_before.is_some_and(|at| at <= now || at.since(now) > 2 * PAUSE_MOST);
        let waiting = self.store().scan_under::<Posting>(&[hook.id.as_str()]).take(LOOKED_AT_MOST);
        let due = waiting.filter(|posting| posting.as_ref().map_or(true, due)).take(AT_ONCE);
        Ok(due.collect::<Result<_, _>>()?)
    }

    async fn post(&self, hook: &Hook, key: &[u8], posting: Posting) -> (Posting, Ended) {
        if self.app.is_stopping() {
            return (posting, Ended::NotTried);
        }
        let event = match self.store().get::<Event>(posting.event) {
            Ok(Some(event)) => event,
            // It is older than events are kept.
            Ok(None) => return (posting, Ended::Arrived),
            Err(error) => return (posting, Ended::Trouble(error.to_string())),
        };
        let ended = self.send(hook, key, &event).await;
        (posting, ended)
    }

    async fn send(&self, hook: &Hook, key: &[u8], event: &Event) -> Ended {
        let (egress, now) = (self.app.egress(), self.clock().now());
        let request = signed(self.id.as_str(), hook, key, event, now);
        let prepared = match egress.prepare(&reach_of(hook), &hook.url, request, None) {
            Ok(prepared) => prepared,
            Err(error) => return Ended::Refused(error.to_string()),
        };
        let ends = now.plus(ANSWER_TIME);
        let terms = Terms { governor: None, lane: Lane::Outcome, waits_until: now, ends, body_limit: ANSWER_BYTES };
        match egress.send(&prepared, None, &terms).await {
            Ok(answer) => judged(answer.status),
            Err(error) => Ended::Trouble(error.to_string()),
        }
    }

    fn settle(&self, hook: &Hook, posting: Posting, ended: Ended, changes: &mut Changes) -> Result<(), AppError> {
        let key = (&hook.id, posting.event);
        // The hook may have been removed while the try went on, with all that waited for it.
        if self.store().get::<Posting>(key)?.is_none() {
            return Ok(());
        }
        let failure = match ended {
            Ended::NotTried => return Ok(()),
            Ended::Arrived => {
                changes.remove::<Posting>(key);
                return Ok(());
            }
            Ended::Gone => {
                let why = "the receiver answered 410: it wants no events any more".to_owned();
                changes.put(&hook.id, &Hook { ended: Some(why.clone()), ..hook.clone() })?;
                why
            }
            Ended::Refused(why) | Ended::Trouble(why) => why,
        };
        let attempts = posting.attempts + 1;
        let pause = pause(attempts, rand::random());
        let not_before = (attempts < MOST_TRIES).then(|| self.clock().now().plus(pause));
        Ok(changes.put(key, &Posting { attempts, not_before, failure: Some(failure), ..posting })?)
    }
}

fn judged(status: u16) -> Ended {
    match status {
        200..=299 => Ended::Arrived,
        410 => Ended::Gone,
        408 | 429 | 500.. => Ended::Trouble(format!("the receiver answered {status}")),
        _ => Ended::Refused(format!("the receiver answered {status}")),
    }
}

/// Doubled spread, so that what failed together does not return together: `chance` is in [0, 1).
fn pause(attempts: u32, chance: f64) -> Duration {
    let whole = PAUSE_FIRST.saturating_mul(4u32.saturating_pow(attempts.saturating_sub(1).min(12))).min(PAUSE_MOST);
    whole.mul_f64(0.75 + chance.clamp(0.0, 1.0) / 2.0)
}

/// The hook's own origin, and no other.
fn reach_of(hook: &Hook) -> Grant {
    let (hosts, loopback) =
        if hook.loopback { (Vec::new(), vec![hook.url.clone()]) } else { (vec![hook.url.clone()], Vec::new()) };
    let digest = Digest(String::new());
    Grant {
        digest,
        hosts,
        accounts: Vec::new(),
        private: Vec::new(),
        loopback,
        limits: Limits::default(),
        at: hook.created,
    }
}

/// The event as a request: the same id and body at every try, the time and the signature of this one.
fn signed(workspace: &str, hook: &Hook, key: &[u8], event: &Event, now: Instant) -> Request {
    let body = json!({
        "type": event.kind.name(),
        "timestamp": event.at.to_string(),
        "data": { "event": event.id, "workspace": workspace, "audience": event.audience, "contact": event.contact },
    })
    .to_string();
    let id = message_id(workspace, event);
    let seconds = now.0.div_euclid(1_000_000).to_string();
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("webhook-signature", signature(key, &id, &seconds, &body)),
        ("webhook-id", id),
        ("webhook-timestamp", seconds),
    ];
    let query: Vec<(String, String)> = hook.url.query_pairs().into_owned().collect();
    Request {
        method: Method::Post,
        target: hook.url[..url::Position::AfterPath].to_owned(),
        query,
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        body: Some(body.into_bytes()),
        repeatable: false,
        bucket: None,
    }
}

/// Also a state that was restored from a copy gives no two events one id.
fn message_id(workspace: &str, event: &Event) -> String {
    let about = format!("{workspace}/{}/{}/{}/{}", event.id, event.at.0, event.audience, event.contact);
    let digest: String = Sha256::digest(about).iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("msg_{}_{digest}", event.id)
}

/// `v1`: HMAC-SHA256 over id, time and body, parted by dots.
fn signature(key: &[u8], id: &str, seconds: &str, body: &str) -> String {
    // HMAC takes keys of any length, so there is always one.
    let mac = Hmac::<Sha256>::new_from_slice(key).map(|mac| mac.chain_update(format!("{id}.{seconds}.{body}")));
    format!("v1,{}", mac.map(|mac| STANDARD.encode(mac.finalize().into_bytes())).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_standard_webhooks() {
        // The example of the reference implementations' own tests.
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn pauses_grow_fourfold_to_eight_hours_and_are_spread() {
        let seconds: Vec<u64> = [1, 2, 3, 6, 9, 99].iter().map(|tries| pause(*tries, 0.5).as_secs()).collect();
        assert_eq!(seconds, [5, 20, 80, 5_120, 28_800, 28_800]);
        assert!(pause(3, 0.0) < pause(3, 0.9));
    }

    #[test]
    fn an_answer_is_an_arrival_a_refusal_a_trouble_or_an_end() {
        assert!(matches!(judged(204), Ended::Arrived));
        assert!(matches!(judged(302), Ended::Refused(_)));
        assert!(matches!(judged(400), Ended::Refused(_)));
        assert!(matches!(judged(429), Ended::Trouble(_)));
        assert!(matches!(judged(503), Ended::Trouble(_)));
        assert!(matches!(judged(410), Ended::Gone));
    }
}
