//! Why a call into a plugin gave nothing: the plugin's own advice, or the plugin's fault.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::id::PluginId;
use super::time::Instant;
use super::value::Problem;

/// A connector's advice on what to do next. Messages are for people and hold no secrets and no values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    #[error("the CRM no longer accepts the sign-in: {0}")]
    Unauthorized(String),
    #[error("the CRM account lacks permissions: {}", .0.join(", "))]
    Forbidden(Vec<String>),
    #[error("the CRM asks to slow down")]
    RateLimited(Option<Duration>),
    #[error("the CRM account's allowance is used up")]
    QuotaExhausted(Option<Instant>),
    #[error("the window holds more records than the CRM pages through")]
    WindowTooLarge(Option<u64>),
    #[error("the page token is no longer good")]
    TokenExpired,
    #[error("`{0}` is not there")]
    Missing(String),
    #[error("the connector can't do that: {0}")]
    Unsupported(String),
    #[error("the settings or the request are wrong: {}", problems(.0))]
    Invalid(Vec<Problem>),
    #[error("it may work later: {0}")]
    Temporary(String),
    #[error("it will not work by itself: {0}")]
    Permanent(String),
}

impl Failure {
    /// Whether it is about the connection, so that nothing else can be asked either.
    pub fn is_of_connection(&self) -> bool {
        matches!(self, Self::Unauthorized(_) | Self::Forbidden(_) | Self::QuotaExhausted(_))
    }

    /// Its name in the contract.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unauthorized(_) => "unauthorized",
            Self::Forbidden(_) => "forbidden",
            Self::RateLimited(_) => "rate-limited",
            Self::QuotaExhausted(_) => "quota-exhausted",
            Self::WindowTooLarge(_) => "window-too-large",
            Self::TokenExpired => "token-expired",
            Self::Missing(_) => "missing",
            Self::Unsupported(_) => "unsupported",
            Self::Invalid(_) => "invalid",
            Self::Temporary(_) => "temporary",
            Self::Permanent(_) => "permanent",
        }
    }
}

fn problems(list: &[Problem]) -> String {
    let lines: Vec<String> = list
        .iter()
        .map(|problem| match &problem.field {
            Some(field) => format!("`{field}`: {}", problem.message),
            None => problem.message.clone(),
        })
        .collect();
    lines.join("; ")
}

/// What a plugin did that the host does not allow, or that broke it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("plugin `{plugin}` failed in `{verb}`: {kind}")]
pub struct Fault {
    pub plugin: PluginId,
    /// The verb of the contract, as in `pull`.
    pub verb: &'static str,
    pub kind: FaultKind,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// It panicked or ran into an illegal instruction; the text is the engine's, cut short.
    #[error("it crashed ({0})")]
    Trap(String),
    #[error("it recursed too deeply")]
    StackOverflow,
    #[error("it ran for longer than {limit_ms} ms")]
    Deadline { limit_ms: u64 },
    #[error("it wanted more than {limit_mib} MiB of memory")]
    Memory { limit_mib: u32 },
    #[error("it made more than {limit} host calls")]
    HostCalls { limit: u32 },
    #[error("it moved more than {limit_mib} MiB through `http`")]
    Traffic { limit_mib: u32 },
    #[error("it wanted a table of more than {limit} elements")]
    Tables { limit: u32 },
    #[error("it held more than {limit} handles of resources at once")]
    Handles { limit: u32 },
    #[error("its answer is larger than {limit_mib} MiB")]
    AnswerSize { limit_mib: u32 },
    /// The answer has the contract's types but breaks its rules.
    #[error("its answer breaks the contract: {0}")]
    BadAnswer(String),
    /// It could not be loaded or linked at call time.
    #[error("it could not be started: {0}")]
    Start(String),
    /// It failed too often in a row, and is not called for a while; of a mapper, under one configuration.
    #[error(
        "{} quarantined until {until}, after {faults} faults in a row; the last: {last}",
        if *mapping { "this mapping is" } else { "it is" }
    )]
    Quarantined { mapping: bool, until: Instant, faults: u32, last: String },
}

impl FaultKind {
    /// Every code that there is.
    pub const CODES: [&'static str; 12] = [
        "plugin-trap",
        "plugin-stack-overflow",
        "plugin-deadline",
        "plugin-memory",
        "plugin-host-calls",
        "plugin-answer-size",
        "plugin-bad-answer",
        "plugin-traffic",
        "plugin-tables",
        "plugin-handles",
        "plugin-start",
        "plugin-quarantined",
    ];

