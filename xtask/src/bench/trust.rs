//! What trusting nobody costs: installing a plugin, and a healthy sync beside two hundred hostile calls.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::crm::{Crm, State};
use super::median;
use super::table::Table;

/// What an installation may take, for two megabytes of plugin.
const INSTALL_S: f64 = 5.0;
const INSTALL_BYTES: f64 = 2_000_000.0;

/// Hostile calls side by side, and contacts of the sync beside them: its run takes longer than the calls' deadlines.
const HOSTILE: usize = 200;
const CONTACTS: u64 = 100_000;

/// Turns of one run of each kind. What counts is the median of what the turns give.
const TURNS: usize = 7;

pub(super) fn run(packed: &Path, table: &mut Table) -> Result<()> {
    for plugin in ["field-mapper", "script-mapper"] {
        install(packed, plugin, table)?;
    }
    beside_hostile_calls(packed, table)
}

/// Verified, compiled and kept, on a host that has never seen it.
fn install(packed: &Path, plugin: &str, table: &mut Table) -> Result<()> {
    let folder = TempDir::with_prefix("ferry-bench-")?;
    let file = packed.join(format!("{plugin}.wasm"));
    let bytes = file.metadata()?.len() as f64;
    let begun = Instant::now();
    let output =
        State::at(folder.path()).ferry(&["plugin", "install", &file.display().to_string(), "--yes"]).output()?;
    let taken = begun.elapsed().as_secs_f64();
    ensure!(output.status.success(), "{plugin}: {}", String::from_utf8_lossy(&output.stderr));
    let detail = format!("{taken:.2} s for {:.1} MB", bytes / 1e6);
    table.at_most(
        &format!("installing {plugin}, of 5 s for each 2 MB"),
        taken / INSTALL_S * INSTALL_BYTES / bytes,
        1.0,
        &detail,
    );
    Ok(())
}

/// A run's time through a server, alone and while as many calls as can be misbehave in each way that takes a core or memory. Alone
/// as many programs start and end beside it: what callers cost is not what their calls cost. Each run is held against the one alone of
/// its turn, so that what else the machine does meets both.
fn beside_hostile_calls(packed: &Path, table: &mut Table) -> Result<()> {
    const MODES: [Option<&str>; 4] = [None, Some("spin"), Some("allocate"), Some("trap")];
    let mut taken = MODES.map(|_| Vec::new());
    for _ in 0..TURNS {
        for (mode, taken) in MODES.iter().zip(&mut taken) {
            taken.push(through_a_server(packed, *mode)?);
        }
    }
    let [alone, beside @ ..] = taken;
    for (mode, beside) in MODES.iter().flatten().zip(beside) {
        let ratios = beside.iter().zip(&alone).map(|(beside, alone)| beside / alone).collect();
        let [ratio, beside, alone] = [ratios, beside, alone.clone()].map(|figures| median(figures, |figure| *figure));
        let detail = format!("{beside:.2} s against {alone:.2} s");
        table.at_most(&format!("a run beside {HOSTILE} calls that {mode}, of its time alone"), ratio, 1.1, &detail);
    }
    Ok(())
}

fn through_a_server(packed: &Path, mode: Option<&str>) -> Result<f64> {
    let crm = Crm::start(CONTACTS, 0)?;
    let state = crm.set_up(packed)?;
    let hostile = packed.join("hostile.wasm").display().to_string();
    ensure!(
        state.ferry(&["plugin", "install", &hostile, "--yes"]).output()?.status.success(),
        "hostile can't be installed"
    );
    let server = Ended(state.ferry(&["serve"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?);
    // A command that came before the server would open the state itself, and one that came a moment later find it held.
    let mut waits = 0..100;
    while !state.0.join("control.sock").exists() {
        ensure!(waits.next().is_some(), "the server does not answer");
        std::thread::sleep(Duration::from_millis(100));
    }
    let names: Vec<String> = mode.iter().flat_map(|_| (0..HOSTILE).map(|number| format!("bad{number}"))).collect();
    if let Some(mode) = mode {
        connect_all(&state, &names, mode, &crm.folder.path().join("key"))?;
    }
    let words: Vec<String> = match mode {
        Some(_) => names.iter().map(|name| format!("objects {name}")).collect(),
        None => vec!["--version".to_owned(); HOSTILE],
    };
    let calls = side_by_side(&state, &words)?;
    let begun = Instant::now();
    let output = state.ferry(&["sync", "run", "people"]).output()?;
    let taken = begun.elapsed().as_secs_f64();
    ensure!(output.status.success(), "the healthy run failed: {}", String::from_utf8_lossy(&output.stderr));
    drop((calls, server));
    Ok(taken)
}

/// Connections that misbehave whatever they are asked, but for their first check.
fn connect_all(state: &State, names: &[String], mode: &str, key: &Path) -> Result<()> {
    std::fs::write(key, "any text")?;
    let (mode, key) = (format!("mode={mode}"), key.display().to_string());
    let settings = ["--plugin", "hostile", "--set", &mode, "--set", "checks=true"];
    let sign_in = ["--sign-in", "bearer", "--token-file", &key];
    names.iter().try_for_each(|name| state.run(&[&["connection", "add", name][..], &settings, &sign_in].concat()))
}

/// Runs commands side by side in one session of the least weight. Where the scheduler knows no sessions, `nice` does what it can.
const CALLERS: &str = r#"
    echo 19 2>/dev/null >/proc/self/autogroup
    for words; do nice -n 19 "$0" $words >/dev/null 2>&1 & done
    wait"#;

fn side_by_side(state: &State, commands: &[String]) -> Result<Ended> {
    let ferry = state.ferry(&[]);
    let mut callers = Command::new("setsid");
    callers.args(["sh", "-c", CALLERS]).arg(ferry.get_program()).args(commands);
    ferry.get_envs().for_each(|(name, value)| {
        match value {
            Some(value) => callers.env(name, value),
            None => callers.env_remove(name),
        };
    });
    Ok(Ended(callers.spawn().context("the commands beside the run could not be begun")?))
}

/// A process that ends with this.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
