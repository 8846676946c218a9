//! A script as a mapping: what it reads and gives, and one answer per row.

use std::cell::RefCell;

use boa_engine::object::JsObject;
use boa_engine::object::builtins::JsArray;
use boa_engine::property::PropertyKey;
use boa_engine::{JsString, JsValue};
use ferry_sdk::mapper::{Column, Direction, Mapped, Mistake, Problem, Value};
use ferry_sdk::suggest::nearest;

use crate::engine::{Engine, Verdict};
use crate::mistake::{Slip, capped, line_from, line_of_word, thrown};
use crate::value::{KINDS, given, taken};

/// Longer than any mapping that a person looks after, and still read in a moment.
const MOST_TEXT: usize = 256 << 10;

/// An opened script.
pub struct Plan {
    engine: RefCell<Engine>,
    /// The script, to find lines in.
    text: String,
    /// Names of the fields that it reads, and where they stand in a row.
    reads: Vec<(JsString, usize)>,
    width: usize,
    output: Vec<Column>,
    names: Vec<JsString>,
}

/// The fields that a script reads.
///
/// # Errors
/// What keeps it from being read or run, and what is wrong with its `reads`.
pub fn reads(text: &str) -> Result<Vec<String>, Vec<Mistake>> {
    let mut engine = engine(text)?;
    names_read(&mut engine, text)
}

