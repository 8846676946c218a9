//! What the sandbox costs, in one process and one run: an instance against a page of a hundred rows, and the field mapper
//! in the sandbox against the same code compiled natively. Prints one line of JSON.
//!
//! `sandbox COMPONENTS_DIR` takes the packed `hubspot.wasm`, `hostile.wasm` (which behaves in its mode `ok`) and
//! `field-mapper.wasm`.
#![allow(clippy::print_stdout, reason = "a program for the bench, not a test")]

#[path = "shared/contacts.rs"]
mod contacts;
mod shared;

use std::path::Path;
use std::time::Instant as Stopwatch;

use anyhow::{Context, Result, ensure};
use contacts::{COLUMNS, ROWS, request};
use ferry::model::connector::Connector;
use ferry::model::mapping::{Column, Direction, Kind, Mapped, Mapper};
use ferry::model::value::Value;
use ferry::plugin::{LoadedPlugin, Options, Plugins};
use ferry_field_mapper::Plan;
use ferry_sdk::mapper as sdk;
use ferry_tests::sim;
use ferry_tests::sim::hubspot::HubSpot;
use shared::{Answers, connector, load, median};

const ROUNDS: usize = 300;

/// Of the mapper: its first rounds meet cold memory on both sides, and weigh more in the sandbox.
const MAPPER_ROUNDS: usize = 3_000;

const MAPPING: &str = include_str!("../../xtask/demo/contacts.toml");

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let components = arguments.next().context("usage: sandbox COMPONENTS_DIR")?;
    let cache = tempfile::TempDir::new()?;
    let plugins = Plugins::new(Options { cache_dir: cache.path().to_owned(), cache_key: None, compiler: None });
    let packed = |name: &str| Path::new(&components).join(format!("{name}.wasm"));
    let hubspot = load(&plugins, &packed("hubspot")).await?;
    let hostile = load(&plugins, &packed("hostile")).await?;
    let (call_us, page_us) = instances(&hostile, &hubspot).await?;
    let (sandboxed_us, native_us) = mapper(&load(&plugins, &packed("field-mapper")).await?).await?;
    let answer = serde_json::json!({
        "empty_call_us": call_us, "page_us": page_us, "mapper_sandbox_us": sandboxed_us, "mapper_native_us": native_us,
    });
    println!("{answer}");
    Ok(())
}

/// A simulated HubSpot.
fn crm() -> Result<Answers> {
    let crm = HubSpot::start(sim::hubspot::Options { contacts: 1_000, ..sim::hubspot::Options::default() })?;
    Ok(Box::new(move |request| crm.ask(request)))
}

/// A call that does nothing, and one that gives a page of a hundred contacts with twelve properties.
async fn instances(hostile: &LoadedPlugin, hubspot: &LoadedPlugin) -> Result<(f64, f64)> {
    let (mut calls, mut pages) = (Vec::new(), Vec::new());
    let idle = connector(hostile, r#"{"mode":"ok"}"#, crm()?)?;
    let hubspot = connector(hubspot, "{}", crm()?)?;
    let second = hubspot.pull(request(None)).await?.next;
    for _ in 0..ROUNDS {
        let begun = Stopwatch::now();
        idle.check().await?;
        calls.push(begun.elapsed().as_secs_f64() * 1e6);
        let begun = Stopwatch::now();
        let page = hubspot.pull(request(second.clone())).await?;
        pages.push(begun.elapsed().as_secs_f64() * 1e6);
        ensure!(page.rows.len() == ROWS, "a page of {} rows", page.rows.len());
    }
    Ok((median(calls), median(pages)))
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

/// The mapper in the sandbox and the same code compiled natively, by turns: what else the machine does meets both.
async fn mapper(plugin: &LoadedPlugin) -> Result<(f64, f64)> {
    let columns = COLUMNS.map(|name| Column { name: name.into(), kind: Kind::Text });
    let mut mapping = plugin.mapper()?.open(&mapping_text(), Direction::Inbound, &columns).await?;
    let columns = COLUMNS.map(|name| sdk::Column { name: name.into(), kind: sdk::Kind::Text });
    let plan = Plan::open(&mapping_text(), sdk::Direction::Inbound, &columns)
        .map_err(|mistakes| anyhow::anyhow!("the mapping has mistakes: {mistakes:?}"))?;
    let value = |text: String| if text.is_empty() { Value::Null } else { Value::Text(text) };
    let sdk_value = |text: String| if text.is_empty() { sdk::Value::Null } else { sdk::Value::Text(text) };
    let (mut sandboxed, mut native) = (Vec::new(), Vec::new());
    for _ in 0..MAPPER_ROUNDS {
        let rows: Vec<Vec<Value>> = (0..ROWS).map(|number| row(number).map(value).to_vec()).collect();
        let begun = Stopwatch::now();
        let mapped = mapping.rows(rows).await?;
        sandboxed.push(begun.elapsed().as_secs_f64() * 1e6);
        ensure!(mapped.iter().all(|row| matches!(row, Mapped::Values(_))), "a row was refused: {:?}", mapped[0]);
        let rows: Vec<Vec<sdk::Value>> = (0..ROWS).map(|number| row(number).map(sdk_value).to_vec()).collect();
        let begun = Stopwatch::now();
        let mapped = plan.rows(rows);
        native.push(begun.elapsed().as_secs_f64() * 1e6);
        ensure!(mapped.len() == ROWS, "rows were lost");
    }
    Ok((median(sandboxed), median(native)))
}

/// The demonstration's mapping, but for the column that these rows lack.
fn mapping_text() -> String {
    MAPPING.replace("[fields.vip]\nfrom = \"vip\"\n", "")
}
