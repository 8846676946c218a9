//! What a page of a hundred contacts costs in the sandbox, by connector, without a network: the simulated CRM's answers are asked
//! for once and kept. And what a call and a row cost in components of other languages. Prints one line of JSON.
//!
//! `connectors COMPONENTS_DIR [NAME=PACKED.wasm ..]` takes the packed connectors, and packed examples of the SDKs by a name each.
#![allow(clippy::print_stdout, reason = "a program for the bench, not a test")]

mod shared;

use std::path::Path;
use std::time::Instant as Stopwatch;

use anyhow::{Context, Result, ensure};
use ferry::model::connector::{Connector, PullRequest, Slice};
use ferry::model::manifest::PluginKind;
use ferry::model::mapping::{Column, Direction, Kind, Mapped, Mapper};
use ferry::model::value::Value;
use ferry::plugin::{LoadedPlugin, Options, Plugins};
use ferry_tests::sim::server::{Reply, Request as Asked};
use ferry_tests::sim::{hubspot, odoo, pipedrive, salesforce};
use serde_json::{Value as Json, json};
use shared::{Answers, connector, load, median};

const ROWS: u32 = 100;
const ROUNDS: usize = 200;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let components = arguments.next().context("usage: connectors COMPONENTS_DIR [NAME=PACKED.wasm ..]")?;
    let cache = tempfile::TempDir::new()?;
    let plugins = Plugins::new(Options { cache_dir: cache.path().to_owned(), cache_key: None, compiler: None });
    let mut figures = serde_json::Map::new();
    for (name, object, columns) in CRMS {
        let plugin = load(&plugins, &Path::new(&components).join(format!("{name}.wasm"))).await?;
        let page_us =
            page(&connector(&plugin, "{}", crm(name)?)?, object, columns).await.with_context(|| name.to_owned())?;
        figures.insert(name.to_owned(), json!({"row_us": page_us / f64::from(ROWS)}));
    }
    for guest in arguments {
        let (name, path) = guest.split_once('=').context("name a guest as NAME=PACKED.wasm")?;
        let plugin = load(&plugins, Path::new(path)).await?;
        let figure = match plugin.manifest().plugin.kind {
            PluginKind::Connector => phonebook(&connector(&plugin, "{}", Box::new(people))?).await?,
            PluginKind::Mapper => people_mapper(&plugin).await?,
        };
        figures.insert(name.to_owned(), figure);
    }
    println!("{}", Json::Object(figures));
    Ok(())
}

const CRMS: [(&str, &str, &[&str]); 4] = [
    ("hubspot", "contacts", &["firstname", "lastname", "email", "phone", "mobilephone", "company", "city", "jobtitle"]),
    (
        "salesforce",
        "Contact",
        &["FirstName", "LastName", "Email", "Phone", "MobilePhone", "Title", "MailingCity", "MailingCountry"],
    ),
    (
        "pipedrive",
        "persons",
        &["first_name", "last_name", "email", "phone", "job_title", "add_time", "org_id", "owner_id"],
    ),
    (
        "odoo",
        "res.partner",
        &["name", "email", "phone", "parent_id.name", "function", "city", "country_id.name", "create_date"],
    ),
];

fn crm(name: &str) -> Result<Answers> {
    let contacts = u64::from(ROWS) * 10;
    Ok(match name {
        "hubspot" => {
            let crm = hubspot::HubSpot::start(hubspot::Options { contacts, ..hubspot::Options::default() })?;
            Box::new(move |request| crm.ask(request))
        }
        "salesforce" => {
            let options = salesforce::Options { contacts, ..salesforce::Options::default() };
            let crm = salesforce::Salesforce::start(options)?;
            Box::new(move |request| crm.ask(request))
        }
        "pipedrive" => {
            let crm = pipedrive::Pipedrive::start(pipedrive::Options { contacts, ..pipedrive::Options::default() })?;
            Box::new(move |request| crm.ask(request))
        }
        _ => {
            let crm = odoo::Odoo::start(odoo::Options { contacts, ..odoo::Options::default() })?;
            Box::new(move |request| crm.ask(request))
        }
    })
}

/// A page of a hundred that is not the first: the first also asks how its columns are to be read.
async fn page(connector: &impl Connector, object: &str, columns: &[&str]) -> Result<f64> {
    let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    let request = |token| PullRequest {
        object: object.to_owned(),
        columns: columns.clone(),
        filter: Vec::new(),
        segment: None,
        slice: Slice::All,
        token,
        limit: ROWS,
    };
    let second = connector.pull(request(None)).await?.next;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Stopwatch::now();
        let page = connector.pull(request(second.clone())).await?;
        rounds.push(begun.elapsed().as_secs_f64() * 1e6);
        ensure!(page.rows.len() == ROWS as usize, "a page of {} rows", page.rows.len());
    }
    Ok(median(rounds))
}

/// Two pages of people, as the simulated Phonebook gives them.
fn people(request: Asked) -> Reply {
    let first = request.query("after").map_or(0, |_| ROWS);
    let person =
        |number: u32| json!({"id": number.to_string(), "name": format!("Zoë {number}"), "email": null, "phone": "+49"});
    let people: Vec<Json> = (first..first + ROWS).map(person).collect();
    Reply::json(200, &json!({"people": people, "next": (first + ROWS).to_string()}))
}

/// What a call costs that asks nobody, and what a row costs beyond.
async fn phonebook(connector: &impl Connector) -> Result<Json> {
    let mut calls = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Stopwatch::now();
        connector.objects().await?;
        calls.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    let start_us = median(calls);
    let page_us = page(connector, "people", &["name", "email", "phone"]).await?;
    Ok(json!({"start_us": start_us, "row_us": (page_us - start_us) / f64::from(ROWS)}))
}

/// What opening a mapping costs, and mapping a row.
async fn people_mapper(plugin: &LoadedPlugin) -> Result<Json> {
    let columns = ["name", "email"].map(|name| Column { name: name.into(), kind: Kind::Text });
    let mapper = plugin.mapper()?;
    let begun = Stopwatch::now();
    let mut mapping =
        mapper.open(r#"{"name": "name", "copy": {"email": "email"}}"#, Direction::Inbound, &columns).await?;
    let start_us = begun.elapsed().as_secs_f64() * 1e6;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let row = |number: u32| {
            vec![Value::Text(format!("Zoë {number} Müller")), Value::Text(format!("p{number}@example.com"))]
        };
        let begun = Stopwatch::now();
        let mapped = mapping.rows((0..ROWS).map(row).collect()).await?;
        rounds.push(begun.elapsed().as_secs_f64() * 1e6);
        ensure!(mapped.iter().all(|row| matches!(row, Mapped::Values(_))), "a row was refused: {:?}", mapped[0]);
    }
    Ok(json!({"start_us": start_us, "row_us": median(rounds) / f64::from(ROWS)}))
}
