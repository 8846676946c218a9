//! The one place that prints: data to stdout, notes to stderr. Knows terminals; knows nothing of what it prints.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use super::failure::CliError;
use super::table::Table;

/// Used where a terminal does not tell its width, and as the width of nobody's terminal in tests.
const USUAL_WIDTH: u16 = 100;

/// How the answer is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    pub(super) json: bool,
    /// Stdout is a terminal, this wide.
    width: Option<u16>,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        let width = io::stdout().is_terminal().then(|| Table::terminal_width().unwrap_or(USUAL_WIDTH));
        Self { json, width }
    }

    /// Whether a person sees what goes to stderr now.
    pub(super) fn watched(self) -> bool {
        !self.json && io::stderr().is_terminal()
    }

    /// Whether a person can be asked.
    pub(super) fn interactive(self) -> bool {
        self.watched() && io::stdin().is_terminal()
    }

    /// One JSON document, or what `people` makes for people.
    pub(super) fn answer<T: Serialize>(self, document: &T, people: impl FnOnce() -> Table) -> Result<(), CliError> {
        if self.json { self.document(document) } else { self.table(&people()) }
    }

    pub(super) fn document<T: Serialize>(self, document: &T) -> Result<(), CliError> {
        let text = serde_json::to_string_pretty(document).map_err(|error| CliError::Output(error.into()))?;
        self.line(&text)
    }

    /// One JSON document on a line of its own, in a stream of them.
    pub(super) fn json_line<T: Serialize>(self, document: &T) -> Result<(), CliError> {
        let text = serde_json::to_string(document).map_err(|error| CliError::Output(error.into()))?;
        self.line(&text)
    }

    pub(super) fn table(self, table: &Table) -> Result<(), CliError> {
        self.text(&table.render(self.width))
    }

    /// Says that something is gone.
    pub(super) fn removed(self, what: &str, name: &str) -> Result<(), CliError> {
        if self.json {
            return self.document(&serde_json::json!({ "removed": { what: name } }));
        }
        self.note(&format!("removed {what} `{name}`"));
        Ok(())
    }

    pub(super) fn line(self, line: &str) -> Result<(), CliError> {
        writeln!(io::stdout().lock(), "{line}").map_err(CliError::Output)
    }

    /// Text that has its line ends.
    pub(super) fn text(self, text: &str) -> Result<(), CliError> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(CliError::Output)
    }

    /// Stdout for a long stream; whoever writes to it flushes it.
    pub(super) fn raw(self) -> impl Write {
        io::BufWriter::new(io::stdout().lock())
    }

    /// For people, beside the data; nothing with `--json`.
    pub(super) fn note(self, text: &str) {
        if !self.json {
            self.tell(text);
        }
    }

    /// For whoever looks at stderr, person or machine. A closed stderr is nobody's loss.
    pub(super) fn tell(self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Asks a yes-or-no question; no is the default.
    pub(super) fn ask(self, question: &str) -> Result<bool, CliError> {
        let mut stderr = io::stderr().lock();
        write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush()).map_err(CliError::Output)?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).map_err(CliError::Output)?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }
}

/// How the library spells a word of the model, as in `long-text`.
pub(super) fn word<T: Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
