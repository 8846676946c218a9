//! What is well and what is not, from the state directory up to each sync, with whose it is to mend and how. Changes
//! nothing but what opening the state and compiling a plugin leave behind.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Tenant;
use super::advice::{Advice, Class, Whose};
use super::error::AppError;
use super::plugins::Ailment;
use super::sync_health;
use super::words::counted;
use crate::model::audience::Audience;
use crate::model::event::Hook;
use crate::model::sync::{Connection, InstalledPlugin};

/// Less free space than this is told before it is gone: a run of a million contacts writes about a gigabyte.
const LITTLE_SPACE: u64 = GIB;

/// Less than this is a failure: sled can't write its next segments.
const NO_SPACE: u64 = 64 * MIB;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    Ok,
    /// It works, and will not for ever or not for everything.
    Warn,
    Fail,
}

impl Health {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// As in `state` or `connection hub`.
    pub subject: String,
    pub health: Health,
    /// What was found, with the causes.
    pub what: String,
    /// None where it is well.
    pub advice: Option<Advice>,
}

impl Finding {
    pub(super) fn ok(subject: &str, what: impl Into<String>) -> Self {
        Self { subject: subject.to_owned(), health: Health::Ok, what: what.into(), advice: None }
    }

    pub(super) fn warn(subject: &str, what: impl Into<String>, advice: Advice) -> Self {
        Self { subject: subject.to_owned(), health: Health::Warn, what: what.into(), advice: Some(advice) }
    }

    pub(super) fn fail(subject: &str, error: &AppError) -> Self {
        let mut what = error.to_string();
        for cause in error.causes() {
            what.push_str(": ");
            what.push_str(&cause);
        }
        Self { subject: subject.to_owned(), health: Health::Fail, what, advice: Some(error.advice()) }
    }
}

/// Which parts are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Ask the CRMs too.
    pub online: bool,
}

/// Looks at everything, in the order in which one thing rests on another.
pub async fn examine(tenant: &Tenant, extent: Extent) -> Vec<Finding> {
    let state_dir = tenant.app.state_dir();
    let mut findings = vec![state(tenant, state_dir), disk(state_dir)];
    let examined = tenant.examine(extent, &mut findings).await;
    findings.extend(examined.err().map(|error| Finding::fail("state", &error)));
    findings
}

/// What can be said of a state that does not open.
pub fn unopened(state_dir: &Path, error: &AppError) -> Vec<Finding> {
    vec![Finding::fail("state", error), disk(state_dir)]
}

fn state(tenant: &Tenant, dir: &Path) -> Finding {
    let others = std::fs::metadata(dir).map(|folder| folder.permissions().mode() & 0o077);
    if others.is_ok_and(|rights| rights != 0) {
        let what = format!("`{}` is open to others on this machine, and contacts lie in it", dir.display());
        let remedy = format!("`chmod 700 {}`", dir.display());
        return Finding::warn("state", what, Advice::new("state-open", Whose::Machine, Class::State, remedy));
    }
    match tenant.app.store.size_on_disk() {
        Ok(bytes) => Finding::ok("state", format!("`{}` opens; the store has {}", dir.display(), size(bytes))),
        Err(error) => Finding::fail("state", &error.into()),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..MIB => format!("{} KiB", bytes.div_ceil(1024)),
        MIB..GIB => format!("{:.1} MiB", bytes as f64 / MIB as f64),
        _ => format!("{:.1} GiB", bytes as f64 / GIB as f64),
    }
}

fn disk(dir: &Path) -> Finding {
    let free = match rustix::fs::statvfs(dir) {
        Ok(stats) => stats.f_bavail.saturating_mul(stats.f_frsize),
        Err(error) => return Finding::fail("disk", &AppError::file(dir, "looked at", error.into())),
    };
    let what = format!("{} free", size(free));
    let advice =
        Advice::new("disk-space", Whose::Machine, Class::State, "free some space, or move the state directory");
    match free {
        ..NO_SPACE => Finding { health: Health::Fail, ..Finding::warn("disk", what, advice) },
        NO_SPACE..LITTLE_SPACE => Finding::warn("disk", what, advice),
        _ => Finding::ok("disk", what),
    }
}

