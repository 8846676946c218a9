//! `/metrics` in Prometheus' text form, on an address of its own: it is for whoever runs the host, and no token of a workspace opens
//! it.

use std::fmt::Write;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;

use super::runs::Runs;
use crate::app::App;
use crate::app::metrics::Metrics;
use crate::model::share::Shares;

const FORM: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is counted.
#[derive(Clone)]
pub(super) struct Watched {
    pub(super) app: Arc<App>,
    pub(super) runs: Runs,
    pub(super) requests: Arc<Shares>,
}

pub(super) fn router(watched: Watched) -> Router {
    Router::new().route("/metrics", get(tell)).with_state(watched)
}

async fn tell(State(Watched { app, runs, requests }): State<Watched>) -> impl IntoResponse {
    ([(CONTENT_TYPE, FORM)], text(&app.metrics(), runs.taken().0, requests.taken().0))
}

fn text(metrics: &Metrics, runs: usize, requests: usize) -> String {
    let mut page = Page(String::new());
    page.metric("ferry_plugin_calls_total", "counter", "Calls of plugins that have ended, well or not.");
    page.value("ferry_plugin_calls_total", "", metrics.calls);
    let faults = "Calls of plugins that ended by a fault, as by the breach of a limit.";
    page.by_code("ferry_plugin_faults_total", faults, &metrics.faults);
    let excesses = "Calls of plugins that went on beyond a limit, and had the excess dropped.";
    page.by_code("ferry_plugin_excesses_total", excesses, &metrics.excesses);
    page.metric(
        "ferry_plugins_quarantined",
        "gauge",
        "Versions of plugins that are not called for a while after faults.",
    );
    page.value("ferry_plugins_quarantined", "", metrics.quarantined);
    let [calls, mappings] = metrics.places.unwrap_or_default();
    page.metric("ferry_places_taken", "gauge", "Places that are taken, of those that workspaces share.");
    for (of, taken) in [("calls", calls.0), ("mappings", mappings.0), ("runs", runs), ("requests", requests)] {
        page.value("ferry_places_taken", &format!("{{of=\"{of}\"}}"), taken as u64);
    }
    page.0
}

struct Page(String);

impl Page {
    fn metric(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a text can't fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// A counter for each code.
    fn by_code(&mut self, name: &str, help: &str, counts: &[(&'static str, u64)]) {
        self.metric(name, "counter", help);
        for (code, count) in counts {
            self.value(name, &format!("{{code=\"{code}\"}}"), *count);
        }
    }

    fn value(&mut self, name: &str, labels: &str, value: u64) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_the_form_that_scrapers_read() {
        let faults = vec![("plugin-trap", 0), ("plugin-memory", 2)];
        let (excesses, places) = (vec![("plugin-log-lines", 5)], Some([(3, 64), (1, 64)]));
        let metrics = Metrics { calls: 7, faults, excesses, quarantined: 1, places };
        let told = text(&metrics, 2, 4);
        let values: Vec<&str> = told.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            values,
            [
                "ferry_plugin_calls_total 7",
                "ferry_plugin_faults_total{code=\"plugin-trap\"} 0",
                "ferry_plugin_faults_total{code=\"plugin-memory\"} 2",
                "ferry_plugin_excesses_total{code=\"plugin-log-lines\"} 5",
                "ferry_plugins_quarantined 1",
                "ferry_places_taken{of=\"calls\"} 3",
                "ferry_places_taken{of=\"mappings\"} 1",
                "ferry_places_taken{of=\"runs\"} 2",
                "ferry_places_taken{of=\"requests\"} 4",
            ],
        );
        assert!(told.starts_with("# HELP ferry_plugin_calls_total ") && told.ends_with('\n'));
    }
}
