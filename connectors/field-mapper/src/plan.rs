//! A mapping that was opened against its input: columns as indices, keys as rules. Maps rows; reads no configuration.

use ferry_sdk::mapper::{Column, Mapped, Problem, Value};

use crate::config::field::Invalid;
use crate::config::source::Part;
use crate::convert::{Rule, is_absent};
use crate::refusal::Refusal;
use crate::skip::SkipRule;

/// An input column, and whether this is the last look at it, so that its value may be moved out of the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) index: usize,
    pub(crate) last: bool,
}

#[derive(Debug)]
pub(crate) enum Origin {
    Columns(Box<[Slot]>),
    Template(Box<[Section]>),
    Concat { columns: Box<[usize]>, separator: Box<str> },
    Constant(Value),
}

/// Pieces of a template that go together where all of their columns are empty.
pub(crate) type Section = Box<[Part<usize>]>;

/// One output column.
#[derive(Debug)]
pub(crate) struct FieldPlan {
    pub(crate) name: String,
    pub(crate) origin: Origin,
    pub(crate) rule: Rule,
    /// The column of `region_from`, by name and index.
    pub(crate) region: Option<(Box<str>, usize)>,
    pub(crate) default: Option<Value>,
    pub(crate) required: bool,
    pub(crate) invalid: Invalid,
}

/// An opened mapping. The same rows always give the same answers.
#[derive(Debug)]
pub struct Plan {
    pub(crate) input: Vec<String>,
    pub(crate) output: Vec<Column>,
    pub(crate) skips: Vec<SkipRule>,
    pub(crate) fields: Vec<FieldPlan>,
}

/// What a field takes from a row: a value and the column that it came from, if it is one.
enum Taken {
    Absent,
    From(usize, Value),
    Made(Value),
}

impl Plan {
    /// The columns that [`Plan::rows`] gives, in order.
    #[must_use]
    pub fn output(&self) -> &[Column] {
        &self.output
    }

    /// One answer per row, in order. Values are in the order of the input columns; a row of another length is refused.
    #[must_use]
    pub fn rows(&self, rows: Vec<Vec<Value>>) -> Vec<Mapped> {
        rows.into_iter().map(|row| self.row(row)).collect()
    }

    fn row(&self, mut row: Vec<Value>) -> Mapped {
        if row.len() != self.input.len() {
            let message = format!(
                "the row has {} values where the mapping was opened for {} columns; this is a fault of the host or the connector",
                row.len(),
                self.input.len()
            );
            return Mapped::Refused(vec![Problem { field: None, message }]);
        }
        if let Some(skip) = self.skips.iter().find(|skip| skip.holds(&row)) {
            return Mapped::Skipped(skip.reason.clone());
        }
        let mut values = Vec::with_capacity(self.fields.len());
        let mut problems = Vec::new();
        for field in &self.fields {
            match field.value(&mut row) {
                Ok(value) => values.push(value),
                Err((column, refusal)) => {
                    let subject = field.subject(column, &self.input);
                    problems.push(Problem { field: Some(field.name.clone()), message: format!("{subject} {refusal}") });
                }
            }
        }
        if problems.is_empty() { Mapped::Values(values) } else { Mapped::Refused(problems) }
    }
}

impl FieldPlan {
    fn value(&self, row: &mut [Value]) -> Result<Value, (Option<usize>, Refusal)> {
        let (column, converted) = match self.taken(row) {
            Ok(Taken::Absent) => return self.absent().map_err(|refusal| (None, refusal)),
            Ok(Taken::From(column, value)) => (Some(column), self.converted(value, row)),
            Ok(Taken::Made(value)) => (None, self.converted(value, row)),
            Err(refusal) => (None, Err(refusal)),
        };
        match converted {
            Ok(Some(value)) => Ok(value),
            Ok(None) => self.absent().map_err(|refusal| (column, refusal)),
            Err(refusal) => self.refused(refusal).map_err(|refusal| (column, refusal)),
        }
    }

