//! Lines that a plugin writes, bounded and cleaned: to tracing as they come, and the last of them kept for whoever
//! asks why a call failed. What is beyond the bounds is dropped, said once a call, and counted. Never reads what the lines say.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::failure::Excess;
use crate::model::id::{ConnectionId, PluginId};
use crate::model::probe::Probe;

/// Lines that one call may write: a page of a hundred records at one line each, and as many again.
pub const MAX_LINES_PER_CALL: u32 = 200;

/// Bytes of one line, the mark of a cut not counted: a screenful, and too little to carry a page of records out.
pub const MAX_LINE_BYTES: usize = 2_000;

/// Lines that are kept for a connection: what an admin reads after a failure.
pub const KEPT_LINES: usize = 50;

/// Stands at the end of a line that was cut.
const CUT: &str = "… (cut)";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One line as it is kept: without control characters, at most [`MAX_LINE_BYTES`] and the mark of a cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub level: Level,
    /// The verb of the contract during which it was written.
    pub verb: &'static str,
    pub text: String,
}

/// Calls that wrote more than they may, over all plugins of a process.
#[derive(Default)]
pub struct Excesses([AtomicU64; Excess::ALL.len()]);

impl Excesses {
    fn note(&self, excess: Excess) {
        if let Some(counter) = self.0.get(excess as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many calls broke each limit, by its code.
    pub fn read(&self) -> Vec<(&'static str, u64)> {
        let counts = self.0.iter().map(|counter| counter.load(Ordering::Relaxed));
        Excess::ALL.map(Excess::code).into_iter().zip(counts).collect()
    }
}

/// What a [`LogSink`] is built from.
pub struct LogSinkOptions {
    pub plugin: PluginId,
    pub connection: ConnectionId,
    /// Counts what is dropped.
    pub excesses: Arc<Excesses>,
    /// Is told each line too.
    pub probe: Option<Arc<dyn Probe>>,
}

/// The lines of one connection, from all its calls.
pub struct LogSink {
    of: LogSinkOptions,
    recent: Mutex<VecDeque<Line>>,
}

impl LogSink {
    pub fn new(of: LogSinkOptions) -> Arc<Self> {
        Arc::new(Self { of, recent: Mutex::default() })
    }

    /// The last lines, oldest first, at most [`KEPT_LINES`].
    pub fn recent(&self) -> Vec<Line> {
        lock(&self.recent).iter().cloned().collect()
    }

    /// The log of one call, with an allowance of its own.
    pub fn call(self: &Arc<Self>, verb: &'static str) -> CallLog {
        CallLog { sink: Arc::clone(self), verb, written: Arc::default() }
    }

    fn keep(&self, line: Line) {
        self.trace(&line);
        if let Some(probe) = &self.of.probe {
            probe.line(line.level.as_str(), &line.text);
        }
        let mut recent = lock(&self.recent);
        if recent.len() == KEPT_LINES {
            recent.pop_front();
        }
        recent.push_back(line);
    }

    fn trace(&self, line: &Line) {
        macro_rules! event {
            ($level:ident) => {
                tracing::event!(
                    target: "ferry::plugin::log",
                    tracing::Level::$level,
                    plugin = self.of.plugin.as_str(),
                    connection = self.of.connection.as_str(),
                    verb = line.verb,
                    "{}",
                    line.text
                )
            };
        }
        match line.level {
            Level::Debug => event!(DEBUG),
            Level::Info => event!(INFO),
            Level::Warn => event!(WARN),
            Level::Error => event!(ERROR),
        }
    }
}

/// Writes the lines of one call. Clones share one allowance.
#[derive(Clone)]
pub struct CallLog {
    sink: Arc<LogSink>,
    verb: &'static str,
    written: Arc<Mutex<Written>>,
}

/// What of its allowance a call has used.
#[derive(Default)]
struct Written {
    lines: u32,
    /// A line of it was too long, which was said.
    cut: bool,
}

impl CallLog {
    /// Keeps a line, cut where it is too long. Of what is too much, the first says so in a line of the host's.
    pub fn write(&self, level: Level, message: &str) {
        let (fits, excess) = lock(&self.written).count(message);
        if fits {
            self.sink.keep(Line { level, verb: self.verb, text: clean(message, MAX_LINE_BYTES) });
        }
        if let Some(excess) = excess {
            self.sink.of.excesses.note(excess);
            let text = format!("{}: {}; {}", excess.code(), dropped(excess), excess.remedy());
            self.sink.keep(Line { level: Level::Warn, verb: self.verb, text });
        }
    }
}

impl Written {
    /// Whether a further line is kept, and the limit that it is the first to break.
    fn count(&mut self, message: &str) -> (bool, Option<Excess>) {
        self.lines = self.lines.saturating_add(1);
        if self.lines > MAX_LINES_PER_CALL {
            return (false, (self.lines == MAX_LINES_PER_CALL + 1).then_some(Excess::LogLines));
        }
        let first_cut = message.len() > MAX_LINE_BYTES && !std::mem::replace(&mut self.cut, true);
        (true, first_cut.then_some(Excess::LogBytes))
    }
}

fn dropped(excess: Excess) -> String {
    match excess {
        Excess::LogLines => format!("the rest is dropped, as a call may write {MAX_LINES_PER_CALL} lines"),
        Excess::LogBytes => format!("a line was cut, as one may have {MAX_LINE_BYTES} bytes"),
    }
}

/// A plugin's text made fit for a terminal and a log: control characters become spaces, and what is beyond
/// `most` bytes is cut and marked.
pub fn clean(text: &str, most: usize) -> String {
    let cut = text.len() > most;
    let end = if cut { text.floor_char_boundary(most) } else { text.len() };
    let mut shown: String =
        text[..end].trim_end().chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if cut {
        shown.push_str(CUT);
    }
    shown
}

/// A poisoned lock guards plain data that is whole after every statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sink() -> Arc<LogSink> {
        LogSink::new(LogSinkOptions {
            plugin: "hubspot".parse().unwrap(),
            connection: "main".parse().unwrap(),
            excesses: Arc::default(),
            probe: None,
        })
    }

