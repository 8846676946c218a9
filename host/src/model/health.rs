//! How what is called of a plugin fares: faults in a row, and the rest that it is sent into when there are too many. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::failure::FaultKind;
use super::grant::Digest;
use super::id::PluginId;
use super::time::Instant;

/// Faults in a row that are put up with: one may be bad luck, and a loop of retries makes two.
const PATIENCE: u32 = 3;

/// The first rest. Each further fault after a rest doubles it.
const FIRST_REST: Duration = Duration::from_secs(60);

/// The longest rest: a plugin that was mended by an upgrade of the CRM is found to be well within the hour.
const LONGEST_REST: Duration = Duration::from_secs(3_600);

/// Says whether what rests may be called again.
pub trait Gate: Send + Sync {
    /// # Errors
    /// [`FaultKind::Quarantined`] while it rests.
    fn admit(&self) -> Result<(), FaultKind>;
}

/// What fails and rests by itself: a version of a connector, or of a mapper under one configuration. What an admin tells a mapper is
/// code, as a script is: where that fails, the mappings of others go on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Callee {
    pub plugin: PluginId,
    /// Of the plugin's bytes.
    pub digest: Digest,
    /// Of a mapper's configuration; none for a connector.
    #[serde(default)]
    pub configuration: Option<Digest>,
}

/// What has failed lately. What is well has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginHealth {
    #[serde(flatten)]
    pub callee: Callee,
    /// In a row, of all verbs: those after which no call of their verb has been good.
    pub faults: u32,
    /// How many of them each verb has. Empty where an earlier version of the host kept it.
    #[serde(default)]
    failing: BTreeMap<String, u32>,
    /// The verb, the code and the text of the last one.
    pub verb: String,
    pub code: String,
    pub last: String,
    pub since: Instant,
    /// It is not called before.
    pub rests_until: Option<Instant>,
}

impl PluginHealth {
    pub fn new(callee: Callee, now: Instant) -> Self {
        let (verb, code, last) = (String::new(), String::new(), String::new());
        Self { callee, faults: 0, failing: BTreeMap::new(), verb, code, last, since: now, rests_until: None }
    }

    /// Until when it is not called; none where it may be called now. A clock that was set back ends a rest that would be longer
    /// than any.
    pub fn rest(&self, now: Instant) -> Option<Instant> {
        self.rests_until.filter(|until| now < *until && until.since(now) <= LONGEST_REST)
    }

    /// One more fault. Those that come while it rests, of calls that were on their way, count once.
    pub fn failed(&mut self, verb: &str, code: &str, text: &str, now: Instant) {
        if self.rest(now).is_some() {
            return;
        }
        self.faults = self.faults.saturating_add(1);
        let of_verb = self.failing.entry(verb.to_owned()).or_default();
        *of_verb = of_verb.saturating_add(1);
        self.verb = verb.to_owned();
        self.code = code.to_owned();
        self.last = text.to_owned();
        if let Some(rounds) = self.faults.checked_sub(PATIENCE) {
            let rest = FIRST_REST.saturating_mul(1 << rounds.min(16)).min(LONGEST_REST);
            self.rests_until = Some(now.plus(rest));
        }
    }

    /// A call of a verb was good; tells whether that changes anything. What can still say what it offers, and fails each time it is
    /// to do it, is not well: so only the faults of that verb are forgotten.
    pub fn succeeded(&mut self, verb: &str) -> bool {
        let of_verb = match self.failing.remove(verb) {
            Some(faults) => faults,
            None if self.failing.is_empty() => self.faults,
            None => return false,
        };
        self.faults = self.faults.saturating_sub(of_verb);
        if self.faults < PATIENCE {
            self.rests_until = None;
        }
        true
    }

    pub fn is_well(&self) -> bool {
        self.failing.is_empty()
    }

    pub fn is_quarantined(&self) -> bool {
        self.rests_until.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health() -> PluginHealth {
        let callee = Callee { plugin: "p".parse().unwrap(), digest: Digest("d".into()), configuration: None };
        PluginHealth::new(callee, Instant(0))
    }

    #[test]
    fn it_rests_longer_each_time_and_is_tried_in_between() {
        let mut health = health();
        let mut now = Instant(0);
        for _ in 0..PATIENCE - 1 {
            health.failed("pull", "plugin-trap", "it crashed", now);
            assert_eq!(health.rest(now), None);
        }
        for seconds in [60, 120, 240, 480, 960, 1920, 3600, 3600] {
            health.failed("pull", "plugin-trap", "it crashed", now);
            let until = now.plus(Duration::from_secs(seconds));
            assert_eq!(health.rest(now), Some(until));
            // A call that had begun before ends badly too: that is the same trouble.
            health.failed("pull", "plugin-trap", "it crashed", now);
            assert_eq!(health.rest(now), Some(until));
            now = until;
            assert_eq!(health.rest(now), None, "it is tried again");
        }
        health.failed("pull", "plugin-trap", "it crashed", now.plus(Duration::from_secs(86_400)));
        assert_eq!(health.rest(now), None, "the clock was a day ahead");
    }

    #[test]
    fn a_verb_that_is_good_makes_no_other_one_good() {
        let (mut health, now) = (health(), Instant(0));
        // `pull` never works; that `check` fails now and then, and works again, hides nothing.
        for (verb, fails) in [("pull", true), ("check", true), ("check", false), ("fields", false), ("pull", true)] {
            match fails {
                true => health.failed(verb, "plugin-trap", "it crashed", now),
                false => assert_eq!(health.succeeded(verb), verb == "check"),
            }
            assert_eq!((health.rest(now), health.is_well()), (None, false));
        }
        health.failed("pull", "plugin-trap", "it crashed", now);
        assert!(health.rest(now).is_some() && health.faults == PATIENCE);
        assert!(health.succeeded("pull") && health.is_well() && !health.is_quarantined());
    }
}
