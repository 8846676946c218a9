//! Measures what Ferry costs, and prints ratios from one run: absolute figures depend on the machine, ratios hardly.

mod connectors;
mod crm;
mod engine;
mod measure;
mod table;
mod trust;
mod tryton;

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;

use crate::cargo::{self, Profile};
use crate::components;
use crm::Crm;
use measure::measure;
use table::Table;

#[derive(Args)]
pub(crate) struct Options {
    /// Also carry a million contacts: some minutes, and two gigabytes of disk.
    #[arg(long)]
    million: bool,

    /// Measure one part only.
    #[arg(long, value_enum)]
    only: Option<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Sandbox, inbound runs, memory, starting up.
    Core,
    /// Installing, and hostile calls.
    Trust,
    /// Ledger, increments, mappings, outbox.
    Engine,
    /// Each connector, and each language.
    Connectors,
}

/// Contacts of the main comparison.
const CONTACTS: u64 = 100_000;

/// Runs of each side in the main comparison, of which the median counts.
const TURNS: usize = 3;

/// What counts as level memory for ten times the contacts: the first hundred thousand fill the store's cache, and allocators differ
/// from run to run.
const LEVEL: f64 = 1.35;

/// Pages of a hundred in the comparison with a slow CRM.
const SLOW_CONTACTS: u64 = 10_000;

/// How long the slow CRM takes to answer.
const LATENCY_MS: u64 = 20;

pub(crate) fn run(options: &Options) -> Result<()> {
    let packed = components::build(Profile::Release)?;
    let benches = ["bare_client", "sandbox", "checks", "ledger", "connectors"].map(|name| ["--bench", name]);
    cargo::build(Profile::Release, &benches.concat())?;
    let mut table = Table::default();
    let wants = |part| options.only.is_none_or(|only| only == part);
    if wants(Part::Core) {
        let call = sandbox(&packed, &mut table)?;
        let page_cpu_us = inbound(&packed, options, &call, &mut table)?;
        checks(&packed, page_cpu_us, &mut table)?;
        slow_crm(&packed, &mut table)?;
        start_up(&packed, &mut table)?;
    }
    if wants(Part::Trust) {
        trust::run(&packed, &mut table)?;
    }
    if wants(Part::Engine) {
        engine::rows(&packed, options, &mut table)?;
    }
    if wants(Part::Connectors) {
        connectors::rows(&packed, &mut table)?;
    }
    table.print();
    ensure!(table.all_met(), "a demand is not met");
    Ok(())
}

/// What an instance with an empty call costs, and the connector's call for a page of a hundred rows, in microseconds.
struct Call {
    empty_us: f64,
    page_us: f64,
}

/// One instance per call; the mapper in and out of the sandbox.
fn sandbox(packed: &std::path::Path, table: &mut Table) -> Result<Call> {
    let taken = measure(Command::new(bench_program("sandbox")?).arg(packed))?;
    let figures: Value = serde_json::from_str(&taken.stdout).context("the sandbox bench printed no JSON")?;
    let figure = |name: &str| figures[name].as_f64().with_context(|| format!("no figure {name}"));
    let (sandboxed, native) = (figure("mapper_sandbox_us")?, figure("mapper_native_us")?);
    let detail = format!("{:.0} against {:.0} rows/s", 1e8 / sandboxed, 1e8 / native);
    table.at_least("field mapper in the sandbox, of native rows/s", native / sandboxed, 0.5, &detail);
    Ok(Call { empty_us: figure("empty_call_us")?, page_us: figure("page_us")? })
}

/// What is checked of a page's requests, and of the packages once a run.
fn checks(packed: &std::path::Path, page_cpu_us: f64, table: &mut Table) -> Result<()> {
    let taken = measure(Command::new(bench_program("checks")?).arg(packed))?;
    let figures: Value = serde_json::from_str(&taken.stdout).context("the bench of the checks printed no JSON")?;
    let figure = |name: &str| figures[name].as_f64().with_context(|| format!("no figure {name}"));
    let (requests, digests) = (figure("checked_us")? - figure("bare_us")?, figure("digests_us")?);
    let pages = CONTACTS as f64 / 100.0;
    let cost = requests.max(0.0) + digests / pages;
    let detail = format!("{cost:.0} µs of the {page_cpu_us:.0} µs of a page, {digests:.0} µs once a run among them");
    table.at_most(
        "egress, vault and digests beyond a bare client's requests, of a page",
        cost / page_cpu_us,
        0.03,
        &detail,
    );
    Ok(())
}