impl Tenant {
    async fn examine(&self, extent: Extent, findings: &mut Vec<Finding>) -> Result<(), AppError> {
        let connections = self.connections()?;
        // A key that nothing was sealed with yet is not missed.
        if !connections.is_empty() {
            findings.push(self.examine_key());
        }
        for plugin in self.plugins()? {
            findings.push(self.examine_plugin(&plugin).await);
        }
        for connection in connections {
            findings.extend(self.examine_connection(&connection, extent).await);
        }
        for sync in self.syncs()? {
            findings.extend(sync_health::examine(self, &sync, extent).await);
        }
        for audience in self.audiences()? {
            findings.push(self.examine_audience(&audience)?);
        }
        for hook in self.hooks()? {
            findings.push(self.examine_hook(&hook)?);
        }
        Ok(())
    }

    fn examine_key(&self) -> Finding {
        match self.app.vault() {
            Ok(_) => Finding::ok("sealing key", "can be read by its owner only"),
            Err(error) => Finding::fail("sealing key", &error),
        }
    }

    /// Its bytes are those that were installed, and they compile.
    async fn examine_plugin(&self, plugin: &InstalledPlugin) -> Finding {
        let identity = &plugin.manifest.plugin;
        let subject = format!("plugin {}", identity.id);
        match self.load(plugin.clone(), identity.kind).await {
            Ok(_) => self.examine_health(plugin, &subject),
            Err(error) => Finding::fail(&subject, &error),
        }
    }

    /// It is called, and who signed it is still trusted.
    fn examine_health(&self, plugin: &InstalledPlugin, subject: &str) -> Finding {
        let identity = &plugin.manifest.plugin;
        match self.quarantined(plugin) {
            Ok(Some(what)) => {
                let remedy = format!(
                    "go back with `ferry plugin rollback {0}`, or try it again with `ferry plugin release {0}`; a mapping that is \
                     changed is called at once",
                    identity.id
                );
                let advice = Advice::new("plugin-quarantined", Whose::Plugin, Class::Plugin, remedy);
                return Finding { health: Health::Fail, ..Finding::warn(subject, what, advice) };
            }
            Ok(None) => {}
            Err(error) => return Finding::fail(subject, &error),
        }
        match self.is_believed(plugin) {
            Err(error) => Finding::fail(subject, &error),
            Ok(true) => Finding::ok(subject, format!("version {} is whole and compiles", identity.version)),
            Ok(false) => {
                let what = "was not signed by anyone whom this workspace takes it from now";
                let remedy = "install a version that is, or remove the plugin".to_owned();
                Finding::warn(subject, what, Advice::new("plugin-publisher", Whose::Plugin, Class::Plugin, remedy))
            }
        }
    }

    /// What of a plugin is not called for a while, in words; none where all is.
    fn quarantined(&self, plugin: &InstalledPlugin) -> Result<Option<String>, AppError> {
        let mut found = Vec::new();
        for Ailment { health, syncs, pinned } in
            self.ailments(plugin)?.into_iter().filter(|it| it.health.is_quarantined())
        {
            let names: Vec<String> = syncs.iter().map(|sync| format!("`{sync}`")).collect();
            let which = match &pinned {
                Some(version) => format!("in version {version}, which connections stay with, "),
                None if syncs.is_empty() => String::new(),
                None => format!("with the mapping of {}, ", names.join(", ")),
            };
            found.push(format!(
                "{which}is quarantined after {} faults in a row; the last: {}",
                health.faults, health.last
            ));
        }
        Ok((!found.is_empty()).then(|| found.join("; ")))
    }

    async fn examine_connection(&self, connection: &Connection, extent: Extent) -> Vec<Finding> {
        let subject = format!("connection {}", connection.id);
        match self.sign_in_summary(&connection.id) {
            Err(error) => return vec![Finding::fail(&subject, &error)],
            Ok(None) => {
                let what = "there is no credential for it";
                return vec![Finding {
                    health: Health::Fail,
                    ..Finding::warn(&subject, what, sign_in_again(connection))
                }];
            }
            Ok(Some(summary)) => {
                if let Some(refused) = summary.refused {
                    let finding = Finding::warn(&subject, refused, sign_in_again(connection));
                    return vec![Finding { health: Health::Fail, ..finding }];
                }
            }
        }
        if !extent.online {
            return vec![Finding::ok(&subject, "has a credential; the CRM was not asked")];
        }
        match self.asked(connection).await {
            Ok(findings) => findings,
            Err(error) => vec![Finding::fail(&subject, &error)],
        }
    }

