//! Stands between a call and its ports, and writes down what passes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::{Answer, Body, Call, Ending, Event, Exchange, FORMAT, Given, Recorded, Sent, Trace, redact};
use crate::model::failure::CallError;
use crate::model::http::{HttpError, Outbound, Request, Response};
use crate::model::id::ConnectionId;
use crate::model::probe::{Probe, Usage, Watch};
use crate::model::time::{Clock, Instant};

/// Readings of the clock that are kept: beyond, a plugin waits in a loop, and the last one says all.
const MAX_READINGS: usize = 10_000;

/// What a [`Recorder`] is built from.
pub struct RecorderOptions {
    pub plugin: Recorded,
    pub connection: ConnectionId,
    pub settings: String,
    pub call: Call,
    pub seed: u64,
    pub outbound: Arc<dyn Outbound>,
    pub clock: Arc<dyn Clock>,
}

/// Records one call: it is the call's way out, its clock and its probe.
pub struct Recorder {
    options: RecorderOptions,
    tape: Mutex<Tape>,
}

#[derive(Default)]
struct Tape {
    clock: Vec<Instant>,
    events: Vec<Event>,
}

impl Recorder {
    pub fn new(options: RecorderOptions) -> Arc<Self> {
        Arc::new(Self { options, tape: Mutex::default() })
    }

    pub fn watch(self: &Arc<Self>) -> Watch {
        let probe: Arc<dyn Probe> = Arc::<Self>::clone(self);
        Watch { probe, seed: self.options.seed }
    }

    /// What was recorded, once the call has ended. Credentials that a CRM's answers held are taken out.
    pub fn trace(&self, result: &Result<Answer, CallError>) -> Trace {
        let RecorderOptions { plugin, connection, settings, call, seed, .. } = &self.options;
        let tape = self.tape();
        let mut events = tape.events.clone();
        let removed = redact::clean(&mut events);
        Trace {
            ferry_trace: FORMAT,
            plugin: plugin.clone(),
            connection: connection.clone(),
            call: call.clone(),
            settings: serde_json::from_str(settings).unwrap_or_default(),
            clock: tape.clock.clone(),
            seed: *seed,
            events,
            ending: Ending::of(result),
            removed,
        }
    }

    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn exchange(&self, request: Sent, answer: &Result<Response, HttpError>) {
        self.tape().events.push(Event::Exchange(Exchange { request, answer: Given::of(answer) }));
    }
}

#[async_trait]
impl Outbound for Recorder {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let sent = Sent::from(&request);
        let answer = self.options.outbound.send(request).await;
        self.exchange(sent, &answer);
        answer
    }

    async fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response, HttpError>> {
        let sent: Vec<Sent> = requests.iter().map(Sent::from).collect();
        let answers = self.options.outbound.send_all(requests).await;
        for (sent, answer) in sent.into_iter().zip(&answers) {
            self.exchange(sent, answer);
        }
        answers
    }

    fn verify_hmac_sha256(&self, message: &[u8], mac: &[u8]) -> bool {
        let holds = self.options.outbound.verify_hmac_sha256(message, mac);
        let (message, mac) = (Body::exactly(message), Body::exactly(mac));
        self.tape().events.push(Event::Signature { message, mac, holds });
        holds
    }
}

#[async_trait]
impl Clock for Recorder {
    fn now(&self) -> Instant {
        let now = self.options.clock.now();
        let mut tape = self.tape();
        if tape.clock.len() < MAX_READINGS {
            tape.clock.push(now);
        }
        now
    }

    async fn sleep(&self, span: Duration) {
        self.options.clock.sleep(span).await;
    }
}

impl Probe for Recorder {
    fn line(&self, level: &'static str, text: &str) {
        self.tape().events.push(Event::Log { level: level.to_owned(), text: text.to_owned() });
    }

    fn used(&self, _: Usage) {}
}