/// Contacts per CPU second and memory, against the bare client; gives the CPU of a page, in microseconds.
fn inbound(packed: &std::path::Path, options: &Options, call: &Call, table: &mut Table) -> Result<f64> {
    let (mut bare, mut full) = (Vec::new(), Vec::new());
    // By turns, so that what else the machine does meets both.
    for _ in 0..TURNS {
        let crm = Crm::start(CONTACTS, 0)?;
        bare.push(measure(&mut bare_client(&crm)?)?);
        full.push(crm.run_sync(packed, &[])?);
    }
    let (bare, full) = (median(bare, |run| run.cpu_s), median(full, |run| run.cpu_s));
    let rate = |taken: &measure::Taken| CONTACTS as f64 / taken.cpu_s;
    let detail = format!("{:.0} against {:.0} contacts per CPU second", rate(&full), rate(&bare));
    table.at_least("inbound, of the bare client's contacts per CPU second", rate(&full) / rate(&bare), 0.5, &detail);
    let (Call { empty_us, page_us }, page_cpu_us) = (call, 100.0 * 1e6 / rate(&full));
    let detail = format!(
        "{empty_us:.0} µs of the {page_cpu_us:.0} µs of CPU that a run takes for a page; the connector's own call takes {page_us:.0} µs"
    );
    table.at_most("an instance and an empty call, of a 100-row page", empty_us / page_cpu_us, 0.05, &detail);
    let few = Crm::start(CONTACTS / 10, 0)?.run_sync(packed, &[])?;
    let mut peaks = vec![(CONTACTS / 10, few.peak_mib), (CONTACTS, full.peak_mib)];
    if options.million {
        let many = Crm::start(CONTACTS * 10, 0)?.run_sync(packed, &[])?;
        peaks.push((CONTACTS * 10, many.peak_mib));
    }
    for (contacts, peak) in &peaks {
        let name = format!("peak memory with {contacts} contacts, of 200 MiB");
        table.at_most(&name, peak / 200.0, 1.0, &format!("{peak:.0} MiB"));
    }
    for [(few, little), (_, much)] in peaks.array_windows() {
        let name = format!("peak memory with ten times the contacts, of that with {few}");
        table.at_most(&name, much / little, LEVEL, &format!("{much:.0} MiB against {little:.0} MiB"));
    }
    Ok(page_cpu_us)
}

/// A CRM that takes its time: page after page, and side by side.
fn slow_crm(packed: &std::path::Path, table: &mut Table) -> Result<()> {
    let crm = Crm::start(SLOW_CONTACTS, LATENCY_MS)?;
    let bare = measure(&mut bare_client(&crm)?)?.wall_s;
    let one = crm.run_sync(packed, &["--partitions", "1"])?.wall_s;
    let several = Crm::start(SLOW_CONTACTS, LATENCY_MS)?.run_sync(packed, &[])?.wall_s;
    let detail = format!("{one:.2} s against {bare:.2} s");
    table.at_most("20 ms a request, one page after another, of the bare client's time", one / bare, 1.05, &detail);
    table.at_most("the same in partitions", several / bare, 1.0, &format!("{several:.2} s"));
    Ok(())
}

/// The commands that people type all day.
fn start_up(packed: &std::path::Path, table: &mut Table) -> Result<()> {
    let crm = Crm::start(200, 0)?;
    let state = crm.set_up(packed)?;
    for words in [&["--version"][..], &["sync", "status"]] {
        let mut times = Vec::new();
        for _ in 0..11 {
            let begun = Instant::now();
            let output = state.ferry(words).output()?;
            times.push(begun.elapsed());
            ensure!(output.status.success(), "ferry {} failed", words.join(" "));
        }
        times.sort();
        let median = times[times.len() / 2];
        let name = format!("`ferry {}`, of 50 ms", words.join(" "));
        table.at_most(
            &name,
            median.as_secs_f64() / Duration::from_millis(50).as_secs_f64(),
            1.0,
            &format!("{median:.1?}"),
        );
    }
    Ok(())
}

/// Of an odd number, by what counts.
fn median<T>(mut items: Vec<T>, counts: impl Fn(&T) -> f64) -> T {
    items.sort_by(|one, other| counts(one).total_cmp(&counts(other)));
    items.swap_remove(items.len() / 2)
}

fn bare_client(crm: &Crm) -> Result<Command> {
    let mut command = Command::new(bench_program("bare_client")?);
    let folder = crm.folder.path().join("bare");
    command.arg(&crm.base_url).arg(&crm.access_token).arg(folder);
    Ok(command)
}

/// Cargo names bench programs with a hash: the newest of this name is the one just built.
fn bench_program(name: &str) -> Result<std::path::PathBuf> {
    let folder = cargo::target().join("release/deps");
    let mut newest = None;
    for entry in std::fs::read_dir(&folder).with_context(|| format!("no {}", folder.display()))? {
        let path = entry?.path();
        let stem = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let hash = stem.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
        if hash.is_some_and(|hash| hash.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            let modified = path.metadata()?.modified()?;
            newest = newest.max(Some((modified, path)));
        }
    }
    newest.map(|(_, path)| path).with_context(|| format!("cargo built no bench `{name}`"))
}
