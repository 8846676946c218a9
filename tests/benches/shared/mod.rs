//! What the benches of plugins have in common: a CRM without a network, and plugins as the host loads them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use async_trait::async_trait;
use ferry::model::connector::Connector;
use ferry::model::grant::Grant;
use ferry::model::http::{HttpError, Outbound, Request, Response};
use ferry::model::time::{Clock, Instant, SystemClock};
use ferry::plugin::{ConnectorContext, LoadedPlugin, Plugins, package};
use ferry_tests::sim::server::{Reply, Request as Asked};

/// What a simulated CRM answers.
pub(crate) type Answers = Box<dyn Fn(Asked) -> Reply + Send + Sync>;

/// A CRM without a network: its answers are asked for once and kept, so that a page costs what the connector makes of it and
/// nothing else.
struct InMemory {
    answers: Answers,
    known: Mutex<HashMap<String, Response>>,
}

#[async_trait]
impl Outbound for InMemory {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&request.query).finish();
        let target = format!("{}?{query}", request.target);
        let body = request.body.unwrap_or_default();
        let name = format!("{target} {}", String::from_utf8_lossy(&body));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = known.entry(name).or_insert_with(|| {
            let reply = (self.answers)(Asked::new(request.method.as_str(), &target, body));
            Response { status: reply.status, headers: Vec::new(), body: reply.body }
        });
        Ok(answer.clone())
    }

    async fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response, HttpError>> {
        let mut answers = Vec::new();
        for request in requests {
            answers.push(self.send(request).await);
        }
        answers
    }

    fn verify_hmac_sha256(&self, _: &[u8], _: &[u8]) -> bool {
        false
    }
}

/// A packed plugin with all that its manifest asks for.
pub(crate) async fn load(plugins: &Plugins, path: &Path) -> Result<LoadedPlugin> {
    let bytes = std::fs::read(path).with_context(|| format!("no {}", path.display()))?;
    let package = package::read(bytes.clone())?;
    let grant = Grant::as_asked(&package.manifest, package.digest, Vec::new(), Instant(0));
    Ok(plugins.load(bytes, &grant).await?)
}

/// A connector whose CRM gives these answers.
pub(crate) fn connector(plugin: &LoadedPlugin, settings: &str, answers: Answers) -> Result<impl Connector + use<>> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Ok(plugin.connector(ConnectorContext {
        connection: "bench".parse()?,
        settings: settings.to_owned(),
        clock,
        outbound: Arc::new(InMemory { answers, known: Mutex::default() }),
        gate: None,
        watch: None,
    })?)
}

/// The median of many rounds, in microseconds.
pub(crate) fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}