    fn taken(&self, row: &mut [Value]) -> Result<Taken, Refusal> {
        match &self.origin {
            Origin::Columns(slots) => {
                let found = slots.iter().find(|slot| !is_absent(&row[slot.index]));
                Ok(found.map_or(Taken::Absent, |slot| {
                    let value = &mut row[slot.index];
                    Taken::From(
                        slot.index,
                        if slot.last { std::mem::replace(value, Value::Null) } else { value.clone() },
                    )
                }))
            }
            Origin::Template(sections) => self.filled(sections, row).map(made),
            Origin::Concat { columns, separator } => self.joined(columns, separator, row).map(made),
            // A constant was converted when the mapping was opened.
            Origin::Constant(_) => Ok(Taken::Absent),
        }
    }

    /// The template with its columns filled in, without blanks at the ends; nothing if all of them are empty.
    fn filled(&self, sections: &[Section], row: &[Value]) -> Result<String, Refusal> {
        let mut out = String::new();
        let mut any = false;
        for section in sections {
            let mut columns = section.iter().filter_map(Part::column).peekable();
            let is_fixed = columns.peek().is_none();
            let is_filled = columns.any(|index| !is_absent(&row[*index]));
            if !is_fixed && !is_filled {
                continue;
            }
            any |= is_filled;
            for part in section {
                match part {
                    Part::Text(text) => out.push_str(text),
                    Part::Column(index) if is_absent(&row[*index]) => {}
                    Part::Column(index) => self.rule.push(&row[*index], &mut out)?,
                }
            }
        }
        Ok(if any { crate::rules::text::trimmed(out) } else { String::new() })
    }

    /// The filled columns with the separator between them.
    fn joined(&self, columns: &[usize], separator: &str, row: &[Value]) -> Result<String, Refusal> {
        let mut out = String::new();
        for index in columns.iter().filter(|index| !is_absent(&row[**index])) {
            if !out.is_empty() {
                out.push_str(separator);
            }
            self.rule.push(&row[*index], &mut out)?;
        }
        Ok(out)
    }

    fn converted(&self, value: Value, row: &[Value]) -> Result<Option<Value>, Refusal> {
        let Some((column, index)) = &self.region else {
            return self.rule.convert(value, None);
        };
        match &row[*index] {
            Value::Text(name) if !name.trim().is_empty() => self.rule.convert(value, Some((column, name))),
            country if is_absent(country) => self.rule.convert(value, None),
            // No text is no country; the empty name makes the refusal say so.
            _ => self.rule.convert(value, Some((column, ""))),
        }
    }

    fn absent(&self) -> Result<Value, Refusal> {
        match (&self.origin, &self.default) {
            (Origin::Constant(value), _) | (_, Some(value)) => Ok(value.clone()),
            _ if self.required => Err(Refusal::Missing),
            _ => Ok(Value::Null),
        }
    }

    fn refused(&self, refusal: Refusal) -> Result<Value, Refusal> {
        match self.invalid {
            Invalid::Refuse => Err(refusal),
            Invalid::Default => self.absent(),
            // What is required must be there, so an unusable value is worse than none.
            Invalid::Null if self.required => Err(refusal),
            Invalid::Null => Ok(Value::Null),
        }
    }

    /// What a problem is about, by the names of the input columns.
    fn subject(&self, column: Option<usize>, input: &[String]) -> String {
        let quoted = |indices: &[usize]| {
            indices.iter().map(|index| format!("`{}`", input[*index])).collect::<Vec<_>>().join(", ")
        };
        match (&self.origin, column) {
            (_, Some(column)) => quoted(&[column]),
            (Origin::Columns(slots), None) if slots.len() == 1 => quoted(&[slots[0].index]),
            (Origin::Columns(slots), None) => {
                format!("each of {}", quoted(&slots.iter().map(|slot| slot.index).collect::<Vec<_>>()))
            }
            (Origin::Template(sections), None) => {
                let columns = sections.iter().flatten().filter_map(Part::column).copied();
                format!("the text made of {}", quoted(&columns.collect::<Vec<_>>()))
            }
            (Origin::Concat { columns, .. }, None) => {
                format!("the text made of {}", quoted(columns))
            }
            (Origin::Constant(_), None) => "the constant".to_owned(),
        }
    }
}

fn made(text: String) -> Taken {
    if text.is_empty() { Taken::Absent } else { Taken::Made(Value::Text(text)) }
}
