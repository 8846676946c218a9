//! A connector that misbehaves as its settings say, so that the sandbox can be tried. With mode `ok` it behaves.

mod behaved;
mod careless;
mod misbehave;

use ferry_sdk::connector::*;
use serde::Deserialize;

/// What the settings say.
#[derive(Debug, Clone, Deserialize)]
struct Settings {
    mode: String,
    /// Whether it behaves when it is checked.
    #[serde(default)]
    checks: bool,
    #[serde(default)]
    rows: u64,
    #[serde(default)]
    page: u64,
    /// Whether it asks a CRM, and does not make its records up.
    #[serde(default)]
    http: bool,
}

/// The connector.
pub struct Hostile;

impl Connector for Hostile {
    fn check(call: &Call<'_>) -> Result<Account, Failure> {
        let settings: Settings = call.settings()?;
        if !settings.checks {
            misbehave::anywhere(call, &settings.mode)?;
        }
        Ok(Account { id: "1".into(), name: "Hostile".into(), time_zone: None, lacking: Vec::new() })
    }

    fn objects(call: &Call<'_>) -> Result<Vec<Object>, Failure> {
        misbehave::anywhere(call, &call.settings::<Settings>()?.mode)?;
        Ok(vec![behaved::object()])
    }

    fn fields(call: &Call<'_>, object: &str) -> Result<Vec<Field>, Failure> {
        let settings: Settings = call.settings()?;
        misbehave::anywhere(call, &settings.mode)?;
        if settings.http && object != "contacts" {
            return Err(Failure::Missing(object.into()));
        }
        Ok(behaved::fields())
    }

    fn pull(call: &Call<'_>, request: PullRequest) -> Result<Page, Failure> {
        let settings: Settings = call.settings()?;
        misbehave::anywhere(call, &settings.mode)?;
        if settings.http {
            return careless::pull(call, &settings.mode, &request);
        }
        match misbehave::page(&settings.mode, &request) {
            Some(page) => Ok(page),
            None => behaved::pull(settings.rows, settings.page, &request),
        }
    }

    fn push(call: &Call<'_>, _: &str, writes: Vec<Write>) -> Result<Vec<Outcome>, Failure> {
        let settings: Settings = call.settings()?;
        misbehave::anywhere(call, &settings.mode)?;
        if settings.http {
            return careless::push(call, &settings.mode, &writes);
        }
        Ok(misbehave::outcomes(&settings.mode, &writes))
    }

    fn resolve(call: &Call<'_>, _: &str, writes: Vec<Write>) -> Result<Vec<Option<Written>>, Failure> {
        careless::resolve(call, &call.settings::<Settings>()?.mode, &writes)
    }

    fn receive(call: &Call<'_>, request: Webhook) -> Result<Vec<Hint>, Failure> {
        careless::receive(call, &call.settings::<Settings>()?.mode, &request)
    }
}

ferry_sdk::connector!(Hostile);
