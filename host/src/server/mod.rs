//! What a long-running host does by itself and answers to, over the application: schedules, outcomes that are
//! due, audiences and their events, an API over HTTP, and the webhooks of CRMs.

mod api;
pub mod documents;
mod hooks;
mod listener;
mod metrics;
mod outbox;
mod pauses;
mod postings;
mod retention;
mod runs;
mod schedules;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

use api::Api;
pub use api::description;
use hooks::Hooks;
use listener::Listener;
use runs::Runs;

use crate::app::App;
use crate::app::retention::Retention;

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Where the API is served, over plain HTTP; nowhere without it. Port 0 takes any that is free.
    pub listen: Option<SocketAddr>,
    /// Where metrics are served, for whoever runs the host; nowhere without it.
    pub metrics: Option<SocketAddr>,
    /// The address that CRMs reach it by, where that is another one, as behind a proxy.
    pub public_url: Option<Url>,
    pub retention: Retention,
}

/// A running server; it ends by [`Server::finish`].
pub struct Server {
    address: Option<SocketAddr>,
    metrics: Option<SocketAddr>,
    tasks: Vec<JoinHandle<()>>,
    runs: Runs,
    end: watch::Sender<bool>,
}

impl Server {
    /// Begins everything; needs the runtime.
    ///
    /// # Errors
    /// Where the address can't be had.
    pub async fn start(app: Arc<App>, options: &ServerOptions) -> io::Result<Self> {
        let (runs, end) = (Runs::default(), watch::Sender::new(false));
        let bind = async |address: Option<SocketAddr>| match address {
            Some(address) => Listener::bind(address).await.map(Some),
            None => Ok(None),
        };
        let (listener, scraped) = (bind(options.listen).await?, bind(options.metrics).await?);
        let metrics = scraped.as_ref().map(|listener| listener.address);
        let address = listener.as_ref().map(|listener| listener.address);
        let mut tasks = vec![
            tokio::spawn(schedules::keep_schedules(Arc::clone(&app), runs.clone())),
            tokio::spawn(outbox::send_outcomes(Arc::clone(&app), runs.clone())),
            tokio::spawn(postings::post_events(Arc::clone(&app))),
            tokio::spawn(retention::expire(Arc::clone(&app), options.retention)),
        ];
        let requests = api::places_of_requests();
        if let Some(listener) = scraped {
            if let Err(error) = app.recall_faults() {
                tracing::warn!(%error, "what is quarantined is counted from when it is next called");
            }
            let router = metrics::router(metrics::Watched {
                app: Arc::clone(&app),
                runs: runs.clone(),
                requests: Arc::clone(&requests),
            });
            tasks.push(tokio::spawn(listener.serve(router, end.subscribe())));
        }
        if let Some(listener) = listener {
            let public_url = options.public_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
            let hooks = Hooks::new(public_url);
            tasks.push(tokio::spawn(hooks::follow_hints(Arc::clone(&app), runs.clone(), hooks.clone())));
            let router = api::router(Api { app, runs: runs.clone(), hooks, requests });
            tasks.push(tokio::spawn(listener.serve(router, end.subscribe())));
        }
        Ok(Self { address, metrics, tasks, runs, end })
    }

    /// Where the API is served.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Where metrics are served.
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// Takes nothing new, and returns when what was begun has ended, after [`App::stop_runs`]; callers that do not end
    /// are left after `patience`.
    pub async fn finish(self, patience: Duration) {
        self.end.send_replace(true);
        for task in self.tasks {
            match tokio::time::timeout(patience, task).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "a part of the server has ended by itself"),
                Err(_) => tracing::warn!("a caller of the API was left waiting"),
            }
        }
        self.runs.finish().await;
    }
}
