//! What is wrong with a script, and on which line: where it can't be read, and where it threw.

use boa_engine::error::{EngineError, RuntimeLimitError};
use boa_engine::{JsError, JsValue};
use boa_parser::Error;
use boa_parser::lexer::Error as LexError;
use ferry_sdk::mapper::Mistake;

use crate::engine::{FILE, MOST_TURNS};

/// As much of an error's message as a person reads.
const MOST_MESSAGE: usize = 300;

/// One thing that is wrong, and the line where it is, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slip {
    pub(crate) line: Option<u32>,
    pub(crate) message: String,
}

impl Slip {
    pub(crate) fn general(message: impl Into<String>) -> Self {
        Self { line: None, message: message.into() }
    }

    /// As a problem of a row says it.
    pub(crate) fn sentence(&self) -> String {
        match self.line {
            Some(line) => format!("line {line} of the script: {}", self.message),
            None => self.message.clone(),
        }
    }

    pub(crate) fn mistake(self, path: &str, hint: impl Into<Option<String>>) -> Mistake {
        Mistake { line: self.line, path: path.to_owned(), message: self.message, hint: hint.into() }
    }
}

/// Why a script can't be read. `before` is what stands before it on its first line.
pub(crate) fn unreadable(error: &Error, text: &str, before: usize) -> Slip {
    let last = u32::try_from(text.lines().count().max(1)).unwrap_or(u32::MAX);
    let quoted = |found: &str| if before > 0 && found == "}" { "the end".to_owned() } else { format!("`{found}`") };
    let (line, message) = match error {
        Error::Expected { expected, found, span, .. } => {
            let wanted = expected.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(" or ");
            (span.start().line_number(), format!("has {} where {wanted} is wanted", quoted(found)))
        }
        Error::Unexpected { message, found, span } => {
            (span.start().line_number(), format!("has {} where it can't stand: {message}", quoted(found)))
        }
        Error::AbruptEnd => (last, "ends in the middle of something; a bracket or a quotation mark is missing".into()),
        Error::Lex { err: LexError::Syntax(message, position) } => (position.line_number(), message.to_string()),
        // What is wrong with the script as a whole is told of its very beginning, which says nothing.
        Error::General { message, position } if position.line_number() == 1 && position.column_number() == 1 => {
            return Slip::general(capped(message));
        }
        Error::General { message, position } => (position.line_number(), message.to_string()),
        other => (last, other.to_string()),
    };
    Slip { line: Some(line.min(last)), message: capped(&message) }
}

/// What a script threw, in words, and where.
pub(crate) fn thrown(error: &JsError, text: &str) -> Slip {
    let said = error.to_string();
    let line = said.match_indices(FILE).find_map(|(at, _)| line_at(&said[at + FILE.len()..]));
    let message = match error.as_engine() {
        Some(EngineError::RuntimeLimit(RuntimeLimitError::LoopIteration)) => {
            format!("turns more than {MOST_TURNS} times in a loop, or repeats a text as often, here or below")
        }
        Some(EngineError::RuntimeLimit(_)) => "calls functions within functions without end".into(),
        _ => message_of(error, &said),
    };
    // The engine knows of such a name only the place before it.
    let line = match message.strip_suffix(" is not defined").and_then(|start| start.rsplit(' ').next()) {
        Some(name) => line_from(text, line.unwrap_or(1), name).or(line),
        None => line,
    };
    Slip { line, message: capped(&message) }
}

fn message_of(error: &JsError, said: &str) -> String {
    // A value that is no error has nothing to say that a person could read.
    if error
        .as_opaque()
        .is_some_and(|value| value.as_object().is_some_and(|it| !it.is::<boa_engine::builtins::error::Error>()))
    {
        return "threw something that is no error".into();
    }
    let first = said.split("\n    at ").next().unwrap_or_default();
    let first = first.rsplit_once(" (").filter(|(_, place)| is_place(place)).map_or(first, |(message, _)| message);
    match error.as_opaque().and_then(JsValue::as_string) {
        Some(text) => format!("threw \"{}\"", text.to_std_string_lossy()),
        None => first.to_owned(),
    }
}

fn is_place(text: &str) -> bool {
    text.starts_with(FILE) || text.starts_with("native") || text.starts_with("unknown")
}

/// Reads `:3:7` after the name of the file.
fn line_at(text: &str) -> Option<u32> {
    text.strip_prefix(':')?.split(':').next()?.parse().ok()
}

/// The first line with a word.
pub(crate) fn line_of_word(text: &str, word: &str) -> Option<u32> {
    line_from(text, 1, word)
}

/// The first line with a word, from a line on.
pub(crate) fn line_from(text: &str, from: u32, word: &str) -> Option<u32> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let stands = |line: &str| {
        line.match_indices(word)
            .any(|(at, _)| !line[..at].ends_with(is_part) && !line[at + word.len()..].starts_with(is_part))
    };
    let mut lines = (1_u32..).zip(text.lines()).skip_while(|(number, _)| *number < from);
    lines.find(|(_, line)| stands(line)).map(|(number, _)| number)
}

pub(crate) fn capped(message: &str) -> String {
    match message.char_indices().nth(MOST_MESSAGE) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}
