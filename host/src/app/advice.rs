//! What to do about a failure: its code, whose it is to mend, its class, the next step. Only knows; never acts.

use std::fmt;

use crate::model::failure::{CallError, Failure, Fault};
use crate::model::id::ConnectionId;
use crate::model::mapping::MappingError;
use crate::plugin::LoadError;
use crate::plugin::package::PackageError;
use crate::store::StoreError;
use crate::sync::SyncError;
use crate::vault::{TokenError, VaultError};

/// Who can mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    Plugin,
    Ferry,
    Crm,
    Configuration,
    Machine,
}

impl Whose {
    /// For machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plugin => "plugin",
            Self::Ferry => "host",
            Self::Crm => "crm",
            Self::Configuration => "configuration",
            Self::Machine => "machine",
        }
    }
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plugin => "the plugin",
            Self::Ferry => "ferry itself",
            Self::Crm => "the CRM",
            Self::Configuration => "the configuration",
            Self::Machine => "this machine",
        })
    }
}

/// Failures that are answered alike, as by one exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Internal,
    /// A setting, a name, something that is not there.
    Configuration,
    /// The sign-in or a permission.
    SignIn,
    /// A limit or a trouble of the CRM, or of the way to it.
    Crm,
    /// A plugin broke the contract or its limits, or is no plugin.
    Plugin,
    /// The state directory, the disk or a file.
    State,
    /// Somebody stopped it.
    Stopped,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// Stable, for machines.
    pub code: &'static str,
    pub whose: Whose,
    pub class: Class,
    pub remedy: String,
}

impl Advice {
    pub fn new(code: &'static str, whose: Whose, class: Class, remedy: impl Into<String>) -> Self {
        Self { code, whose, class, remedy: remedy.into() }
    }

    fn with(self, remedy: String) -> Self {
        Self { remedy, ..self }
    }
}

pub(super) fn configuration(code: &'static str, remedy: impl Into<String>) -> Advice {
    Advice::new(code, Whose::Configuration, Class::Configuration, remedy)
}

pub(super) fn disk(code: &'static str, remedy: &'static str) -> Advice {
    Advice::new(code, Whose::Machine, Class::State, remedy)
}

pub fn of_store(error: &StoreError) -> Advice {
    let whose = match error {
        StoreError::Encode(_) => Whose::Ferry,
        _ => Whose::Machine,
    };
    Advice::new(error.code(), whose, Class::State, error.remedy())
}

pub fn of_fault(fault: &Fault) -> Advice {
    Advice::new(fault.kind.code(), Whose::Plugin, Class::Plugin, fault.kind.remedy())
}

pub(super) fn of_package(error: &PackageError) -> Advice {
    let plugin = |code, remedy: &str| Advice::new(code, Whose::Plugin, Class::Plugin, remedy);
    let author = "tell the plugin's publisher, or mend it if it is yours";
    match error {
        PackageError::Truncated => plugin("package-truncated", "get the file again"),
        PackageError::NotWasm => plugin("package-not-wasm", "name a packed plugin, a file that ends in `.wasm`"),
        PackageError::CoreModule | PackageError::NoManifest => {
            plugin("package-not-packed", "pack it first: `ferry plugin pack FILE --manifest plugin.toml`")
        }
        PackageError::Packed => plugin("package-packed", "pack the component as the compiler made it"),
        PackageError::Manifest(_) => plugin("package-manifest", author),
        PackageError::Invalid(_) => plugin("package-invalid", author),
        PackageError::WrongWorld { .. } => plugin("package-world", author),
        PackageError::OtherContract { .. } => plugin("package-contract", "get a version for this host"),
        PackageError::ForbiddenImports { .. } => plugin(
            "package-imports",
            "tell the plugin's publisher; if it is yours, build it with the SDK of its language, which leaves out what a runtime would \
             import by itself, and see whether a library reaches out",
        ),
        PackageError::TooLarge { .. } => plugin("package-too-large", author),
        PackageError::Componentize(_) => plugin("package-component", author),
        PackageError::Referenced { .. } | PackageError::ReferencedTooLarge { .. } | PackageError::Icon(_) => {
            configuration("package-file", "mend the path in the manifest, or the file")
        }
        PackageError::TooMuch { .. } => plugin("package-shape", author),
        PackageError::Twice(_) | PackageError::PartMissing(_) => plugin("package-layout", author),
        PackageError::Signature(_) => plugin(
            "package-signature",
            "don't use this file: get it again from its publisher, and ask there if it is refused again",
        ),
    }
}

pub(super) fn of_load(error: &LoadError) -> Advice {
    let again = "install the plugin again from its packed file";
    match error {
        LoadError::Package(error) => of_package(error),
        LoadError::Unreadable { .. } => disk("plugin-unreadable", again),
        LoadError::NotGranted { .. } => disk("plugin-bytes", again),
        LoadError::Mismatch { .. } => {
            Advice::new("plugin-mismatch", Whose::Plugin, Class::Plugin, "get a version for this host")
        }
        LoadError::Compile { .. } => {
            Advice::new("plugin-compile", Whose::Plugin, Class::Plugin, "report it to the plugin's publisher")
        }
        LoadError::WrongKind { .. } => configuration("plugin-kind", "name a plugin of the other kind"),
        LoadError::Sandbox(_) => Advice::new(
            "sandbox",
            Whose::Machine,
            Class::State,
            "check how much memory this machine lets a process reserve (`ulimit -v`)",
        ),
    }
}

