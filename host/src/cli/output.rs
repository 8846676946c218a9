//! What a command says: data to stdout, notes to stderr, in the form that was asked for. Knows nothing of what it prints.

use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::sync::Arc;

use ferry::model::sync::Counts;
use ferry::model::time::Instant;
use ferry::sync::Observer;
use serde::Serialize;

use super::console::{Console, Facts, LocalConsole, Step};
use super::failure::CliError;
use super::table::Table;

/// Bytes of a long stream that are gathered before they are written.
const STREAM_BUFFER: usize = 64 * 1024;

/// How the answer is wanted, and where it goes.
#[derive(Clone)]
pub(super) struct Output {
    pub(super) json: bool,
    facts: Facts,
    pub(super) console: Arc<dyn Console>,
}

impl Output {
    /// To this process's own terminal.
    pub(super) fn local(json: bool) -> Self {
        Self::new(json, LocalConsole::facts(), Arc::new(LocalConsole::default()))
    }

    pub(super) fn new(json: bool, facts: Facts, console: Arc<dyn Console>) -> Self {
        Self { json, facts, console }
    }

    /// Whether a person sees what goes to stderr now.
    pub(super) fn watched(&self) -> bool {
        !self.json && self.facts.watched
    }

    /// Whether a person can be asked.
    pub(super) fn interactive(&self) -> bool {
        !self.json && self.facts.interactive
    }

    /// One JSON document, or what `people` makes for people.
    pub(super) fn answer<T: Serialize>(&self, document: &T, people: impl FnOnce() -> Table) -> Result<(), CliError> {
        if self.json { self.document(document) } else { self.table(&people()) }
    }

    pub(super) fn document<T: Serialize>(&self, document: &T) -> Result<(), CliError> {
        let text = serde_json::to_string_pretty(document).map_err(|error| CliError::Output(error.into()))?;
        self.line(&text)
    }

    /// One JSON document on a line of its own, in a stream of them.
    pub(super) fn json_line<T: Serialize>(&self, document: &T) -> Result<(), CliError> {
        let text = serde_json::to_string(document).map_err(|error| CliError::Output(error.into()))?;
        self.line(&text)
    }

    pub(super) fn table(&self, table: &Table) -> Result<(), CliError> {
        self.text(&table.render(self.facts.width))
    }

    /// Says that something is gone.
    pub(super) fn removed(&self, what: &str, name: &str) -> Result<(), CliError> {
        if self.json {
            return self.document(&serde_json::json!({ "removed": { what: name } }));
        }
        self.note(&format!("removed {what} `{name}`"));
        Ok(())
    }

    pub(super) fn line(&self, line: &str) -> Result<(), CliError> {
        self.text(&format!("{line}\n"))
    }

    /// Text that has its line ends.
    pub(super) fn text(&self, text: &str) -> Result<(), CliError> {
        self.console.stdout(text.as_bytes()).map_err(CliError::Output)
    }

    /// Stdout for a long stream; whoever writes to it flushes it.
    pub(super) fn raw(&self) -> impl Write {
        BufWriter::with_capacity(STREAM_BUFFER, Stdout(Arc::clone(&self.console)))
    }

    /// For people, beside the data; nothing with `--json`.
    pub(super) fn note(&self, text: &str) {
        if !self.json {
            self.tell(text);
        }
    }

    /// For whoever looks at stderr, person or machine. A closed stderr is nobody's loss.
    pub(super) fn tell(&self, text: &str) {
        let _ = self.console.stderr(format!("{text}\n").as_bytes());
    }

    /// Asks a yes-or-no question; no is the default.
    pub(super) fn ask(&self, question: &str) -> Result<bool, CliError> {
        let answer = self.console.ask(&format!("{question} [y/N] ")).map_err(CliError::Output)?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// The file at `path`, or stdin for `-`.
    pub(super) fn open(&self, path: &Path) -> Result<Box<dyn Read>, CliError> {
        self.console.read(path).map_err(|source| CliError::Read { path: path.to_owned(), source })
    }

    /// All that the file at `path` holds.
    pub(super) fn bytes_of(&self, path: &Path) -> Result<Vec<u8>, CliError> {
        let mut bytes = Vec::new();
        let read = self.open(path)?.read_to_end(&mut bytes);
        read.map_err(|source| CliError::Read { path: path.to_owned(), source })?;
        Ok(bytes)
    }

    /// The text that the file at `path` holds.
    pub(super) fn text_of(&self, path: &Path) -> Result<String, CliError> {
        String::from_utf8(self.bytes_of(path)?).map_err(|error| CliError::Read {
            path: path.to_owned(),
            source: io::Error::new(io::ErrorKind::InvalidData, error),
        })
    }

    /// Writes a file that must not be there yet, so that nobody's work is lost.
    pub(super) fn new_file(&self, path: &Path, bytes: &[u8]) -> Result<(), CliError> {
        if self.console.read(path).is_ok() {
            let what = format!("`{}` is there already", path.display());
            return Err(CliError::content(what, "name a new file, or remove that one first"));
        }
        let write = || {
            let mut draft = self.console.write(path)?;
            draft.write_all(bytes)?;
            draft.keep()
        };
        write().map_err(|source| CliError::Write { path: path.to_owned(), source })
    }

    /// Shows how a run gets on, to whoever watches.
    pub(super) fn progress(&self) -> Progress {
        let console = self.watched().then(|| Arc::clone(&self.console));
        console.iter().for_each(|console| console.progress(Step::Begin));
        Progress(console)
    }
}

struct Stdout(Arc<dyn Console>);

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.stdout(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A run that somebody may be watching.
pub(super) struct Progress(Option<Arc<dyn Console>>);

impl Observer for Progress {
    fn page(&self, counts: &Counts, total: Option<u64>) {
        self.0.iter().for_each(|console| console.progress(Step::Page(*counts, total)));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.iter().for_each(|console| console.progress(Step::End));
    }
}

/// What a run did, in words; what did not happen is left out.
pub(super) fn told(counts: &Counts) -> String {
    let parts = [
        (counts.created, "created"),
        (counts.changed, "changed"),
        (counts.unchanged, "unchanged"),
        (counts.skipped, "skipped"),
        (counts.refused, "refused"),
        (counts.held, "to be decided"),
        (counts.gone, "gone"),
        (counts.delivered, "delivered"),
        (counts.retried, "to be retried"),
        (counts.dead, "dead"),
    ];
    let words: Vec<String> =
        parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if words.is_empty() { "nothing to do".to_owned() } else { words.join(", ") }
}

/// A point in time as people read it: to the second.
pub(super) fn moment(at: Instant) -> String {
    Instant(at.0 - at.0.rem_euclid(1_000_000)).to_string()
}

/// How the library spells a word of the model, as in `long-text`.
pub(super) fn word<T: Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_happened_is_told() {
        let counts = Counts { rows: 5, created: 3, refused: 2, ..Counts::default() };
        assert_eq!(told(&counts), "3 created, 2 refused");
        assert_eq!(told(&Counts::default()), "nothing to do");
    }
}
