//! The demonstration: a simulated HubSpot, and every command that carries its contacts in and outcomes back.

mod stage;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;

use crate::cargo::Profile;
use crate::components;
use crate::simulator::{self, Simulator};
use stage::Stage;

#[derive(Args)]
pub(crate) struct Options {
    /// Keep the state directory, to look around in it afterwards.
    #[arg(long)]
    keep: bool,
    /// How many contacts the simulated CRM has.
    #[arg(long, default_value_t = 2_000)]
    contacts: u64,
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

/// How many records change between the two runs.
const CHANGED: usize = 5;

pub(crate) fn run(options: &Options) -> Result<()> {
    let packed = components::build(Profile::Dev)?;
    let (contacts, seed) = (options.contacts, options.seed);
    let account =
        simulator::Options { crm: "hubspot", profile: Profile::Dev, contacts, seed, latency_ms: 0, limits: true };
    let simulator = Simulator::start(&account)?;
    let stage = Stage::set(packed, options.keep)?;
    install(&stage, &simulator)?;
    create_sync(&stage)?;
    bring_contacts_in(&stage, &simulator, options.contacts)?;
    send_outcomes_back(&stage, &simulator)?;
    stage.close();
    Ok(())
}

fn install(stage: &Stage, simulator: &Simulator) -> Result<()> {
    stage.title("Two plugins are installed: the connector may reach the simulator, the mapper nothing at all");
    let (hubspot, mapper) = (stage.packed("hubspot"), stage.packed("field-mapper"));
    stage.ferry(&["plugin", "install", &hubspot, "--allow-loopback", &simulator.base_url, "--yes"])?;
    stage.ferry(&["plugin", "install", &mapper, "--yes"])?;
    stage.ferry(&["plugin", "list"])?;

    stage.title("A HubSpot account is connected by OAuth; the demo plays the browser");
    stage.sign_in(simulator, &["connection", "add", "hubspot", "--plugin", "hubspot"])?;
    stage.ferry(&["objects", "hubspot"])?;
    stage.ferry(&["fields", "hubspot", "contacts"])
}

fn create_sync(stage: &Stage) -> Result<()> {
    stage.title("A sync brings contacts in and sends calls and appointments back");
    let call = format!("call=calls:{}", stage.mapping("call.toml"));
    let appointment = format!("appointment=meetings:{}", stage.mapping("appointment.toml"));
    stage.ferry(&[
        "sync",
        "create",
        "people",
        "--connection",
        "hubspot",
        "--object",
        "contacts",
        "--filter",
        "lifecyclestage present",
        "--mapping",
        &stage.mapping("contacts.toml"),
        "--outbound",
        &call,
        "--outbound",
        &appointment,
    ])?;
    stage.title("A test sync writes nothing and shows what would happen");
    stage.ferry(&["sync", "test", "people", "--sample", "8"])
}

fn bring_contacts_in(stage: &Stage, simulator: &Simulator, contacts: u64) -> Result<()> {
    stage.title("The first run brings everything");
    stage.ferry(&["sync", "run", "people"])?;
    let created = stage.last_run("people")?["counts"]["created"].as_u64().unwrap_or(0);
    ensure!(created * 10 > contacts * 8, "only {created} of {contacts} contacts arrived");
    stage.ferry(&["contacts", "list", "--limit", "8"])?;
    stage.ferry(&["contacts", "list", "--sync", "people", "--refused", "--limit", "8"])?;

    stage.title("Somebody edits some records in the CRM; the second run moves only those");
    for record in stage.records(CHANGED)? {
        simulator.edit(&record, &serde_json::json!({ "city": "Helgoland" }))?;
        println!("  (record {record} in the CRM: city = Helgoland)");
    }
    stage.ferry(&["sync", "run", "people"])?;
    let changed = stage.last_run("people")?["counts"]["changed"].as_u64().unwrap_or(0);
    ensure!(changed == CHANGED as u64, "{changed} contacts changed, not {CHANGED}");
    Ok(())
}

fn send_outcomes_back(stage: &Stage, simulator: &Simulator) -> Result<()> {
    stage.title("Three calls and an appointment are recorded, and pushed");
    let contacts = stage.contacts(3)?;
    for (number, (contact, disposition)) in contacts.iter().zip(["connected", "voicemail", "no-answer"]).enumerate() {
        let id = format!("call-{number}");
        let disposition = format!("disposition={disposition}");
        let duration = format!("duration_s={}", number * 41);
        let summary = "summary=Asked about delivery & prices";
        let words = ["outcome", "record", "call", "--contact", contact, "--id", &id, &disposition, &duration, summary];
        stage.ferry(&words)?;
    }
    let first = contacts.first().context("there is no contact")?;
    let (starts, ends) = ("starts_at=2026-12-01T09:00:00Z", "ends_at=2026-12-01T09:30:00Z");
    let words =
        ["outcome", "record", "appointment", "--contact", first, "--id", "appointment-0", "title=Demo", starts, ends];
    stage.ferry(&words)?;
    stage.ferry(&["outbox", "list"])?;
    stage.ferry(&["sync", "run", "people", "--outbound-only"])?;
    stage.ferry(&["sync", "status", "people"])?;

    stage.title("What the CRM has now");
    for (object, expected) in [("calls", 3), ("meetings", 1)] {
        let records = simulator.records(object)?;
        for record in &records {
            println!("  {object}: {}", shown(record));
        }
        ensure!(records.len() == expected, "the CRM has {} {object}, not {expected}", records.len());
    }
    Ok(())
}

/// A record's own properties in one line.
fn shown(record: &Value) -> String {
    let Some(properties) = record["properties"].as_object() else { return record.to_string() };
    let kept = [
        "hs_call_title",
        "hs_call_body",
        "hs_call_duration",
        "hs_call_disposition",
        "hs_meeting_title",
        "hs_timestamp",
    ];
    let pairs = kept.iter().filter_map(|name| Some(format!("{name}={}", properties.get(*name)?.as_str()?)));
    pairs.collect::<Vec<_>>().join("  ")
}