pub(super) fn of_vault(error: &VaultError) -> Advice {
    match error {
        VaultError::Store(_) => disk("vault-store", "check the state directory and repeat the command"),
        VaultError::Unsealable { connection } => disk("vault-key", "").with(format!(
            "give the key that was used before (--key-file), or `ferry connection sign-in {connection}`"
        )),
        VaultError::BadKey(_) => configuration("bad-key", "give the key again, exactly as the CRM shows it"),
        VaultError::BrokenOff => {
            Advice::new("vault-broken-off", Whose::Ferry, Class::Internal, "repeat the command, and report it")
        }
    }
}

/// The CRM sent us to an address that nobody granted.
pub(super) fn instance() -> Advice {
    let remedy = "sign in to an account at an address that the plugin asks for (`ferry plugin inspect` lists them); for \
                  development, `ferry plugin install --allow-loopback` names one on this machine";
    Advice::new("sign-in-address", Whose::Crm, Class::SignIn, remedy)
}

pub(super) fn of_token(connection: &ConnectionId, error: &TokenError) -> Advice {
    let sign_in = |remedy: String| Advice::new("sign-in", Whose::Crm, Class::SignIn, remedy);
    match error {
        TokenError::Refused(_) => {
            sign_in("check client id, client secret and redirect address in the CRM, then sign in again".to_owned())
        }
        TokenError::StateMismatch => sign_in(format!("sign in again, in one browser: connection `{connection}`")),
        TokenError::Trouble(_) => Advice::new("sign-in-trouble", Whose::Crm, Class::Crm, "sign in again later"),
        TokenError::Instance(_) => instance(),
        TokenError::Key(_) => configuration("bad-key", "give the key again, exactly as the CRM or its maker wrote it"),
        TokenError::Manifest(_) => {
            Advice::new("sign-in-manifest", Whose::Plugin, Class::Plugin, "report it to the plugin's publisher")
        }
    }
}

/// Code and remedy are the run's own; whose fault and which class it is, is told apart here.
pub fn of_sync(error: &SyncError) -> Advice {
    let (whose, class) = match error {
        SyncError::Store(error) => return of_store(error),
        SyncError::Call { source: CallError::Fault(_), .. }
        | SyncError::Mapping(MappingError::Fault(_))
        | SyncError::MapperFault(_)
        | SyncError::TooDense(_) => (Whose::Plugin, Class::Plugin),
        SyncError::Call { source: CallError::Advice(failure), .. } => of_failure(failure),
        SyncError::Mapping(MappingError::Mistakes(_))
        | SyncError::Attribute(_)
        | SyncError::NoMapper(_)
        | SyncError::Unread(_)
        | SyncError::TooManyGone { .. } => (Whose::Configuration, Class::Configuration),
        // What an account may see is the CRM's to say, as with any other permission.
        SyncError::FieldsVanished(_) => (Whose::Crm, Class::SignIn),
        SyncError::Stopped => (Whose::Configuration, Class::Stopped),
        SyncError::Lost => (Whose::Ferry, Class::Internal),
    };
    Advice::new(error.code(), whose, class, error.remedy())
}

/// Whose fault a connector's answer tells of.
fn of_failure(failure: &Failure) -> (Whose, Class) {
    match failure {
        Failure::Unauthorized(_) | Failure::Forbidden(_) => (Whose::Crm, Class::SignIn),
        Failure::Missing(_) | Failure::Unsupported(_) | Failure::Invalid(_) => {
            (Whose::Configuration, Class::Configuration)
        }
        Failure::WindowTooLarge(_) | Failure::TokenExpired => (Whose::Plugin, Class::Plugin),
        Failure::RateLimited(_) | Failure::QuotaExhausted(_) | Failure::Temporary(_) | Failure::Permanent(_) => {
            (Whose::Crm, Class::Crm)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_an_owner_a_class_and_a_next_step() {
        let known: Vec<(Failure, &str, Whose, Class)> = vec![
            (Failure::Unauthorized("x".into()), "crm-unauthorized", Whose::Crm, Class::SignIn),
            (Failure::Forbidden(vec!["a".into()]), "crm-forbidden", Whose::Crm, Class::SignIn),
            (Failure::RateLimited(None), "crm-rate-limited", Whose::Crm, Class::Crm),
            (Failure::QuotaExhausted(None), "crm-quota-exhausted", Whose::Crm, Class::Crm),
            (Failure::WindowTooLarge(None), "crm-window-too-large", Whose::Plugin, Class::Plugin),
            (Failure::TokenExpired, "crm-token-expired", Whose::Plugin, Class::Plugin),
            (Failure::Missing("x".into()), "crm-missing", Whose::Configuration, Class::Configuration),
            (Failure::Unsupported("x".into()), "crm-unsupported", Whose::Configuration, Class::Configuration),
            (Failure::Invalid(vec![]), "crm-invalid", Whose::Configuration, Class::Configuration),
            (Failure::Temporary("x".into()), "crm-temporary", Whose::Crm, Class::Crm),
            (Failure::Permanent("x".into()), "crm-permanent", Whose::Crm, Class::Crm),
        ];
        let connection: crate::model::id::ConnectionId = "hub".parse().unwrap();
        for (failure, code, whose, class) in known {
            let source = CallError::Advice(failure);
            let advice = of_sync(&SyncError::Call { connection: connection.clone(), verb: "pull", source });
            assert_eq!((advice.code, advice.whose, advice.class), (code, whose, class));
            assert!(!advice.remedy.is_empty(), "{code}");
        }
    }
}
