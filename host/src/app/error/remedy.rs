//! What to do about each error: its code, whose it is to mend, its class, the next step.

use super::{AppError, Thing, kind_word};
use crate::app::advice::{self, Advice, Class, Whose};
use crate::model::id::PluginId;
use crate::sync::JoinError;
use crate::vault::KeyError;

impl AppError {
    /// Code, fault, class and remedy of each error: the one place that knows them.
    pub fn advice(&self) -> Advice {
        match self {
            Self::Store(error) => advice::of_store(error),
            Self::Sync(error) | Self::Join(JoinError::Sync(error)) => advice::of_sync(error),
            Self::Fault(fault) => advice::of_fault(fault),
            Self::Package(error) => advice::of_package(error),
            Self::Install(error) => error.advice(),
            Self::Fetch(error) => error.advice(),
            Self::Load(error) => advice::of_load(error),
            Self::Key(KeyError::NotInKeyring { .. }) => advice::disk(
                "sealing-key-absent",
                "put it there, as after every start of this machine: `ferry vault keep NAME --key-file FILE`",
            ),
            Self::Key(KeyError::Keyring { .. }) => advice::disk(
                "sealing-key-keyring",
                "use --key-file where this machine lets no process use the kernel's keyring, as some containers do",
            ),
            Self::Key(_) => advice::disk("sealing-key", "give the key that the credentials were sealed with"),
            Self::Project(error) => error.advice(),
            Self::Vault(error) => advice::of_vault(error),
            Self::Token { connection, error } => advice::of_token(connection, error),
            Self::Instance { .. } => advice::instance(),
            Self::NotAdded { source, .. } => Advice {
                remedy: "correct the sign-in, its permissions or the settings, then add the connection again"
                    .to_owned(),
                ..source.advice()
            },
            Self::Unchecked { connection, source } => Advice {
                remedy: format!("{}; then `ferry connection check {connection}`", source.advice().remedy),
                ..source.advice()
            },
            Self::Stopping => {
                Advice::new("stopping", Whose::Machine, Class::Stopped, "repeat it once the server is up again")
            }
            Self::Busy => Advice::new("busy", Whose::Machine, Class::Stopped, "ask again in a few seconds"),
            Self::File { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                advice::configuration("file", "check the path")
            }
            Self::File { .. } => {
                advice::disk("file", "check that the path is right, that you may use it and that the disk has space")
            }
            Self::SettingsSchema { .. } => Advice::new(
                "plugin-settings-schema",
                Whose::Plugin,
                Class::Plugin,
                "report it to the plugin's publisher: its packed settings schema is broken",
            ),
            _ => self.configuration(),
        }
    }

