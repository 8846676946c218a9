//! Opens a configuration against the columns that will come in: names become indices, types are settled, what doesn't fit is noted.

use std::collections::HashMap;

use ferry_sdk::mapper::{Column, Direction, Kind, Mistake, Value};

use crate::config::field::{Field, word_of};
use crate::config::skip::Skip;
use crate::config::source::{Name, Part, Source};
use crate::config::{self, Config};
use crate::mistake::Mistakes;
use crate::plan::{FieldPlan, Origin, Plan, Slot};
use crate::skip::{SkipRule, Test};
use crate::suggest::nearest;

/// The shape in which a value reaches the type conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Any,
    Boolean,
    Number,
    Text,
    List,
    Instant,
    Date,
}

impl Plan {
    /// Reads a configuration against the input columns.
    ///
    /// # Errors
    /// All mistakes at once, in the order of the text.
    pub fn open(
        configuration: &str,
        direction: Direction,
        input: &[Column],
    ) -> Result<Self, Vec<Mistake>> {
        let mistakes = Mistakes::of(configuration);
        let plan = config::parse(configuration, &mistakes).map(|document| {
            let config = Config::read(&document, direction, &mistakes);
            Opening::of(input, direction, &mistakes).plan(&config)
        });
        match plan {
            Some(plan) if mistakes.is_empty() => Ok(plan),
            _ => Err(mistakes.into_list()),
        }
    }
}

/// The input columns that a configuration reads, each once: what to ask the CRM for.
///
/// # Errors
/// All mistakes that show without the input columns, in the order of the text.
pub fn reads(configuration: &str, direction: Direction) -> Result<Vec<String>, Vec<Mistake>> {
    let mistakes = Mistakes::of(configuration);
    let columns = config::parse(configuration, &mistakes)
        .map(|document| Config::read(&document, direction, &mistakes).columns());
    match columns {
        Some(columns) if mistakes.is_empty() => Ok(columns),
        _ => Err(mistakes.into_list()),
    }
}

struct Opening<'i> {
    input: &'i [Column],
    indices: HashMap<&'i str, usize>,
    direction: Direction,
    mistakes: &'i Mistakes,
}

impl<'i> Opening<'i> {
    fn of(input: &'i [Column], direction: Direction, mistakes: &'i Mistakes) -> Self {
        let indices = input
            .iter()
            .enumerate()
            .map(|(index, column)| (column.name.as_str(), index))
            .collect();
        Self {
            input,
            indices,
            direction,
            mistakes,
        }
    }

    fn plan(&self, config: &Config<'_>) -> Plan {
        let mut fields: Vec<_> = config
            .fields
            .iter()
            .filter_map(|field| self.field(field))
            .collect();
        mark_last(&mut fields);
        let column = |field: &FieldPlan| Column {
            name: field.name.clone(),
            kind: field.rule.kind,
        };
        Plan {
            input: self
                .input
                .iter()
                .map(|column| column.name.clone())
                .collect(),
            output: fields.iter().map(column).collect(),
            skips: config.skips.iter().map(|skip| self.skip(skip)).collect(),
            fields,
        }
    }

    fn index(&self, name: &Name<'_>) -> Option<usize> {
        let index = self.indices.get(name.column).copied();
        if index.is_none() {
            let thing = match self.direction {
                Direction::Inbound => "the CRM has no field",
                Direction::Outbound => "there is no attribute",
            };
            let hint = match nearest(name.column, self.indices.keys().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "list the fields to see their names; it may have been renamed or removed"
                    .to_owned(),
            };
            self.mistakes.note(
                name.span.clone(),
                &name.path,
                format!("{thing} `{}`", name.column),
                hint,
            );
        }
        index
    }

