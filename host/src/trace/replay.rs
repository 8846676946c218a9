//! Runs a recorded call again, with the recording in place of the CRM, and tells where it goes another way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::{Answer, Body, Ending, Event, Exchange, Sent, Trace};
use crate::model::failure::CallError;
use crate::model::http::{HttpError, Outbound, Request, Response};
use crate::model::probe::{Probe, Usage, Watch};
use crate::model::time::{Clock, Instant};
use crate::plugin::{ConnectorContext, LoadError, LoadedPlugin};

/// What the plugin is told once it has left the recorded way.
const LEFT: &str = "the replay has left the recorded way";

/// Where a replay goes another way than its recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divergence {
    /// As in `exchange 3`, or `ending`.
    pub place: String,
    /// What was recorded, and what came now.
    pub recorded: String,
    pub now: String,
}

/// What came of a replay.
#[derive(Debug)]
pub struct Replayed {
    /// What happened at the boundary this time.
    pub events: Vec<Event>,
    pub ending: Ending,
    pub usage: Usage,
    /// None: byte for byte the same.
    pub divergence: Option<Divergence>,
}

/// Runs the call of `trace` in `plugin`, which may be another build than the one that was recorded.
pub async fn replay(plugin: &LoadedPlugin, trace: &Trace) -> Result<Replayed, LoadError> {
    let tape = Arc::new(Tape { trace: trace.clone(), run: Mutex::default() });
    let probe: Arc<dyn Probe> = tape.clone();
    let connector = plugin.connector(ConnectorContext {
        connection: trace.connection.clone(),
        settings: trace.settings.to_string(),
        clock: tape.clone(),
        outbound: tape.clone(),
        gate: None,
        watch: Some(Watch { probe, seed: trace.seed }),
    })?;
    let result = trace.call.ask(&connector).await;
    Ok(tape.end(&result))
}

/// The recording, played.
struct Tape {
    trace: Trace,
    run: Mutex<Run>,
}

#[derive(Default)]
struct Run {
    readings: usize,
    exchanges: usize,
    signatures: usize,
    events: Vec<Event>,
    usage: Usage,
    divergence: Option<Divergence>,
}

impl Tape {
    fn run(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &Request) -> Result<Response, HttpError> {
        let sent = Sent::from(request);
        let mut run = self.run();
        let number = run.exchanges;
        run.exchanges += 1;
        let recorded = self.trace.exchanges().nth(number);
        if run.divergence.is_none() {
            run.divergence = difference(number, recorded, &sent);
        }
        let answer = match (&run.divergence, recorded) {
            (None, Some(exchange)) => exchange.answer.clone(),
            _ => super::Given::Error { error: HttpError::Unreachable(LEFT.into()) },
        };
        run.events.push(Event::Exchange(Exchange { request: sent, answer: answer.clone() }));
        answer.to_result()
    }

    fn end(&self, result: &Result<Answer, CallError>) -> Replayed {
        let ending = Ending::of(result);
        let mut run = self.run();
        let missing = self.trace.exchanges().nth(run.exchanges);
        let divergence = run.divergence.take().or_else(|| {
            let place = format!("exchange {}", run.exchanges + 1);
            missing.map(|exchange| Divergence { place, recorded: exchange.request.line(), now: "no request".into() })
        });
        let divergence = divergence.or_else(|| {
            (ending != self.trace.ending).then(|| Divergence {
                place: "ending".into(),
                recorded: in_short(&self.trace.ending),
                now: in_short(&ending),
            })
        });
        Replayed { events: std::mem::take(&mut run.events), ending, usage: run.usage, divergence }
    }
}

fn in_short(ending: &Ending) -> String {
    serde_json::to_string(ending).unwrap_or_default()
}

/// How a request differs from the one recorded in its place.
fn difference(number: usize, recorded: Option<&Exchange>, sent: &Sent) -> Option<Divergence> {
    let place = |what: &str| format!("exchange {}{what}", number + 1);
    let Some(Exchange { request, .. }) = recorded else {
        return Some(Divergence { place: place(""), recorded: "no request".into(), now: sent.line() });
    };
    // What was taken out of the recording can't be compared.
    let cleaned = |sent: &Sent| {
        let mut events = [Event::Exchange(Exchange {
            request: sent.clone(),
            answer: super::Given::Answer { status: 0, headers: Vec::new(), body: None },
        })];
        super::redact::clean(&mut events);
        let [Event::Exchange(exchange)] = events else { return sent.clone() };
        exchange.request
    };
    let sent = cleaned(sent);
    if request.line() != sent.line() {
        return Some(Divergence { place: place(""), recorded: request.line(), now: sent.line() });
    }
    if request.headers != sent.headers {
        let shown = |headers: &[(String, String)]| serde_json::to_string(headers).unwrap_or_default();
        return Some(Divergence {
            place: place(", headers"),
            recorded: shown(&request.headers),
            now: shown(&sent.headers),
        });
    }
    let bytes = |sent: &Sent| sent.body.as_ref().map(Body::to_bytes);
    if bytes(request) != bytes(&sent) {
        let shown = |sent: &Sent| String::from_utf8_lossy(&bytes(sent).unwrap_or_default()).into_owned();
        return Some(Divergence { place: place(", body"), recorded: shown(request), now: shown(&sent) });
    }
    (request.repeatable != sent.repeatable || request.bucket != sent.bucket).then(|| Divergence {
        place: place(", terms"),
        recorded: format!("repeatable {}, bucket {:?}", request.repeatable, request.bucket),
        now: format!("repeatable {}, bucket {:?}", sent.repeatable, sent.bucket),
    })
}

#[async_trait]
impl Outbound for Tape {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        self.answer(&request)
    }

    async fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response, HttpError>> {
        requests.iter().map(|request| self.answer(request)).collect()
    }

    fn verify_hmac_sha256(&self, message: &[u8], mac: &[u8]) -> bool {
        let recorded = self.trace.events.iter().filter_map(|event| match event {
            Event::Signature { message, mac, holds } => Some((message, mac, *holds)),
            _ => None,
        });
        let mut run = self.run();
        let mut recorded = recorded.skip(run.signatures);
        run.signatures += 1;
        // Without the secret, only what was recorded can be said to hold.
        let holds = recorded.next().is_some_and(|(recorded, recorded_mac, holds)| {
            holds && recorded.to_bytes() == message && recorded_mac.to_bytes() == mac
        });
        run.events.push(Event::Signature { message: Body::exactly(message), mac: Body::exactly(mac), holds });
        holds
    }
}

#[async_trait]
impl Clock for Tape {
    fn now(&self) -> Instant {
        let mut run = self.run();
        let at = run.readings.min(self.trace.clock.len().saturating_sub(1));
        run.readings += 1;
        self.trace.clock.get(at).copied().unwrap_or_default()
    }

    async fn sleep(&self, _: Duration) {}
}

impl Probe for Tape {
    fn line(&self, level: &'static str, text: &str) {
        self.run().events.push(Event::Log { level: level.to_owned(), text: text.to_owned() });
    }

    fn used(&self, usage: Usage) {
        self.run().usage = usage;
    }
}