    #[test]
    fn a_line_is_kept_with_its_level_and_verb() {
        let sink = sink();
        sink.call("pull").write(Level::Warn, "no such property\n");
        assert_eq!(sink.recent(), [Line { level: Level::Warn, verb: "pull", text: "no such property".into() }]);
    }

    #[test]
    fn a_long_line_is_cut_between_letters_and_marked() {
        assert_eq!(clean("aéé", 4), "aé… (cut)");
        assert_eq!(clean("aéé", 5), "aéé");
    }

    #[test]
    fn a_line_cannot_steer_a_terminal() {
        assert_eq!(clean("a\x1b[31mb\r\nc\u{9b}d", 100), "a [31mb  c d");
    }

    #[test]
    fn a_flood_is_stopped_and_said_once() {
        let sink = sink();
        let log = sink.call("pull");
        let twin = log.clone();
        for number in 0..MAX_LINES_PER_CALL {
            log.write(Level::Info, &number.to_string());
            twin.write(Level::Info, "twin");
        }
        let recent = sink.recent();
        assert_eq!(recent.len(), KEPT_LINES);
        let told: Vec<_> = recent.iter().filter(|line| line.text.contains("dropped")).collect();
        assert_eq!(told, [&recent[KEPT_LINES - 1]]);
        assert_eq!(sink.of.excesses.read(), [("plugin-log-lines", 1), ("plugin-log-bytes", 0)]);
    }

    #[test]
    fn lines_that_are_cut_are_said_and_counted_once_a_call() {
        let sink = sink();
        let long = "x".repeat(MAX_LINE_BYTES + 1);
        let log = sink.call("pull");
        (0..3).for_each(|_| log.write(Level::Info, &long));
        sink.call("pull").write(Level::Info, &long);
        assert_eq!(sink.of.excesses.read(), [("plugin-log-lines", 0), ("plugin-log-bytes", 2)]);
        let is_cut: Vec<bool> = sink.recent().iter().map(|line| line.text.ends_with(CUT)).collect();
        assert_eq!(is_cut, [true, false, true, true, true, false]);
        assert!(sink.recent()[1].text.starts_with("plugin-log-bytes: a line was cut, as one may have 2000 bytes; "));
    }

    #[test]
    fn the_next_call_has_an_allowance_of_its_own() {
        let sink = sink();
        for _ in 0..=MAX_LINES_PER_CALL {
            sink.call("pull").write(Level::Info, "x");
        }
        sink.call("push").write(Level::Error, "last");
        assert_eq!(sink.recent().last(), Some(&Line { level: Level::Error, verb: "push", text: "last".into() }));
    }
}
