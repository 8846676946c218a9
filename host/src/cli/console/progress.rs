//! A bar for whoever watches a run on a terminal.

use std::time::Duration;

use ferry::model::sync::Counts;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::output::told;

/// How often the spinner turns where the CRM does not say how many rows there are.
const TURN: Duration = Duration::from_millis(120);

pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn begin() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} rows: {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TURN);
        Self(bar)
    }

    pub(super) fn page(&self, counts: &Counts, total: Option<u64>) {
        let bar = &self.0;
        if let Some(total) = total.filter(|total| *total > 0 && bar.length() != Some(*total)) {
            bar.set_length(total.max(counts.rows));
            if let Ok(style) = ProgressStyle::with_template("{bar:20} {pos} of {len} rows, {eta} left: {wide_msg}") {
                bar.set_style(style);
            }
        }
        bar.set_position(counts.rows);
        bar.set_message(told(counts));
    }

    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}