    /// A stable code for machines, as in `--json` output.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Trap(_) => "plugin-trap",
            Self::StackOverflow => "plugin-stack-overflow",
            Self::Deadline { .. } => "plugin-deadline",
            Self::Memory { .. } => "plugin-memory",
            Self::HostCalls { .. } => "plugin-host-calls",
            Self::AnswerSize { .. } => "plugin-answer-size",
            Self::BadAnswer(_) => "plugin-bad-answer",
            Self::Traffic { .. } => "plugin-traffic",
            Self::Tables { .. } => "plugin-tables",
            Self::Handles { .. } => "plugin-handles",
            Self::Start(_) => "plugin-start",
            Self::Quarantined { .. } => "plugin-quarantined",
        }
    }

    /// The next step for an admin.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Deadline { .. } => {
                "report it to the plugin's publisher: a version whose manifest asks for more `call-seconds` can be granted that; \
                 in a mapping script, look for loops"
            }
            Self::Memory { .. } => {
                "report it to the plugin's publisher: a version whose manifest asks for more `memory-mib` can be granted that; \
                 in a mapping script, look for texts and lists that grow"
            }
            Self::HostCalls { .. } => {
                "report it to the plugin's publisher: a version whose manifest asks for more `host-calls` can be granted that"
            }
            Self::Traffic { .. } => {
                "report it to the plugin's publisher: a version whose manifest asks for more `traffic-mib` can be granted that"
            }
            Self::AnswerSize { .. } => {
                "report it to the plugin's publisher: it should give smaller pages, or its manifest ask for more `answer-mib`"
            }
            Self::Tables { .. } => {
                "report it to the plugin's publisher: it has more functions behind pointers than any plugin is given room for"
            }
            Self::Handles { .. } => {
                "report it to the plugin's publisher: it keeps what it should close, and no plugin is given more"
            }
            Self::Quarantined { mapping: true, .. } => {
                "mend the mapping: a changed one is called at once; or try it again with `ferry plugin release`"
            }
            Self::Quarantined { .. } => {
                "go back with `ferry plugin rollback`, upgrade it, or try it again at once with `ferry plugin release`"
            }
            Self::Start(_) => "install the plugin again; if that fails too, report it to the plugin's publisher",
            Self::StackOverflow => {
                "report it to the plugin's publisher: it calls itself without end; in a mapping script, look for recursion"
            }
            Self::Trap(_) | Self::BadAnswer(_) => {
                "report it to the plugin's publisher; nothing was written, so the call can be repeated"
            }
        }
    }
}

/// A limit that a call broke and lived: what is too much is dropped, said in the call's log, and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// More lines of its log than a call may write.
    LogLines,
    /// A line of its log that is longer than one may be.
    LogBytes,
}

impl Excess {
    pub const ALL: [Self; 2] = [Self::LogLines, Self::LogBytes];

    /// A stable code for machines, as [`FaultKind::code`].
    pub fn code(self) -> &'static str {
        match self {
            Self::LogLines => "plugin-log-lines",
            Self::LogBytes => "plugin-log-bytes",
        }
    }

    /// The next step for an admin.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::LogLines => "report it to the plugin's publisher: it should write a line a page, not one a record",
            Self::LogBytes => "report it to the plugin's publisher: a line is for a sentence, not for what a CRM sent",
        }
    }
}

/// Why a call gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error(transparent)]
    Advice(#[from] Failure),
    #[error(transparent)]
    Fault(#[from] Fault),
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_breach_of_a_limit_has_a_code_and_a_remedy_of_its_own() {
        let breaches = [
            FaultKind::StackOverflow,
            FaultKind::Deadline { limit_ms: 1 },
            FaultKind::Memory { limit_mib: 1 },
            FaultKind::HostCalls { limit: 1 },
            FaultKind::Traffic { limit_mib: 1 },
            FaultKind::Tables { limit: 1 },
            FaultKind::Handles { limit: 1 },
            FaultKind::AnswerSize { limit_mib: 1 },
        ];
        let others = [
            FaultKind::Trap(String::new()),
            FaultKind::BadAnswer(String::new()),
            FaultKind::Start(String::new()),
            FaultKind::Quarantined { mapping: false, until: Instant(0), faults: 1, last: String::new() },
        ];
        let remedies = breaches.iter().map(FaultKind::remedy).chain(Excess::ALL.map(Excess::remedy));
        assert_eq!(remedies.collect::<BTreeSet<_>>().len(), breaches.len() + Excess::ALL.len());
        let codes: BTreeSet<&str> = breaches.iter().chain(&others).map(FaultKind::code).collect();
        assert_eq!(codes, BTreeSet::from(FaultKind::CODES));
        assert!(Excess::ALL.iter().all(|excess| !codes.contains(excess.code())));
    }
}
