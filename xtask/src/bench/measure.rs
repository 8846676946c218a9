//! Runs a program and reads from the system what it took: CPU over all threads, time on the wall, peak memory.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// How often the system is asked. What a program does after the last time it was asked is missed: at most so much.
const EVERY: Duration = Duration::from_millis(5);

/// Clock ticks of `/proc` a second: fixed by Linux's interface, whatever the kernel's own rate is.
const TICKS: f64 = 100.0;

#[derive(Debug, Clone, Default)]
pub(super) struct Taken {
    pub(super) cpu_s: f64,
    pub(super) wall_s: f64,
    pub(super) peak_mib: f64,
    pub(super) stdout: String,
}

/// Runs to the end; a failure of the program is an error.
pub(super) fn measure(command: &mut Command) -> Result<Taken> {
    let begun = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn().context("a program of the bench could not be started")?;
    let mut stdout = child.stdout.take().context("it has no stdout")?;
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let mut taken = Taken::default();
    let status = loop {
        if let Some((cpu_s, peak_mib)) = ask(child.id()) {
            taken.cpu_s = cpu_s;
            taken.peak_mib = peak_mib.max(taken.peak_mib);
        }
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(EVERY);
    };
    taken.wall_s = begun.elapsed().as_secs_f64();
    taken.stdout = reader.join().map_err(|_| anyhow::anyhow!("its output was lost"))??;
    ensure!(status.success(), "{:?} failed ({status})", command.get_program());
    Ok(taken)
}

/// CPU seconds and peak MiB of a process, as far as it still has them.
fn ask(pid: u32) -> Option<(f64, f64)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold blanks: count from the parenthesis behind it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: f64 = peak.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0.0);
    Some((ticks / TICKS, kib / 1024.0))
}