    fn indices<'n>(&self, names: impl IntoIterator<Item = &'n Name<'n>>) -> Option<Vec<usize>> {
        // All of them are looked up before the first missing one ends it, so that each gets its mistake.
        let found: Vec<_> = names.into_iter().map(|name| self.index(name)).collect();
        found.into_iter().collect()
    }

    fn field(&self, field: &Field<'_>) -> Option<FieldPlan> {
        let region = field
            .region_from
            .as_ref()
            .map(|name| (name.column.into(), self.index(name)));
        let origin = self.origin(field)?;
        let kind = self.kind(field, &origin)?;
        field.check_keys(kind);
        check_formats(field, kind);
        let mut rule = field.rule.clone();
        rule.kind = kind;
        rule.composed = matches!(origin, Origin::Template(_) | Origin::Concat { .. });
        let literals = rule.for_literals();
        let literal = |key: &str, value: Value| {
            let converted = literals.convert(value, None);
            if let Err(refusal) = &converted {
                field.table.wrong(key, format!("`{key}` {refusal}"), None);
            }
            converted.ok().map(|value| value.unwrap_or(Value::Null))
        };
        let origin = match origin {
            Origin::Constant(value) => Origin::Constant(literal("constant", value)?),
            other => other,
        };
        let default = field
            .default
            .clone()
            .and_then(|value| literal("default", value));
        let region = match region {
            Some((column, index)) => Some((column, index?)),
            None => None,
        };
        let (required, invalid) = (field.required, field.invalid);
        Some(FieldPlan {
            name: field.name.to_owned(),
            origin,
            rule,
            region,
            default,
            required,
            invalid,
        })
    }

    fn origin(&self, field: &Field<'_>) -> Option<Origin> {
        match field.source.as_ref()? {
            Source::Columns(names) => {
                let slots = self
                    .indices(names)?
                    .into_iter()
                    .map(|index| Slot { index, last: false });
                Some(Origin::Columns(slots.collect()))
            }
            Source::Template(parts) => {
                let found = parts.iter().map(|part| match part {
                    Part::Text(text) => Some(Part::Text(text.clone())),
                    Part::Column(name) => self.index(name).map(Part::Column),
                });
                found
                    .collect::<Vec<_>>()
                    .into_iter()
                    .collect::<Option<Box<[_]>>>()
                    .map(Origin::Template)
            }
            Source::Concat { names, separator } => Some(Origin::Concat {
                columns: self.indices(names)?.into(),
                separator: (*separator).into(),
            }),
            Source::Constant(value) => Some(Origin::Constant(value.clone())),
        }
    }

    /// The type that comes out: what `type` says if the input can become it, else what the input is.
    fn kind(&self, field: &Field<'_>, origin: &Origin) -> Option<Kind> {
        let kinds: Vec<Kind> = match origin {
            Origin::Columns(slots) => slots
                .iter()
                .map(|slot| self.input[slot.index].kind)
                .collect(),
            Origin::Template(_) | Origin::Concat { .. } => vec![Kind::Text],
            Origin::Constant(value) => vec![kind_of(value)],
        };
        let constant = matches!(origin, Origin::Constant(_));
        let Some(kind) = field.kind else {
            return inferred(field, &kinds, constant);
        };
        let clash = kinds.iter().copied().find(|given| {
            let shape = if constant {
                shape_of(*given)
            } else {
                reworked(field, shape_of(*given))
            };
            !can_become(field, shape, kind)
        });
        if let Some(given) = clash {
            let message = format!(
                "a column of the type `{}` can't become `{}`",
                word_of(given),
                word_of(kind)
            );
            field
                .table
                .wrong("type", message, clash_hint(field, given, kind));
            return None;
        }
        Some(kind)
    }

    fn skip(&self, skip: &Skip<'_>) -> SkipRule {
        let tests = skip.conditions.iter().filter_map(|condition| {
            Some(Test {
                index: self.index(&condition.name)?,
                is: condition.is,
                values: condition.values.clone(),
                bound: condition.bound.clone(),
                ignore_case: condition.ignore_case,
            })
        });
        let names = || {
            skip.columns()
                .map(|column| format!("`{column}`"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let reason = skip.reason.map_or_else(
            || format!("left out by a rule on {}", names()),
            str::to_owned,
        );
        SkipRule {
            reason,
            tests: tests.collect(),
            time: skip.time.clone(),
        }
    }
}

/// Notes formats that can't do what the type needs of them.
fn check_formats(field: &Field<'_>, kind: Kind) {
    let time = &field.rule.time;
    let wrong = |message: String, hint: Option<String>| field.table.wrong("format", message, hint);
    if kind == Kind::Text && time.formats().len() > 1 {
        return wrong(
            "text is written in one format, not in several".to_owned(),
            Some("keep one".to_owned()),
        );
    }
    if !matches!(kind, Kind::Instant | Kind::Date) {
        return;
    }
    for format in time.formats() {
        if let Some(lack) = format.lacks_for_reading() {
            wrong(
                format!("no date can be read with this format: {lack}"),
                None,
            );
        } else if kind == Kind::Instant && !format.tells_offset() && !time.has_zone() {
            let hint = "set `time_zone`, as in \"Europe/Berlin\", or read the offset with `Z`";
            wrong(
                "times in this format are local, and no zone is set".to_owned(),
                Some(hint.to_owned()),
            );
        }
    }
}

/// The last field that looks at a column may take the value away, unless a later field or another key of the same field reads it.
fn mark_last(fields: &mut [FieldPlan]) {
    let mut later = std::collections::HashSet::new();
    for field in fields.iter_mut().rev() {
        later.extend(field.region.iter().map(|(_, index)| *index));
        match &mut field.origin {
            Origin::Columns(slots) => {
                for slot in slots.iter_mut() {
                    slot.last = !later.contains(&slot.index);
                }
                later.extend(slots.iter().map(|slot| slot.index));
            }
            Origin::Template(parts) => later.extend(parts.iter().filter_map(|part| match part {
                Part::Column(index) => Some(*index),
                Part::Text(_) => None,
            })),
            Origin::Concat { columns, .. } => later.extend(columns.iter().copied()),
            Origin::Constant(_) => {}
        }
    }
}

fn inferred(field: &Field<'_>, kinds: &[Kind], constant: bool) -> Option<Kind> {
    let first = *kinds.first()?;
    if constant || !field.rule.reworks() {
        if kinds.iter().all(|kind| *kind == first) {
            return Some(first);
        }
        let hint = format!("set `type`, as in `type = \"{}\"`", word_of(Kind::Text));
        field.table.lacks(
            "the columns have different types, so the field's type is not clear",
            Some(hint),
        );
        return None;
    }
    let list = kinds
        .iter()
        .any(|kind| field.rule.gives_list(*kind == Kind::Choices));
    Some(match (list, field.rule.maps_values()) {
        (true, _) => Kind::Choices,
        (false, true) => Kind::Choice,
        (false, false) => Kind::Text,
    })
}

fn kind_of(value: &Value) -> Kind {
    match value {
        Value::Boolean(_) => Kind::Boolean,
        Value::Integer(_) => Kind::Integer,
        Value::Decimal(_) => Kind::Decimal,
        Value::Instant(_) => Kind::Instant,
        Value::Date(_) => Kind::Date,
        Value::Texts(_) => Kind::Choices,
        Value::Null | Value::Text(_) => Kind::Text,
    }
}

fn shape_of(kind: Kind) -> Shape {
    match kind {
        Kind::Boolean => Shape::Boolean,
        Kind::Integer | Kind::Decimal => Shape::Number,
        Kind::Instant => Shape::Instant,
        Kind::Date => Shape::Date,
        Kind::Choices => Shape::List,
        Kind::Opaque => Shape::Any,
        Kind::Text | Kind::Email | Kind::Phone | Kind::Url | Kind::Choice => Shape::Text,
    }
}

/// What splitting, joining and the changes of text make of a shape.
fn reworked(field: &Field<'_>, shape: Shape) -> Shape {
    if !field.rule.reworks() || shape == Shape::Any {
        return shape;
    }
    let picks = field.table.has("part");
    if field.rule.gives_list(shape == Shape::List) && !picks {
        Shape::List
    } else {
        Shape::Text
    }
}

fn can_become(field: &Field<'_>, shape: Shape, kind: Kind) -> bool {
    let counts = field.rule.time.reads_counts();
    match (shape, kind) {
        (Shape::Any | Shape::Text, _) | (_, Kind::Opaque) => true,
        (Shape::List, kind) => kind == Kind::Choices,
        (_, Kind::Text | Kind::Choice | Kind::Choices) => true,
        (Shape::Boolean, kind) => kind == Kind::Boolean,
        (Shape::Number, Kind::Instant | Kind::Date) => counts,
        (Shape::Number, Kind::Boolean | Kind::Integer | Kind::Decimal | Kind::Phone) => true,
        (Shape::Instant, Kind::Date) => field.rule.time.has_zone(),
        (Shape::Date, Kind::Instant) => field.rule.time.has_zone(),
        (Shape::Instant, kind) => kind == Kind::Instant,
        (Shape::Date, kind) => kind == Kind::Date,
        (Shape::Number, Kind::Email | Kind::Url) => false,
    }
}

fn clash_hint(field: &Field<'_>, given: Kind, kind: Kind) -> Option<String> {
    let timed = matches!(kind, Kind::Instant | Kind::Date);
    match shape_of(given) {
        Shape::List if kind != Kind::Choices => {
            Some("set `join` to make one text of the list".to_owned())
        }
        Shape::Number if timed => Some(
            "say what the number counts: `format = \"milliseconds\"` or `\"seconds\"`".to_owned(),
        ),
        Shape::Instant | Shape::Date if timed && !field.rule.time.has_zone() => {
            Some("set `time_zone`, because it depends on the place what day it is".to_owned())
        }
        _ => None,
    }
}
