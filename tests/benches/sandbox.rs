//! What the sandbox costs, in one process and one run: an instance against a page of a hundred rows, and the field mapper
//! in the sandbox against the same code compiled natively. Prints one line of JSON.
//!
//! `sandbox COMPONENTS_DIR` takes the packed `hubspot.wasm`, `hostile.wasm` (which behaves in its mode `ok`) and
//! `field-mapper.wasm`.
#![allow(clippy::print_stdout, reason = "a program for the bench, not a test")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant as Stopwatch;

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use ferry::model::connector::{Connector, PullRequest, Slice};
use ferry::model::grant::Grant;
use ferry::model::http::{HttpError, Outbound, Request, Response};
use ferry::model::mapping::{Column, Direction, Kind, Mapped, Mapper};
use ferry::model::time::{Clock, Instant, SystemClock};
use ferry::model::value::Value;
use ferry::plugin::{ConnectorContext, LoadedPlugin, Options, Plugins, package};
use ferry_field_mapper::Plan;
use ferry_sdk::mapper as sdk;
use ferry_tests::sim;
use ferry_tests::sim::hubspot::HubSpot;

const ROWS: usize = 100;
const ROUNDS: usize = 300;

const MAPPING: &str = include_str!("../../xtask/demo/contacts.toml");

/// Twelve fields, as a page of contacts has them.
const COLUMNS: [&str; 12] = [
    "firstname",
    "lastname",
    "email",
    "mobilephone",
    "phone",
    "country",
    "lead_source",
    "lifecyclestage",
    "company",
    "city",
    "jobtitle",
    "lead_score",
];

/// A CRM without a network: what a simulated HubSpot answers, asked once and kept, so that a page costs what the connector
/// makes of it and nothing else.
struct InMemory {
    crm: HubSpot,
    known: Mutex<HashMap<String, Response>>,
}

#[async_trait]
impl Outbound for InMemory {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let query = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
        let target = format!("{}?{query}", request.target);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = known.entry(target.clone()).or_insert_with(|| {
            let request = sim::server::Request::new(request.method.as_str(), &target, request.body.unwrap_or_default());
            let reply = self.crm.ask(request);
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

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let components = arguments.next().context("usage: sandbox COMPONENTS_DIR")?;
    let cache = tempfile::TempDir::new()?;
    let plugins = Plugins::new(Options { cache_dir: cache.path().to_owned(), cache_key: None, compiler: None });
    let hubspot = load(&plugins, Path::new(&components), "hubspot").await?;
    let hostile = load(&plugins, Path::new(&components), "hostile").await?;
    let (call_us, page_us) = instances(&hostile, &hubspot).await?;
    let mapper = load(&plugins, Path::new(&components), "field-mapper").await?;
    let sandboxed_us = sandboxed(&mapper).await?;
    let native_us = native()?;
    let answer = serde_json::json!({
        "empty_call_us": call_us, "page_us": page_us, "mapper_sandbox_us": sandboxed_us, "mapper_native_us": native_us,
    });
    println!("{answer}");
    Ok(())
}

async fn load(plugins: &Plugins, folder: &Path, name: &str) -> Result<LoadedPlugin> {
    let bytes = std::fs::read(folder.join(format!("{name}.wasm"))).with_context(|| format!("no {name}.wasm"))?;
    let package = package::read(bytes.clone())?;
    let grant = Grant::as_asked(&package.manifest, package.digest, Vec::new(), Instant(0));
    Ok(plugins.load(bytes, &grant).await?)
}

/// The median of many rounds, in microseconds.
fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

fn connector(plugin: &LoadedPlugin, settings: &str) -> Result<impl Connector> {
    let crm = HubSpot::start(sim::hubspot::Options { contacts: 1_000, ..sim::hubspot::Options::default() })?;
    let outbound = Arc::new(InMemory { crm, known: Mutex::default() });
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Ok(plugin.connector(ConnectorContext {
        connection: "bench".parse()?,
        settings: settings.to_owned(),
        clock,
        outbound,
        watch: None,
    })?)
}

/// A call that does nothing, and one that gives a page of a hundred contacts with twelve properties.
async fn instances(hostile: &LoadedPlugin, hubspot: &LoadedPlugin) -> Result<(f64, f64)> {
    let (mut calls, mut pages) = (Vec::new(), Vec::new());
    let (idle, hubspot) = (connector(hostile, r#"{"mode":"ok"}"#)?, connector(hubspot, "{}")?);
    let second = hubspot.pull(request(Slice::All, None)).await?.next;
    for _ in 0..ROUNDS {
        let begun = Stopwatch::now();
        idle.check().await?;
        calls.push(begun.elapsed().as_secs_f64() * 1e6);
        let begun = Stopwatch::now();
        let page = hubspot.pull(request(Slice::All, second.clone())).await?;
        pages.push(begun.elapsed().as_secs_f64() * 1e6);
        ensure!(page.rows.len() == ROWS, "a page of {} rows", page.rows.len());
    }
    Ok((median(calls), median(pages)))
}

fn request(slice: Slice, token: Option<String>) -> PullRequest {
    let columns = COLUMNS.map(str::to_owned).to_vec();
    PullRequest { object: "contacts".into(), columns, filter: Vec::new(), segment: None, slice, token, limit: 500 }
}

/// The texts of a row, empty for null.
fn row(number: usize) -> [String; 12] {
    [
        format!(" First{number} "),
        format!("Last {number}"),
        format!("Person{number}@Example.com"),
        String::new(),
        format!("030 {:07}", 1_000_000 + number),
        "Germany".into(),
        "trade_show".into(),
        "customer".into(),
        format!("Company {}", number % 50),
        "Berlin".into(),
        String::new(),
        "42".into(),
    ]
}

async fn sandboxed(plugin: &LoadedPlugin) -> Result<f64> {
    let columns = COLUMNS.map(|name| Column { name: name.into(), kind: Kind::Text });
    let text = mapping();
    let mut mapping = plugin.mapper()?.open(&text, Direction::Inbound, &columns).await?;
    let text = |text: String| if text.is_empty() { Value::Null } else { Value::Text(text) };
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let rows: Vec<Vec<Value>> = (0..ROWS).map(|number| row(number).map(text).to_vec()).collect();
        let begun = Stopwatch::now();
        let mapped = mapping.rows(rows).await?;
        rounds.push(begun.elapsed().as_secs_f64() * 1e6);
        ensure!(mapped.iter().all(|row| matches!(row, Mapped::Values(_))), "a row was refused: {:?}", mapped[0]);
    }
    Ok(median(rounds))
}

fn native() -> Result<f64> {
    let columns = COLUMNS.map(|name| sdk::Column { name: name.into(), kind: sdk::Kind::Text });
    let plan = Plan::open(&mapping(), sdk::Direction::Inbound, &columns)
        .map_err(|mistakes| anyhow::anyhow!("the mapping has mistakes: {mistakes:?}"))?;
    let text = |text: String| if text.is_empty() { sdk::Value::Null } else { sdk::Value::Text(text) };
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let rows: Vec<Vec<sdk::Value>> = (0..ROWS).map(|number| row(number).map(text).to_vec()).collect();
        let begun = Stopwatch::now();
        let mapped = plan.rows(rows);
        rounds.push(begun.elapsed().as_secs_f64() * 1e6);
        ensure!(mapped.len() == ROWS, "rows were lost");
    }
    Ok(median(rounds))
}

/// The demonstration's mapping, but for the column that these rows lack.
fn mapping() -> String {
    MAPPING.replace("[fields.vip]\nfrom = \"vip\"\n", "")
}