    /// What the one who typed the command can mend.
    fn configuration(&self) -> Advice {
        match self {
            Self::NotFound { what, near, .. } => not_found(*what, near.as_deref()),
            Self::Exists { what, .. } => advice::configuration(
                "name-taken",
                format!("choose another name, or remove that {} first", what.word()),
            ),
            Self::InUse { what, .. } => {
                advice::configuration("in-use", format!("remove what uses the {} first", what.word()))
            }
            Self::Name(_) => advice::configuration("invalid-name", "choose a name of that form"),
            Self::WrongKind { wanted, .. } => advice::configuration(
                "plugin-kind",
                format!("name a {}: see the column `kind` of `ferry plugin list`", kind_word(*wanted)),
            ),
            Self::Mapping { .. } => advice::configuration("mapping-mistakes", "mend the places named above"),
            Self::Settings { plugin, .. } => advice::configuration(
                "settings",
                format!("mend the settings named above; `ferry plugin inspect {plugin}` shows which there are"),
            ),
            Self::SettingsText(_) => advice::configuration("settings-json", "write the settings as one JSON object"),
            Self::NotGranted { plugin, origin, loopback } => not_granted(plugin, origin, *loopback),
            Self::NotOrigin { .. } => advice::configuration(
                "not-an-origin",
                "name scheme, host and, where it is another one, port of your server, as in https://crm.example.com; \
                 one in your own network is for --allow-private, one on this machine for --allow-loopback",
            ),
            Self::NotLoopback { .. } => advice::configuration(
                "not-loopback",
                "name scheme, host and port of a server on this machine, as in http://127.0.0.1:8080",
            ),
            Self::BaseAddress { .. } => advice::configuration("base-address", "write it as in https://api.example.com"),
            Self::BaseMissing { .. } => advice::configuration(
                "base-missing",
                "name yours with --base-url, once the plugin is installed with --allow-origin for it",
            ),
            Self::SignInMissing { offers, .. } | Self::SignInNotOffered { offers, .. } => sign_in(offers),
            Self::SeveralContacts { .. } => advice::configuration("several-contacts", "name one of them by its id"),
            Self::NoTarget { kind, .. } => advice::configuration(
                "no-target",
                format!(
                    "create a sync with `--outbound {kind}=..` and run it, so that the contact has a record in the CRM"
                ),
            ),
            Self::OfFiles => {
                advice::configuration("of-files", "`ferry contacts import FILE --name SYNC` brings its records")
            }
            Self::Sheet { .. } => {
                advice::configuration("import-file", "mend the lines named above; nothing was imported")
            }
            Self::SheetId { columns, .. } => {
                let shown: Vec<&str> = columns.iter().take(20).map(String::as_str).collect();
                let remedy = format!("name it with --id; the file has {}", shown.join(", "));
                advice::configuration("import-id", remedy)
            }
            Self::Attributes { .. } => advice::configuration("attributes", "mend the values named above"),
            Self::NoConflict { .. } => {
                advice::configuration("conflict-not-found", "`ferry conflicts list` shows what has to be decided")
            }
            Self::SeveralConflicts { .. } => advice::configuration("several-conflicts", "name one of them with --sync"),
            Self::Rekeys { .. } => advice::configuration(
                "match-key-change",
                "look at them with `ferry sync plan`; if it is meant, repeat this with --agree",
            ),
            Self::FirstMapping(_) => advice::configuration("mapping-first", "there is nothing to go back to"),
            Self::Join(error) => advice::configuration(error.code(), error.remedy()),
            Self::Outcome { .. } => advice::configuration("outcome", "mend the values named above"),
            Self::ReadOnly { .. } => advice::configuration("read-only", "take the field out of the outbound mapping"),
            Self::Running { sync, .. } => advice::configuration(
                "sync-running",
                format!("wait until it is done, or stop it with `ferry sync cancel {sync}`"),
            ),
            Self::Schedule(error) => advice::configuration("schedule", error.remedy()),
            Self::Webhook { connection, .. } => advice::configuration(
                "webhook-refused",
                format!(
                    "if the CRM did send it, check this machine's clock, `ferry serve --public-url`, and the signing \
                     secret, which `ferry connection sign-in {connection}` takes"
                ),
            ),
            Self::Rule { .. } => advice::configuration(
                "rule",
                "mend the conditions named above; `ferry audience create --help` says how rules are written",
            ),
            Self::HookAddress { .. } => advice::configuration(
                "hook-address",
                "name an https:// address of your platform; for development on this machine, add --allow-loopback",
            ),
            Self::HookSecret(hook) => advice::configuration(
                "hook-secret",
                format!("remove it with `ferry hook remove {hook}`, and add it again"),
            ),
            Self::Suppressed { .. } => advice::configuration(
                "contact-suppressed",
                "nothing is sent for them; `ferry suppress list` says since when and why",
            ),
            Self::WebhookReplayed { .. } => advice::configuration("webhook-replayed", "send each webhook once"),
            Self::BadKey => advice::configuration("idempotency-key", "give each request a key of its own, as a UUID"),
            Self::KeyReused { .. } => {
                advice::configuration("idempotency-key-reused", "repeat the same request, or ask with a new key")
            }
            Self::NotRunning(sync) => advice::configuration(
                "sync-not-running",
                format!("`ferry sync status {sync}` shows how its last run ended"),
            ),
            Self::Cassette(_) => advice::configuration(
                "cassette",
                "see wit/cassettes.md for the form, and `ferry plugin cassette` to make one",
            ),
            Self::Trace(_) => advice::configuration("trace", "make it with `ferry trace`, by this version of ferry"),
            Self::KeyFileMissing => {
                advice::configuration("key-file-missing", "say where the new key goes, with --new-key-file FILE")
            }
            Self::SignInIncomplete { remedy, .. } => advice::configuration("sign-in-incomplete", *remedy),
            _ => Advice::new("internal", Whose::Ferry, Class::Internal, "this is a mistake in ferry: please report it"),
        }
    }
}

fn not_found(what: Thing, near: Option<&str>) -> Advice {
    let list = what.listed_by();
    let remedy = match near {
        Some(near) => format!("did you mean `{near}`? `{list}` shows what there is"),
        None => format!("`{list}` shows what there is"),
    };
    advice::configuration(what.code(), remedy)
}

fn not_granted(plugin: &PluginId, origin: &str, loopback: bool) -> Advice {
    let remedy = if loopback {
        format!("for development only: `ferry plugin install {plugin}.wasm --allow-loopback {origin}`")
    } else {
        format!(
            "use an address that the plugin asks for (`ferry plugin inspect {plugin}` lists them), or, for a server of your \
             own, `ferry plugin install {plugin}.wasm --allow-origin {origin}`"
        )
    };
    advice::configuration("not-granted", remedy)
}

fn sign_in(offers: &[&str]) -> Advice {
    let remedy = if offers.is_empty() {
        "leave the sign-in away: this plugin needs none".to_owned()
    } else {
        format!("choose with --sign-in: {}", offers.join(", "))
    };
    advice::configuration("sign-in-way", remedy)
}