    /// Alive, signed in, permitted, and with allowance left.
    async fn asked(&self, connection: &Connection) -> Result<Vec<Finding>, AppError> {
        let subject = format!("connection {}", connection.id);
        let connector = self.connector(&connection.id).await?;
        let account = connector.check().await.map_err(|error| AppError::call(&connection.id, "check", error))?;
        let mut findings = vec![Finding::ok(&subject, format!("answers as {} ({})", account.name, account.id))];
        if !account.lacking.is_empty() {
            let remedy = "ask an administrator of the CRM for them, then sign in again, if a sync needs them";
            let advice = Advice::new("lacking-permissions", Whose::Crm, Class::SignIn, remedy);
            findings.push(Finding::warn(
                &subject,
                format!("lacks permissions: {}", account.lacking.join(", ")),
                advice,
            ));
        }
        findings.extend(self.examine_allowance(connection));
        Ok(findings)
    }

    /// It follows something that is there.
    fn examine_audience(&self, audience: &Audience) -> Result<Finding, AppError> {
        let subject = format!("audience {}", audience.id);
        let missing = match &audience.sync {
            Some(sync) => !self.syncs()?.iter().any(|known| known.id == *sync),
            None => false,
        };
        if missing {
            let what = "the sync that it follows is not there any more, so nobody enters it".to_owned();
            let remedy = format!("`ferry audience remove {}`, or make the sync anew under its name", audience.id);
            let advice = Advice::new("audience-follows-nothing", Whose::Configuration, Class::Configuration, remedy);
            return Ok(Finding::warn(&subject, what, advice));
        }
        let state = if audience.filling.is_some() { ", and is being filled" } else { "" };
        Ok(Finding::ok(&subject, format!("has {} members{state}", audience.members)))
    }

    /// Events reach it.
    fn examine_hook(&self, hook: &Hook) -> Result<Finding, AppError> {
        let subject = format!("hook {}", hook.id);
        let (waiting, failure) = self.backlog(&hook.id)?;
        let remedy = format!("see to the receiver at {}; then `ferry hook retry {}`", hook.url, hook.id);
        let advice = |code| Advice::new(code, Whose::Configuration, Class::Configuration, remedy);
        Ok(match (&hook.ended, failure) {
            (Some(reason), _) => {
                let what = format!("nothing more is posted there: {reason}; {} waiting", counted(waiting, "event"));
                Finding { health: Health::Fail, ..Finding::warn(&subject, what, advice("hook-ended")) }
            }
            (None, Some(failure)) => {
                let what = format!("{} waiting; the last try ended with: {failure}", counted(waiting, "event"));
                Finding::warn(&subject, what, advice("hook-failing"))
            }
            (None, None) => Finding::ok(&subject, format!("{} waiting", counted(waiting, "event"))),
        })
    }

    fn examine_allowance(&self, connection: &Connection) -> Option<Finding> {
        let daily = self.allowance(&connection.id).ok()??;
        let (remaining, what) = (daily.remaining?, daily.describe()?);
        let subject = format!("connection {}", connection.id);
        // A tenth is what a day's increments need; a backfill needs more.
        if daily.limit.is_some_and(|limit| remaining.saturating_mul(10) < limit) {
            let remedy = "wait for the next day before a backfill, or buy a larger allowance from the CRM";
            return Some(Finding::warn(&subject, what, Advice::new("low-allowance", Whose::Crm, Class::Crm, remedy)));
        }
        Some(Finding::ok(&subject, what))
    }
}

fn sign_in_again(connection: &Connection) -> Advice {
    let remedy = format!("sign in again with `ferry connection sign-in {}`", connection.id);
    Advice::new("signed-out", Whose::Crm, Class::SignIn, remedy)
}
