//! Runs single calls of a connector against a deck, and measures them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::cassette::Recorded;
use super::deck::{Deck, Played};
use super::report::Measure;
use crate::model::connector::Page;
use crate::model::failure::{CallError, Fault, FaultKind};
use crate::model::id::ConnectionId;
use crate::model::probe::{Probe, Usage, Watch};
use crate::model::time::{Clock, Instant};
use crate::plugin::{ConnectorContext, LoadedPlugin};
use crate::trace::{Answer, Call};

/// Pages of one walk: a cassette has a handful, and a walk without end must end.
const MOST_PAGES: usize = 1_000;

/// Every call's randomness: runs are the same each time.
const SEED: u64 = 1;

/// The clock of calls for which a cassette has none: 2026-01-01.
const NOW: Instant = Instant(1_767_225_600_000_000);

/// One connector under trial.
pub(super) struct Bench<'a> {
    pub(super) plugin: &'a LoadedPlugin,
    pub(super) connection: ConnectionId,
    pub(super) measures: Mutex<Vec<Measure>>,
}

/// How a call, or a walk of calls, went.
pub(super) struct Ran {
    pub(super) result: Result<Answer, CallError>,
    pub(super) played: Played,
    /// A page token that was given twice.
    pub(super) repeated: Option<String>,
    /// What the plugin wrote to its log.
    pub(super) lines: Vec<String>,
}

impl Bench<'_> {
    pub(super) async fn run(&self, settings: &str, recorded: &Recorded, call: &Call, deck: Arc<Deck>) -> Ran {
        let meter = Arc::new(Meter::default());
        let mut repeated = None;
        let result = match call {
            Call::Pull(_) | Call::Gone { .. } if recorded.follow => {
                self.walk(settings, recorded, call, &deck, &meter, &mut repeated).await
            }
            _ => self.ask(settings, recorded, call, &deck, &meter).await,
        };
        let lines = std::mem::take(&mut *meter.lines.lock().unwrap_or_else(PoisonError::into_inner));
        Ran { result, played: deck.played(), repeated, lines }
    }

    async fn walk(
        &self,
        settings: &str,
        recorded: &Recorded,
        call: &Call,
        deck: &Arc<Deck>,
        meter: &Arc<Meter>,
        repeated: &mut Option<String>,
    ) -> Result<Answer, CallError> {
        let mut call = call.clone();
        let (mut all, mut seen) = (Page::default(), std::collections::HashSet::new());
        for number in 0..MOST_PAGES {
            let Answer::Page(page) = self.ask(settings, recorded, &call, deck, meter).await? else { break };
            all.rows.extend(page.rows);
            all.gone.extend(page.gone);
            if number == 0 {
                all.total = page.total;
            }
            let Some(next) = page.next else { break };
            if !seen.insert(next.clone()) {
                *repeated = Some(next);
                break;
            }
            match &mut call {
                Call::Pull(request) => request.token = Some(next),
                Call::Gone { token, .. } => *token = Some(next),
                _ => break,
            }
        }
        Ok(Answer::Page(all))
    }

    async fn ask(
        &self,
        settings: &str,
        recorded: &Recorded,
        call: &Call,
        deck: &Arc<Deck>,
        meter: &Arc<Meter>,
    ) -> Result<Answer, CallError> {
        let probe: Arc<dyn Probe> = Arc::<Meter>::clone(meter);
        let context = ConnectorContext {
            connection: self.connection.clone(),
            settings: settings.to_owned(),
            clock: Arc::new(Stopped(recorded.now.unwrap_or(NOW))),
            outbound: Arc::<Deck>::clone(deck),
            gate: None,
            watch: Some(Watch { probe, seed: SEED }),
        };
        let connector = self.plugin.connector(context).map_err(|error| Fault {
            plugin: self.plugin.manifest().plugin.id.clone(),
            verb: call.verb(),
            kind: FaultKind::Start(error.to_string()),
        })?;
        let result = call.ask(&connector).await;
        let usage = *meter.usage.lock().unwrap_or_else(PoisonError::into_inner);
        note(&mut self.measures.lock().unwrap_or_else(PoisonError::into_inner), call.verb(), usage);
        result
    }
}

/// Keeps the most that a verb used.
pub(super) fn note(measures: &mut Vec<Measure>, verb: &'static str, usage: Usage) {
    let at = measures.iter().position(|measure| measure.verb == verb).unwrap_or_else(|| {
        measures.push(Measure { verb, calls: 0, memory_bytes: 0, host_calls: 0, milliseconds: 0 });
        measures.len() - 1
    });
    let measure = &mut measures[at];
    measure.calls += 1;
    measure.memory_bytes = measure.memory_bytes.max(usage.memory_bytes);
    measure.host_calls = measure.host_calls.max(usage.host_calls);
    measure.milliseconds = measure.milliseconds.max(u64::try_from(usage.time.as_millis()).unwrap_or(u64::MAX));
}

#[derive(Default)]
struct Meter {
    lines: Mutex<Vec<String>>,
    usage: Mutex<Usage>,
}

impl Probe for Meter {
    fn line(&self, _: &'static str, text: &str) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
    }

    fn used(&self, usage: Usage) {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner) = usage;
    }
}

/// A clock that stands still: what a call gives must not hang on when it is made.
struct Stopped(Instant);

#[async_trait]
impl Clock for Stopped {
    fn now(&self) -> Instant {
        self.0
    }

    async fn sleep(&self, _: Duration) {}
}
