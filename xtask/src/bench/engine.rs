//! What the engine costs beyond carrying everything once: increments, plans, changed mappings, the outbox, size and reopening.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::crm::{Crm, State};
use super::measure::measure;
use super::table::Table;
use super::{CONTACTS, Options, bench_program};

/// One in so many contacts changes before the increment.
const ONE_IN: u64 = 100;

/// Calls in the outbox.
const OUTCOMES: u64 = 20_000;
const MANY_OUTCOMES: u64 = 1_000_000;

/// Of CPU, for a mapping over all stored rows.
const REMAP_S: f64 = 15.0;

/// Writes of the outbox a second of CPU.
const WRITES: f64 = 5_000.0;

/// Adds what is measured to the table.
pub(super) fn rows(packed: &Path, options: &Options, table: &mut Table) -> Result<()> {
    ledger(table)?;
    let crm = Crm::start(CONTACTS, 0)?;
    let state = crm.set_up(packed)?;
    let full = measure(&mut state.ferry(&["sync", "run", "people"]))?;
    increment(&crm, &state, full.cpu_s, table)?;
    mappings(&crm, &state, table)?;
    let few = outbox(&crm, &state, OUTCOMES, table)?;
    if options.million {
        let many = outbox(&crm, &state, MANY_OUTCOMES, table)?;
        let detail = format!("{many:.0} MiB against {few:.0} MiB");
        table.at_most("peak memory of sending a million writes, of sending few", many / few, 2.0, &detail);
    }
    reopening(&state, table)
}

/// Merge, ledger and raw rows against the plain write.
fn ledger(table: &mut Table) -> Result<()> {
    let taken = measure(&mut Command::new(bench_program("ledger")?))?;
    let figures: Value = serde_json::from_str(&taken.stdout).context("the ledger bench printed no JSON")?;
    let figure = |name: &str| figures[name].as_f64().with_context(|| format!("no figure {name}"));
    let (plain, engine) = (figure("plain_s")?, figure("engine_s")?);
    let detail = format!("{engine:.2} s against {plain:.2} s for {CONTACTS}");
    table.at_most("merge, ledger and raw rows, of the plain write's CPU", engine / plain, 2.0, &detail);
    Ok(())
}

/// What a run over changed contacts costs, apart from the pages: those come again in the next run, for windows overlap, and
/// are unchanged then.
fn increment(crm: &Crm, state: &State, full_cpu_s: f64, table: &mut Table) -> Result<()> {
    let wanted = CONTACTS / ONE_IN;
    let listed = measure(&mut state.ferry(&["contacts", "list", "--json", "--limit", &wanted.to_string()]))?;
    for line in listed.stdout.lines() {
        let contact: Value = serde_json::from_str(line)?;
        crm.edit(contact["links"][0]["record"].as_str().context("a contact without a record")?, "Benchhausen")?;
    }
    let run = || measure(&mut state.ferry(&["sync", "run", "people", "--json"]));
    let (changed, again) = (run()?, run()?);
    let counts = |text: &str, name: &str| -> Result<u64> {
        let report: Value = serde_json::from_str(text).context("a run printed no JSON")?;
        report.pointer(&format!("/inbound/counts/{name}")).and_then(Value::as_u64).context("a run without counts")
    };
    ensure!(counts(&changed.stdout, "changed")? == wanted, "the increment did not bring what was changed");
    ensure!(counts(&again.stdout, "unchanged")? >= wanted, "the pages did not come again");
    let cost = (changed.cpu_s - again.cpu_s).max(0.0);
    let detail = format!("{cost:.2} s beside {:.2} s for its pages, against {full_cpu_s:.2} s", again.cpu_s);
    table.at_most("an increment of 1 %, apart from its pages, of the full run's CPU", cost / full_cpu_s, 0.02, &detail);
    Ok(())
}

fn mappings(crm: &Crm, state: &State, table: &mut Table) -> Result<()> {
    let mapping = std::fs::read_to_string(crate::cargo::root().join("xtask/demo/contacts.toml"))?;
    let changed = crm.folder.path().join("changed.toml");
    std::fs::write(&changed, mapping.replace("default = \"unknown\"", "default = \"none\""))?;
    let changed = changed.display().to_string();
    for (name, words) in [
        ("planning 100,000 stored rows, of 15 s of CPU", vec!["sync", "plan", "people", "--mapping", &changed]),
        (
            "a changed mapping over 100,000 stored rows, of 15 s of CPU",
            vec!["sync", "apply", "people", "--mapping", &changed],
        ),
    ] {
        let taken = measure(&mut state.ferry(&words))?;
        table.at_most(name, taken.cpu_s / REMAP_S, 1.0, &format!("{:.2} s, {:.0} MiB", taken.cpu_s, taken.peak_mib));
    }
    Ok(())
}

/// Gives the peak of memory.
fn outbox(crm: &Crm, state: &State, count: u64, table: &mut Table) -> Result<f64> {
    let mut lines = String::from("kind,contact,id,disposition,duration_s\n");
    for number in 0..count {
        let contact = number % (CONTACTS / 2) + 1;
        writeln!(lines, "call,c{contact},bench-{count}-{number},connected,{}", number % 600)?;
    }
    let file = crm.folder.path().join("calls.csv");
    std::fs::write(&file, lines)?;
    state.run(&["outcome", "import", &file.display().to_string()])?;
    let sent = measure(&mut state.ferry(&["sync", "run", "people", "--outbound-only", "--json"]))?;
    let report: Value = serde_json::from_str(&sent.stdout).context("a run printed no JSON")?;
    let delivered = report.pointer("/outbound/counts/delivered").and_then(Value::as_u64);
    ensure!(delivered == Some(count), "of {count} calls {delivered:?} were delivered");
    let rate = count as f64 / sent.cpu_s;
    let detail = format!("{rate:.0} writes per CPU second, {:.0} MiB", sent.peak_mib);
    table.at_least(&format!("sending {count} writes, of 5,000 per CPU second"), rate / WRITES, 1.0, &detail);
    Ok(sent.peak_mib)
}

/// Printed and asked nothing of, but that it is a matter of seconds.
fn reopening(state: &State, table: &mut Table) -> Result<()> {
    let size = size_of(&state.0.join("data"))? as f64 / f64::from(1 << 20);
    let begun = Instant::now();
    state.run(&["sync", "status"])?;
    let took = begun.elapsed().as_secs_f64();
    let detail = format!("{took:.2} s for {size:.0} MiB");
    table.at_most("reopening the store of 100,000 contacts, of 5 s", took / 5.0, 1.0, &detail);
    Ok(())
}

fn size_of(folder: &Path) -> Result<u64> {
    let mut size = 0;
    for entry in std::fs::read_dir(folder).with_context(|| format!("no {}", folder.display()))? {
        let entry = entry?;
        size += if entry.file_type()?.is_dir() { size_of(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(size)
}
