//! What to do about a failure: its code, whose it is to mend, its class, the next step. Only knows; never acts.

use std::fmt;

use crate::model::failure::{CallError, Failure, Fault};
use crate::model::mapping::MappingError;
use crate::store::StoreError;
use crate::sync::SyncError;

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

/// Code and remedy are the run's own; whose fault and which class it is, is told apart here.
pub fn of_sync(error: &SyncError) -> Advice {
    let (whose, class) = match error {
        SyncError::Store(error) => return of_store(error),
        SyncError::Call { source: CallError::Fault(_), .. }
        | SyncError::Mapping(MappingError::Fault(_))
        | SyncError::MapperFault(_)
        | SyncError::TooDense(_) => (Whose::Plugin, Class::Plugin),
        SyncError::Call { source: CallError::Advice(failure), .. } => of_failure(failure),
        SyncError::Mapping(MappingError::Mistakes(_)) | SyncError::Attribute(_) | SyncError::NoMapper(_) => {
            (Whose::Configuration, Class::Configuration)
        }
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
