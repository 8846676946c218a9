//! What a governor has learned, to be known after a restart.

use super::Governor;
use crate::model::allowance::LearnedAllowance;

impl Governor {
    /// Counts what was learned: where it is as before, there is nothing new to keep.
    pub fn lessons(&self) -> u64 {
        self.lock().lessons
    }

    /// What was learned of the account that is named so.
    pub fn learned(&self, account: &str) -> LearnedAllowance {
        let (now, mut state) = self.look();
        let mut learned = LearnedAllowance {
            account: account.to_owned(),
            rates: state.windows.iter_mut().map(|window| window.learned(now)).collect(),
            daily: None,
            told: false,
            looks: Vec::new(),
            pauses: state
                .pauses
                .iter()
                .filter(|(_, until)| **until > now)
                .map(|(name, at)| (name.clone(), *at))
                .collect(),
            at: now,
        };
        state.daily.keep(&mut learned);
        learned
    }

    /// Takes over what an earlier process has learned.
    pub(in crate::egress) fn restore(&self, learned: &LearnedAllowance) {
        let (now, mut state) = self.look();
        // What lies ahead was noted by a clock that was wrong.
        if learned.at > now {
            return;
        }
        for rate in &learned.rates {
            state.windows.iter_mut().for_each(|window| window.restore(rate, learned.at));
        }
        state.pauses = learned.pauses.clone();
        state.daily.restore(learned, now);
    }
}
