//! What each connector costs, through its simulator: contacts per CPU second, the share of its sandbox in that, peak memory. And
//! what a call and a row cost in plugins of other languages.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use super::bench_program;
use super::crm::State;
use super::measure::{Taken, measure};
use super::table::Table;
use super::tryton::Tryton;
use crate::cargo::{self, Profile};
use crate::simulator::{Options, Simulator};

/// Enough for the start of the program to weigh little, few enough for all of them to take a minute.
const CONTACTS: u64 = 20_000;

/// No shipped connector has less of HubSpot's rate.
const LEAST: f64 = 0.5;

/// A CRM, its object of people, and how the bench signs in: what of the simulator's answer is the key.
struct Crm {
    plugin: &'static str,
    object: &'static str,
    sign_in: &'static [&'static str],
    key: &'static str,
}

const CRMS: [Crm; 4] = [
    Crm { plugin: "hubspot", object: "contacts", sign_in: &["bearer", "--token-file"], key: "service_key" },
    Crm {
        plugin: "salesforce",
        object: "Contact",
        sign_in: &["client-credentials", "--client-secret-file"],
        key: "client_secret",
    },
    Crm { plugin: "pipedrive", object: "persons", sign_in: &["header", "--token-file"], key: "api_token" },
    Crm { plugin: "odoo", object: "res.partner", sign_in: &["bearer", "--token-file"], key: "api_key" },
];

/// The SDKs of other languages, by the folders in which `cargo xtask test` has built their examples.
const LANGUAGES: [(&str, &str); 2] = [("JavaScript", "sdk-js-"), ("Python", "sdk-python-")];

pub(super) fn rows(packed: &Path, table: &mut Table) -> Result<()> {
    let guests = guests()?;
    let figures = figures(packed, &guests)?;
    let mut rates = Vec::new();
    for crm in &CRMS {
        let (taken, contacts) = crm.first_run(packed)?;
        let row_us = figure(&figures, crm.plugin, "row_us")?;
        let (rate, share) = (contacts / taken.cpu_s, row_us * contacts / 1e6 / taken.cpu_s);
        let share = format!("{:.0} % of it in its sandbox", share * 100.0);
        rates.push((crm.plugin, rate, share, taken.peak_mib));
    }
    match Tryton::start(CONTACTS)? {
        Some(tryton) => {
            let sign_in = ["--user", &tryton.user, "--token-file"];
            let from = (&sign_in[..], tryton.password.as_str());
            let (taken, contacts) = first_run(packed, ("tryton", "party.party"), &tryton.base_url, from)?;
            rates.push(("tryton", contacts / taken.cpu_s, "with a real server".to_owned(), taken.peak_mib));
        }
        None => eprintln!("not measured: Tryton, whose server `cargo xtask test` installs"),
    }
    let hubspot = rates.first().map_or(f64::NAN, |(_, rate, ..)| *rate);
    for (plugin, rate, share, peak_mib) in rates {
        let detail = format!("{rate:.0} contacts per CPU second, {share}, {peak_mib:.0} MiB");
        table.at_least(&format!("{plugin} inbound, of hubspot's rate"), rate / hubspot, LEAST, &detail);
    }
    for (name, _) in &guests {
        let (start, row) = (figure(&figures, name, "start_us")?, figure(&figures, name, "row_us")?);
        eprintln!("measured: {name}: {:.2} ms to start, {row:.1} µs a row", start / 1e3);
    }
    if guests.is_empty() {
        eprintln!("not measured: JavaScript and Python, whose examples `cargo xtask test` builds");
    }
    Ok(())
}

fn figures(packed: &Path, guests: &[(String, PathBuf)]) -> Result<Value> {
    let named = guests.iter().map(|(name, path)| format!("{name}={}", path.display()));
    let taken = measure(Command::new(bench_program("connectors")?).arg(packed).args(named))?;
    serde_json::from_str(&taken.stdout).context("the bench of the connectors printed no JSON")
}

fn figure(figures: &Value, of: &str, name: &str) -> Result<f64> {
    figures[of][name].as_f64().with_context(|| format!("no figure {name} of {of}"))
}

