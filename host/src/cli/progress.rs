//! A bar for whoever watches a run on a terminal; nothing for anyone else.

use std::time::Duration;

use ferry::model::sync::Counts;
use ferry::sync::Observer;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::Output;

/// How often the spinner turns where the CRM does not say how many rows there are.
const TURN: Duration = Duration::from_millis(120);

pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    pub(super) fn new(output: Output) -> Self {
        if !output.watched() {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} rows {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TURN);
        Self(Some(bar))
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

impl Observer for Progress {
    fn page(&self, counts: &Counts, total: Option<u64>) {
        let Some(bar) = &self.0 else { return };
        if let Some(total) = total.filter(|total| *total > 0 && bar.length() != Some(*total)) {
            bar.set_length(total.max(counts.rows));
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} rows, {per_sec}, {eta} left {msg}") {
                bar.set_style(style);
            }
        }
        bar.set_position(counts.rows);
        bar.set_message(told(counts));
    }
}

/// What a run did, in words; what did not happen is left out.
pub(super) fn told(counts: &Counts) -> String {
    let parts = [
        (counts.created, "created"),
        (counts.changed, "changed"),
        (counts.unchanged, "unchanged"),
        (counts.skipped, "skipped"),
        (counts.refused, "refused"),
        (counts.gone, "gone"),
        (counts.delivered, "delivered"),
        (counts.retried, "to be retried"),
        (counts.dead, "dead"),
    ];
    let words: Vec<String> =
        parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if words.is_empty() { "nothing to do".to_owned() } else { words.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_happened_is_told() {
        let counts = Counts { rows: 5, created: 3, refused: 2, ..Counts::default() };
        assert_eq!(told(&counts), "3 created, 2 refused");
        assert_eq!(told(&Counts::default()), "nothing to do");
    }
}