impl Plan {
    /// Reads a script against the columns that come in.
    ///
    /// # Errors
    /// All that is wrong with it as far as it shows without a row.
    pub fn open(text: &str, direction: Direction, input: &[Column]) -> Result<Self, Vec<Mistake>> {
        let mut engine = engine(text)?;
        let mut mistakes = Vec::new();
        let mut gather = |found: Vec<Mistake>| mistakes.extend(found);
        let wanted = names_read(&mut engine, text).unwrap_or_else(|found| {
            gather(found);
            Vec::new()
        });
        let mut reads = Vec::new();
        for name in wanted {
            match input.iter().position(|column| column.name == name) {
                Some(at) => reads.push((JsString::from(name), at)),
                None => gather(vec![unknown_field(text, &name, input)]),
            }
        }
        let output = columns_given(&mut engine, text, direction).unwrap_or_else(|found| {
            gather(found);
            Vec::new()
        });
        if engine.declared("map").is_ok_and(|map| !map.is_callable()) {
            let slip = Slip { line: line_of_word(text, "map"), message: "there is no function `map`".into() };
            gather(vec![slip.mistake("map", "write `function map(row) { return { .. }; }`".to_owned())]);
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let names = output.iter().map(|column| JsString::from(column.name.as_str())).collect();
        let engine = RefCell::new(engine);
        Ok(Self { engine, text: text.to_owned(), reads, width: input.len(), output, names })
    }

    /// What rows give.
    #[must_use]
    pub fn output(&self) -> &[Column] {
        &self.output
    }

    /// One answer per row.
    #[must_use]
    pub fn rows(&self, rows: Vec<Vec<Value>>) -> Vec<Mapped> {
        let mut engine = self.engine.borrow_mut();
        rows.into_iter().map(|row| self.row(&mut engine, row)).collect()
    }

    fn row(&self, engine: &mut Engine, mut row: Vec<Value>) -> Mapped {
        if row.len() != self.width {
            let message = format!("the row has {} values for {} columns", row.len(), self.width);
            return Mapped::Refused(vec![Problem::general(message)]);
        }
        let context = engine.context();
        let values: Vec<_> = self
            .reads
            .iter()
            .map(|(name, at)| (name.clone(), given(std::mem::replace(&mut row[*at], Value::Null), context)))
            .collect();
        let answer = engine.map(values);
        let slip = answer.as_ref().err().map(|error| thrown(error, &self.text));
        let given = answer.map(|value| self.taken(engine, &value));
        // A verdict stands whatever the script did after it, also where its answer was asked for what it holds.
        if let Some(verdict) = engine.verdict() {
            return decided(verdict, slip.and_then(|slip| slip.line));
        }
        match given {
            Ok(Ok(values)) => Mapped::Values(values),
            Ok(Err(problems)) => Mapped::Refused(problems),
            Err(_) => Mapped::Refused(vec![Problem::general(slip.map(|it| it.sentence()).unwrap_or_default())]),
        }
    }

    /// The values of an answer, in the order of the columns.
    fn taken(&self, engine: &mut Engine, answer: &JsValue) -> Result<Vec<Value>, Vec<Problem>> {
        let general = |message: &str| vec![Problem::general(message)];
        let object =
            answer.as_object().filter(|it| !it.is_array() && !it.is_callable() && answer.as_promise().is_none());
        let Some(object) = object else {
            return Err(general(
                "`map` gave no object; give one with the fields of `gives`, or call `skip` or `refuse`",
            ));
        };
        let mut problems = self.strangers(engine, &object);
        let mut values = Vec::with_capacity(self.output.len());
        for (column, name) in self.output.iter().zip(&self.names) {
            let value = object.get(name.clone(), engine.context());
            match value.map(|value| taken(&value, column.kind, engine.context())) {
                Ok(Ok(value)) => values.push(value),
                Ok(Err(wanted)) => problems.push(Problem::of(&column.name, wanted)),
                Err(error) => problems.push(Problem::of(&column.name, thrown(&error, &self.text).sentence())),
            }
        }
        if problems.is_empty() { Ok(values) } else { Err(problems) }
    }

    /// What an answer has and `gives` has not: a slip, and what it holds would be lost.
    fn strangers(&self, engine: &mut Engine, object: &JsObject) -> Vec<Problem> {
        let keys = object.own_property_keys(engine.context()).unwrap_or_default();
        let strange = keys.iter().filter_map(|key| match key {
            PropertyKey::String(name) if self.names.contains(name) => None,
            other => Some(other.to_string()),
        });
        strange.map(|name| Problem::general(capped(&format!("`map` gave `{name}`, which is not in `gives`")))).collect()
    }
}

fn decided(verdict: Verdict, line: Option<u32>) -> Mapped {
    match verdict {
        Verdict::Skip(reason) => Mapped::Skipped(capped(&reason)),
        Verdict::Refuse(field, message) => Mapped::Refused(vec![Problem::of(capped(&field), capped(&message))]),
        Verdict::Denied(what) => {
            let message =
                format!("asks for {what}, which a mapping does not have: the same row must always give the same");
            Mapped::Refused(vec![Problem::general(Slip { line, message }.sentence())])
        }
    }
}

fn engine(text: &str) -> Result<Engine, Vec<Mistake>> {
    if text.len() > MOST_TEXT {
        let message = format!("the script is longer than {} KiB", MOST_TEXT >> 10);
        return Err(vec![Slip::general(message).mistake("", None)]);
    }
    let mut engine = Engine::read(text).map_err(|slip| vec![slip.mistake("", None)])?;
    let ran = engine.declared("reads").map_err(|error| thrown(&error, text));
    match (ran, engine.verdict()) {
        (_, Some(Verdict::Denied(what))) => {
            let message = format!("asks for {what}, which a mapping does not have");
            Err(vec![Slip::general(message).mistake("", None)])
        }
        (_, Some(_)) => {
            Err(vec![Slip::general("`skip` and `refuse` are for rows: call them in `map`").mistake("", None)])
        }
        (Err(slip), None) => Err(vec![slip.mistake("", None)]),
        (Ok(_), None) => Ok(engine),
    }
}

fn names_read(engine: &mut Engine, text: &str) -> Result<Vec<String>, Vec<Mistake>> {
    let wrong = |message: &str| {
        let slip = Slip { line: line_of_word(text, "reads"), message: message.to_owned() };
        vec![slip.mistake("reads", "write `const reads = [\"firstname\", \"email\"];`".to_owned())]
    };
    let declared = engine.declared("reads").map_err(|error| vec![thrown(&error, text).mistake("reads", None)])?;
    let list = declared.as_object().and_then(|it| JsArray::from_object(it).ok());
    let list = list.ok_or_else(|| wrong("`reads` must be an array with the names of fields"))?;
    let context = engine.context();
    let length = list.length(context).unwrap_or_default();
    let mut names: Vec<String> = Vec::new();
    for at in 0..length {
        let name = i64::try_from(at).ok().and_then(|at| list.at(at, context).ok()?.as_string()?.to_std_string().ok());
        match name.filter(|name| !name.is_empty()) {
            Some(name) if names.contains(&name) => return Err(wrong(&format!("`reads` names `{name}` twice"))),
            Some(name) => names.push(name),
            None => return Err(wrong("`reads` holds something that is no name of a field")),
        }
    }
    Ok(names)
}

fn columns_given(engine: &mut Engine, text: &str, direction: Direction) -> Result<Vec<Column>, Vec<Mistake>> {
    let hint = "write `const gives = { first_name: \"text\", email: \"email\" };`";
    let mistake = |word: &str, path: String, message: String, hint: String| {
        let from = line_of_word(text, "gives");
        Slip { line: line_from(text, from.unwrap_or(1), word).or(from), message }.mistake(&path, hint)
    };
    let declared = engine.declared("gives").map_err(|error| vec![thrown(&error, text).mistake("gives", None)])?;
    let object = declared.as_object().filter(|it| !it.is_array() && !it.is_callable());
    let context = engine.context();
    let keys = object.as_ref().and_then(|it| it.own_property_keys(context).ok()).filter(|keys| !keys.is_empty());
    let (Some(object), Some(keys)) = (object, keys) else {
        let message = "`gives` must be an object with the type of each field".to_owned();
        return Err(vec![mistake("gives", "gives".into(), message, hint.into())]);
    };
    let (mut columns, mut mistakes) = (Vec::new(), Vec::new());
    for key in keys {
        let name = key.to_string();
        let said = object.get(key, context).ok().and_then(|it| it.as_string()).map(|it| it.to_std_string_lossy());
        let kind = said.as_deref().and_then(|said| KINDS.iter().find(|(word, _)| *word == said));
        let path = format!("gives.{name}");
        match kind {
            None => {
                let words = KINDS.map(|(word, _)| word);
                let near = said.as_deref().and_then(|said| nearest(said, words));
                let hint = near.map_or_else(|| format!("one of {}", words.join(", ")), |near| format!("`{near}`?"));
                mistakes.push(mistake(&name, path, format!("the type of `{name}` is none of the types"), hint));
            }
            Some(_) if direction == Direction::Inbound && !is_attribute(&name) => {
                let hint = "use lower-case letters, digits and `_`, as in `first_name`".into();
                mistakes.push(mistake(&name, path, format!("`{name}` can't be the name of an attribute"), hint));
            }
            Some((_, kind)) => columns.push(Column { name, kind: *kind }),
        }
    }
    if mistakes.is_empty() { Ok(columns) } else { Err(mistakes) }
}

fn is_attribute(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn unknown_field(text: &str, name: &str, input: &[Column]) -> Mistake {
    let hint = nearest(name, input.iter().map(|column| column.name.as_str())).map(|near| format!("`{near}`?"));
    let slip = Slip { line: line_of_word(text, name), message: format!("there is no field `{name}`") };
    slip.mistake("reads", hint)
}