impl Crm {
    /// The first run of a sync by the connector's own preset; how many rows it had.
    fn first_run(&self, packed: &Path) -> Result<(Taken, f64)> {
        let options = Options {
            crm: self.plugin,
            profile: Profile::Release,
            contacts: CONTACTS,
            seed: 7,
            latency_ms: 0,
            limits: false,
        };
        let simulator = Simulator::start(&options)?;
        let secret =
            simulator.told[self.key].as_str().with_context(|| format!("{} told no {}", self.plugin, self.key))?;
        let client = ["--client-id", simulator.client_id.as_str()];
        let client = if simulator.client_id.is_empty() { &[][..] } else { &client };
        let (way, file) = self.sign_in.split_at(self.sign_in.len() - 1);
        let sign_in = [&["--sign-in"], way, client, file].concat();
        first_run(packed, (self.plugin, self.object), &simulator.base_url, (&sign_in, secret))
    }
}

/// The first run of a sync by a connector's own preset, after a sign-in whose last word takes the file with the secret.
fn first_run(
    packed: &Path,
    (plugin, object): (&str, &str),
    base: &str,
    (sign_in, secret): (&[&str], &str),
) -> Result<(Taken, f64)> {
    let folder = TempDir::with_prefix("ferry-bench-")?;
    let state = State::at(&folder.path().join("state"));
    let key = folder.path().join("key");
    std::fs::write(&key, secret)?;
    let key = key.display().to_string();
    // The address of a Tryton ends in its database.
    let origin = base.strip_suffix("/crm").unwrap_or(base);
    let file = |name: &str| packed.join(format!("{name}.wasm")).display().to_string();
    state.run(&["plugin", "install", &file(plugin), "--allow-loopback", origin, "--yes"])?;
    state.run(&["plugin", "install", &file("field-mapper"), "--yes"])?;
    let connect = ["connection", "add", "crm", "--plugin", plugin, "--base-url", base];
    state.run(&[&connect[..], sign_in, &[&key]].concat())?;
    let sync = ["sync", "create", "people", "--connection", "crm", "--preset", "contacts-in", "--object", object];
    state.run(&sync)?;
    let taken = measure(&mut state.ferry(&["sync", "run", "people", "--inbound-only", "--json"]))?;
    let run: Value = serde_json::from_str(&taken.stdout).context("the run printed no JSON")?;
    let rows = run["inbound"]["counts"]["rows"].as_f64().unwrap_or_default();
    ensure!(rows >= CONTACTS as f64, "{plugin} gave {rows} rows of {CONTACTS}");
    Ok((taken, rows))
}

/// The packed examples of the other SDKs, as far as they are built.
fn guests() -> Result<Vec<(String, PathBuf)>> {
    let clients = cargo::target().join("tmp/clients");
    let Ok(folders) = std::fs::read_dir(&clients) else { return Ok(Vec::new()) };
    let folders: Vec<PathBuf> = folders.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let mut guests = Vec::new();
    for (language, prefix) in LANGUAGES {
        let is_its = |path: &&PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix));
        for folder in folders.iter().filter(is_its) {
            for (example, what) in [("phonebook", "connector"), ("people-mapper", "mapper")] {
                let home = folder.join("examples").join(example);
                let Some(component) = newest(&home.join("dist")) else { continue };
                let packed = home.join("dist/packed.wasm");
                let mut pack = Command::new(cargo::binary(Profile::Release, "ferry"));
                pack.args(["plugin", "pack"]).arg(component).arg("--manifest").arg(home.join("plugin.toml"));
                let done = pack.arg("--out").arg(&packed).output().context("ferry could not be started")?;
                ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
                guests.push((format!("{language} {what}"), packed));
            }
        }
    }
    Ok(guests)
}

fn newest(folder: &Path) -> Option<PathBuf> {
    let paths = std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let components = paths.filter(|path| path.extension().is_some_and(|ending| ending == "wasm"));
    let built = components.filter(|path| path.file_stem().is_some_and(|name| name != "packed"));
    built.max_by_key(|path| path.metadata().and_then(|about| about.modified()).ok())
}
