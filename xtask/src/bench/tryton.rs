//! A real Tryton server for the bench, as `cargo xtask test` has installed it.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::cargo;

/// Parties that are made at once.
const BATCH: u64 = 1_000;

pub(super) struct Tryton {
    pub(super) base_url: String,
    pub(super) user: String,
    pub(super) password: String,
    process: Child,
    /// It ends when nobody speaks to it any more.
    talk: Option<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Tryton {
    /// A server with so many parties; none where the tests have not installed one.
    pub(super) fn start(parties: u64) -> Result<Option<Self>> {
        let Some(home) = home() else { return Ok(None) };
        let mut command = Command::new(home.join("venv/bin/python"));
        command.arg(cargo::root().join("tests/live/tryton.py")).arg("serve").arg(home.join("crm.sqlite"));
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = started.context("Tryton could not be started")?;
        let talk = process.stdin.take().zip(process.stdout.take().map(BufReader::new));
        let mut tryton = Self { base_url: String::new(), user: String::new(), password: String::new(), process, talk };
        let ready = tryton.answer()?;
        let text = |name: &str| ready[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
        (tryton.base_url, tryton.user, tryton.password) = (text("base_url")?, text("user")?, text("password")?);
        for first in (0..parties).step_by(usize::try_from(BATCH)?) {
            let people: Vec<Value> = (first..parties.min(first + BATCH)).map(person).collect();
            tryton.ask(&json!(["model.party.party.create", people, {}]))?;
        }
        Ok(Some(tryton))
    }

    fn ask(&mut self, call: &Value) -> Result<()> {
        let (to, _) = self.talk.as_mut().context("Tryton has gone")?;
        writeln!(to, "{call}")?;
        let answer = self.answer()?;
        ensure!(answer.get("error").is_none(), "Tryton took no parties: {}", answer["error"]);
        Ok(())
    }

    fn answer(&mut self) -> Result<Value> {
        let (_, from) = self.talk.as_mut().context("Tryton has gone")?;
        let mut line = String::new();
        from.read_line(&mut line)?;
        serde_json::from_str(&line).context("Tryton did not answer")
    }
}

fn home() -> Option<PathBuf> {
    let folders = std::fs::read_dir(cargo::target().join("tmp/clients")).ok()?;
    let paths = folders.filter_map(|entry| Some(entry.ok()?.path()));
    let is_its = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("tryton-"));
    paths.filter(is_its).find(|path| path.join("crm.sqlite").exists())
}

fn person(number: u64) -> Value {
    json!({
        "name": format!("Zoë {number}"), "email": format!("person{number}@example.com"),
        "addresses": [["create", [{"street": "Main street 1", "postal_code": "20095", "city": "Hamburg"}]]],
    })
}

impl Drop for Tryton {
    fn drop(&mut self) {
        self.talk.take();
        // It has been told to end.
        let _ = self.process.wait();
    }
}
