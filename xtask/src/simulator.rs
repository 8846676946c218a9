//! The simulated CRM, as a process of its own that ends with whoever started it.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::browser;
use crate::cargo::{self, Profile};

pub(crate) struct Simulator {
    pub(crate) base_url: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) access_token: String,
    /// All that it printed when it was ready.
    pub(crate) told: Value,
    process: Child,
    /// The simulator ends when this is closed, also when the demonstration dies.
    _stdin: Option<ChildStdin>,
}

/// What the simulated account is like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// As `crm-sim` calls it.
    pub(crate) crm: &'static str,
    pub(crate) profile: Profile,
    pub(crate) contacts: u64,
    pub(crate) seed: u64,
    /// What each answer takes.
    pub(crate) latency_ms: u64,
    /// Whether it limits requests as the real one does.
    pub(crate) limits: bool,
}

/// What every simulator prints when it is ready, and some do not.
#[derive(Deserialize)]
struct Ready {
    base_url: String,
    #[serde(default)]
    access_token: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    client_secret: String,
}

impl Simulator {
    pub(crate) fn start(options: &Options) -> Result<Self> {
        let Options { crm, profile, contacts, seed, latency_ms, limits } = options;
        let mut command = Command::new(cargo::binary(*profile, "crm-sim"));
        command.args([*crm, "--port", "0", "--until-stdin-closes"]);
        command.args(["--contacts", &contacts.to_string(), "--seed", &seed.to_string()]);
        command.args(["--latency-ms", &latency_ms.to_string()]);
        if *limits {
            command.args(["--limits", "real"]);
        }
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the simulator could not be started")?;
        let stdout = process.stdout.take().context("the simulator has no stdout")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let told: Value = serde_json::from_str(&line).context("the simulator did not say that it is ready")?;
        let ready: Ready = serde_json::from_value(told.clone()).context("the simulator did not say where it is")?;
        let Ready { base_url, access_token, client_id, client_secret } = ready;
        let stdin = process.stdin.take();
        Ok(Self { base_url, client_id, client_secret, access_token, told, process, _stdin: stdin })
    }

    /// Edits a contact, as somebody in the CRM would.
    pub(crate) fn edit(&self, record: &str, properties: &Value) -> Result<()> {
        let path = format!("/crm/v3/objects/contacts/{record}");
        self.call("PATCH", &path, &json!({ "properties": properties }).to_string()).map(|_| ())
    }

    /// The records of an object.
    pub(crate) fn records(&self, object: &str) -> Result<Vec<Value>> {
        let properties =
            "hs_call_title,hs_call_body,hs_call_duration,hs_call_disposition,hs_meeting_title,hs_timestamp";
        let answer = self.call("GET", &format!("/crm/v3/objects/{object}?limit=100&properties={properties}"), "")?;
        Ok(answer["results"].as_array().cloned().unwrap_or_default())
    }

    fn call(&self, method: &str, path: &str, body: &str) -> Result<Value> {
        let authorization = format!("Bearer {}", self.access_token);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let answer = browser::request(method, &format!("{}{path}", self.base_url), &headers, body.as_bytes())?;
        ensure!((200..300).contains(&answer.status), "{method} {path} answered {}", answer.status);
        serde_json::from_slice(&answer.body).context("the CRM's answer is not JSON")
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // It may have ended by itself; there is nobody to tell.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
