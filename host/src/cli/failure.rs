//! What ends a command early, how it is told, and with which exit code. Each error's advice is the library's.

use std::path::PathBuf;

use serde_json::json;

use super::output::Output;
use super::table::clean;
use ferry::app::advice::{Advice, Class, Whose};
use ferry::app::error::AppError;

/// Shown below `ferry --help`.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
    0  done
    1  a mistake in ferry itself
    2  the command line is wrong
    3  something is configured wrongly, or is not there
    4  the CRM refuses the sign-in, or a permission is missing
    5  the CRM's limit, or trouble of the CRM or on the way to it
    6  a plugin broke its limits or the contract, or is not a plugin
    7  the state directory, the disk or a file can't be used
  130  stopped by Ctrl-C, in good order";

/// The longest line of an error: a CRM's message may be a page of HTML.
const LONGEST_LINE: usize = 1_000;

/// Causes that are told; a long chain ends in what nobody can use.
const MOST_CAUSES: usize = 20;

#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    #[error(transparent)]
    App(#[from] AppError),
    /// The command line reads well and still makes no sense.
    #[error("{what}")]
    Usage { what: String, remedy: String },
    #[error("`{}` can't be read", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// There is no such file, and what was written is, or is like, the name of a preset.
    #[error("there is no file `{}`", path.display())]
    MeantPreset { path: PathBuf, remedy: String },
    #[error("`{}` can't be written", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    /// What came from a file or a line of it is not what it should be.
    #[error("{what}")]
    Content { what: String, remedy: String },
    #[error("nobody signed in")]
    SignIn(#[from] super::redirect::RedirectError),
    #[error("the output could not be written")]
    Output(#[source] std::io::Error),
    #[error("the command could not be started")]
    Start(#[source] std::io::Error),
    #[error("stopped")]
    Stopped,
    #[error("commands can't be taken in the state directory")]
    Listen(#[source] std::io::Error),
    #[error("the API can't be served at this address")]
    ListenHttp(#[source] std::io::Error),
    #[error("the server ended before the command did")]
    ServerGone,
    #[error("the server could not be understood")]
    Server(#[source] std::io::Error),
    #[error("the server that has the state open is ferry {server}, and this is {}", env!("CARGO_PKG_VERSION"))]
    OtherVersion { server: String },
    #[error("the command failed in the server by a mistake in ferry")]
    Panicked,
    /// Somebody has changed what nobody may.
    #[error("{0}")]
    AuditLog(String),
    /// `ferry doctor` has told what is wrong: only the exit code is left to say.
    #[error("something needs mending")]
    Diagnosed(Class),
}

impl CliError {
    pub(super) fn usage(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Usage { what: what.into(), remedy: remedy.into() }
    }

    pub(super) fn content(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Content { what: what.into(), remedy: remedy.into() }
    }

    /// Whoever read the output has gone, as in `ferry contacts list | head`: no error.
    pub(super) fn is_closed_pipe(&self) -> bool {
        match self {
            Self::Output(error) => error.kind() == std::io::ErrorKind::BrokenPipe,
            _ => false,
        }
    }

    /// Another process holds the state.
    pub(super) fn is_held(&self) -> bool {
        matches!(self, Self::App(error) if error.is_held())
    }

    fn advice(&self) -> Advice {
        match self {
            Self::App(error) => error.advice(),
            Self::Usage { remedy, .. } => {
                Advice::new("usage", Whose::Configuration, Class::Configuration, remedy.as_str())
            }
            Self::Content { remedy, .. } => {
                Advice::new("content", Whose::Configuration, Class::Configuration, remedy.as_str())
            }
            Self::Read { .. } => Advice::new(
                "file-read",
                Whose::Configuration,
                Class::Configuration,
                "check the path and its permissions",
            ),
            Self::MeantPreset { remedy, .. } => {
                Advice::new("file-read", Whose::Configuration, Class::Configuration, remedy.as_str())
            }
            Self::Write { .. } | Self::Output(_) => {
                Advice::new("file-write", Whose::Machine, Class::State, "check the path, its permissions and the disk")
            }
            Self::SignIn(error) => error.advice(),
            Self::Start(_) => Advice::new(
                "start",
                Whose::Machine,
                Class::Internal,
                "check this machine's limits on threads and files",
            ),
            Self::Stopped => Advice::new(
                "stopped",
                Whose::Configuration,
                Class::Stopped,
                "run it again: it goes on where it stopped",
            ),
            Self::Listen(_) => Advice::new(
                "control-socket",
                Whose::Machine,
                Class::State,
                "put the state on a local disk that knows sockets, with --state DIR",
            ),
            Self::ListenHttp(_) => Advice::new(
                "listen",
                Whose::Machine,
                Class::Configuration,
                "name an address of this machine and a port that is free with --listen, as in 127.0.0.1:8080",
            ),
            Self::ServerGone => Advice::new(
                "server-gone",
                Whose::Machine,
                Class::State,
                "look whether it has happened already, then repeat the command",
            ),
            Self::Server(_) | Self::OtherVersion { .. } => Advice::new(
                "server-version",
                Whose::Machine,
                Class::State,
                "start the server again with this version of ferry",
            ),
            Self::Panicked => {
                Advice::new("panic", Whose::Ferry, Class::Internal, "please report it with the server's log")
            }
            Self::AuditLog(_) => Advice::new(
                "audit-log",
                Whose::Machine,
                Class::State,
                "find out who can write in the state directory, and compare with a backup",
            ),
            Self::Diagnosed(class) => Advice::new("diagnosed", Whose::Configuration, *class, "see the report above"),
        }
    }

    pub(super) fn exit_code(&self) -> u8 {
        if matches!(self, Self::Usage { .. }) {
            return 2;
        }
        exit_code(self.advice().class)
    }

    /// To stderr, for people or for machines.
    pub(super) fn report(&self, output: &Output) {
        if matches!(self, Self::Diagnosed(_)) {
            return;
        }
        output.tell(&if output.json { self.for_machines() } else { self.for_people() });
    }

    fn causes(&self) -> Vec<String> {
        let causes = match self {
            Self::App(error) => error.causes(),
            _ => chain(self),
        };
        causes.into_iter().take(MOST_CAUSES).collect()
    }

    fn for_people(&self) -> String {
        let advice = self.advice();
        let mut text = format!("error: {}", clean(&self.to_string(), LONGEST_LINE));
        for cause in self.causes() {
            text.push_str(&format!("\n  cause: {}", clean(&cause, LONGEST_LINE)));
        }
        text.push_str(&format!("\n  whose: {}\n  try: {}", advice.whose, clean(&advice.remedy, LONGEST_LINE)));
        text
    }

    fn for_machines(&self) -> String {
        let advice = self.advice();
        json!({ "error": {
            "code": advice.code,
            "message": self.to_string(),
            "whose": advice.whose.as_str(),
            "remedy": advice.remedy,
            "causes": self.causes(),
        }})
        .to_string()
    }
}

fn chain(error: &dyn std::error::Error) -> Vec<String> {
    let mut causes = Vec::new();
    let mut source = error.source();
    while let Some(error) = source {
        causes.push(error.to_string());
        source = error.source();
    }
    causes
}

pub(super) fn exit_code(class: Class) -> u8 {
    match class {
        Class::Internal => 1,
        Class::Configuration => 3,
        Class::SignIn => 4,
        Class::Crm => 5,
        Class::Plugin => 6,
        Class::State => 7,
        Class::Stopped => 130,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferry::app::error::Thing;
    use ferry::model::failure::{CallError, Failure};
    use ferry::model::mapping::Mistake;
    use ferry::store::StoreError;

    fn cases() -> Vec<(CliError, u8, &'static str)> {
        let hub = "hub".parse().unwrap();
        let mapper = "field-mapper".parse().unwrap();
        vec![
            (
                AppError::not_found(Thing::Connection, "hup", ["hub", "sandbox"]).into(),
                3,
                "error: there is no connection `hup`\n  whose: the configuration\n  \
                 try: did you mean `hub`? `ferry connection list` shows what there is",
            ),
            (
                AppError::call(&hub, "pull", CallError::Advice(Failure::Unauthorized("expired".into()))).into(),
                4,
                "error: connection `hub` failed at `pull`\n  cause: the CRM no longer accepts the sign-in: expired\n  \
                 whose: the CRM\n  try: sign in again with `ferry connection sign-in hub`",
            ),
            (
                AppError::Mapping {
                    mapper,
                    outcome: None,
                    mistakes: vec![Mistake {
                        line: Some(7),
                        path: "fields.phone.from".into(),
                        message: "there is no field `fone`".into(),
                        hint: Some("did you mean `phone`?".into()),
                    }],
                }
                .into(),
                3,
                "error: the mapping by `field-mapper` has 1 mistake\n  \
                 cause: line 7, `fields.phone.from`: there is no field `fone` (did you mean `phone`?)\n  \
                 whose: the configuration\n  try: mend the places named above",
            ),
            (
                AppError::from(StoreError::Newer { found: 9, known: 1 }).into(),
                7,
                "error: the state was written by a newer version (schema 9; this one knows 1)\n  \
                 whose: this machine\n  \
                 try: use the newer version of ferry, or name another directory with --state",
            ),
            (
                CliError::usage("`--filter` can't be read", "write it as in `lifecyclestage = customer`"),
                2,
                "error: `--filter` can't be read\n  whose: the configuration\n  \
                 try: write it as in `lifecyclestage = customer`",
            ),
        ]
    }

    #[test]
    fn an_error_says_what_why_whose_and_what_to_do() {
        for (error, code, text) in cases() {
            assert_eq!((error.for_people().as_str(), error.exit_code()), (text, code));
        }
    }

    #[test]
    fn machines_get_the_same_as_one_document() {
        let (error, ..) = cases().remove(0);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&error.for_machines()).unwrap(),
            json!({ "error": {
                "code": "connection-not-found",
                "message": "there is no connection `hup`",
                "whose": "configuration",
                "remedy": "did you mean `hub`? `ferry connection list` shows what there is",
                "causes": [],
            }})
        );
    }

    #[test]
    fn a_reader_that_has_gone_is_no_error() {
        let error = |kind| CliError::Output(std::io::Error::from(kind));
        assert!(error(std::io::ErrorKind::BrokenPipe).is_closed_pipe());
        assert!(!error(std::io::ErrorKind::StorageFull).is_closed_pipe());
    }
}
