//! What to do about a failure: its code, whose it is to mend, its class, the next step. Only knows; never acts.

use std::fmt;

use crate::model::failure::{CallError, Failure, Fault};
use crate::model::id::ConnectionId;
use crate::store::StoreError;

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

/// What to do when a call through `connection` gave nothing.
pub fn of_call(connection: &ConnectionId, error: &CallError) -> Advice {
    match error {
        CallError::Fault(fault) => of_fault(fault),
        CallError::Advice(failure) => of_failure(connection, failure),
    }
}

fn of_failure(connection: &ConnectionId, failure: &Failure) -> Advice {
    let crm = |code, remedy: String| Advice::new(code, Whose::Crm, Class::Crm, remedy);
    match failure {
        Failure::Unauthorized(_) => Advice::new(
            "unauthorized",
            Whose::Crm,
            Class::SignIn,
            format!("sign in again: `ferry connection add {connection} --renew`"),
        ),
        Failure::Forbidden(_) => Advice::new(
            "forbidden",
            Whose::Crm,
            Class::SignIn,
            "ask an administrator of the CRM account for these permissions, then sign in again",
        ),
        Failure::RateLimited(Some(pause)) => {
            crm("rate-limited", format!("repeat the command in {} s or later", pause.as_secs().max(1)))
        }
        Failure::RateLimited(None) => crm("rate-limited", "repeat the command later".to_owned()),
        Failure::QuotaExhausted(Some(until)) => {
            crm("quota-exhausted", format!("repeat the command after {until}, or buy a larger allowance from the CRM"))
        }
        Failure::QuotaExhausted(None) => {
            crm("quota-exhausted", "repeat the command tomorrow, or buy a larger allowance from the CRM".to_owned())
        }
        Failure::WindowTooLarge(_) => crm("window-too-large", "repeat the command: smaller windows are used".to_owned()),
        Failure::TokenExpired => crm("token-expired", "repeat the command: the slice is started again".to_owned()),
        Failure::Missing(_) => configuration(
            "missing",
            format!("see what the CRM has: `ferry objects {connection}`, `ferry fields {connection} OBJECT`"),
        ),
        Failure::Unsupported(_) => configuration(
            "unsupported",
            format!("use another way; `ferry objects {connection}` shows what each object can do"),
        ),
        Failure::Invalid(_) => {
            configuration("invalid", "mend the settings, the filter or the mapping that is named above")
        }
        Failure::Temporary(_) => crm("temporary", "repeat the command later".to_owned()),
        Failure::Permanent(_) => crm("permanent", "read the CRM's message above; repeating will not help".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn every_advice_names_a_next_step() {
        let connection: ConnectionId = "hub".parse().unwrap();
        let known: Vec<(Failure, &str, Whose, Class)> = vec![
            (Failure::Unauthorized("x".into()), "unauthorized", Whose::Crm, Class::SignIn),
            (Failure::Forbidden(vec!["a".into()]), "forbidden", Whose::Crm, Class::SignIn),
            (Failure::RateLimited(Some(Duration::from_millis(10))), "rate-limited", Whose::Crm, Class::Crm),
            (Failure::QuotaExhausted(None), "quota-exhausted", Whose::Crm, Class::Crm),
            (Failure::WindowTooLarge(None), "window-too-large", Whose::Crm, Class::Crm),
            (Failure::TokenExpired, "token-expired", Whose::Crm, Class::Crm),
            (Failure::Missing("x".into()), "missing", Whose::Configuration, Class::Configuration),
            (Failure::Unsupported("x".into()), "unsupported", Whose::Configuration, Class::Configuration),
            (Failure::Invalid(vec![]), "invalid", Whose::Configuration, Class::Configuration),
            (Failure::Temporary("x".into()), "temporary", Whose::Crm, Class::Crm),
            (Failure::Permanent("x".into()), "permanent", Whose::Crm, Class::Crm),
        ];
        for (failure, code, whose, class) in known {
            let advice = of_call(&connection, &CallError::Advice(failure));
            assert_eq!((advice.code, advice.whose, advice.class), (code, whose, class));
            assert!(!advice.remedy.is_empty(), "{code}");
        }
    }
}
