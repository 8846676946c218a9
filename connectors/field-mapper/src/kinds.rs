//! Which type a field has, and which types can become which.

use ferry_sdk::mapper::{Column, Kind, Value};

use crate::config::field::{Field, word_of};
use crate::plan::Origin;

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

/// The type that comes out: what `type` says if the input can become it, else what the input is. A mistake is noted where
/// neither will do.
pub(crate) fn settle(field: &Field<'_>, origin: &Origin, input: &[Column]) -> Option<Kind> {
    let kinds: Vec<Kind> = match origin {
        Origin::Columns(slots) => slots.iter().map(|slot| input[slot.index].kind).collect(),
        Origin::Template(_) | Origin::Concat { .. } => vec![Kind::Text],
        Origin::Constant(value) => vec![kind_of(value)],
    };
    let constant = matches!(origin, Origin::Constant(_));
    let Some(kind) = field.kind else {
        return inferred(field, &kinds, constant);
    };
    let clash = kinds.iter().copied().find(|given| {
        let shape = shape_of(*given);
        let shape = if constant { shape } else { reworked(field, shape) };
        !can_become(field, shape, kind)
    });
    if let Some(given) = clash {
        let message = format!("a column of the type `{}` can't become `{}`", word_of(given), word_of(kind));
        field.table.wrong("type", message, clash_hint(field, given, kind));
        return None;
    }
    Some(kind)
}

/// Notes formats that can't do what the type needs of them.
pub(crate) fn check_formats(field: &Field<'_>, kind: Kind) {
    let time = &field.rule.time;
    let wrong = |message: String, hint: Option<String>| field.table.wrong("format", message, hint);
    if kind == Kind::Text && time.formats().len() > 1 {
        return wrong("text is written in one format, not in several".to_owned(), Some("keep one".to_owned()));
    }
    if !matches!(kind, Kind::Instant | Kind::Date) {
        return;
    }
    for format in time.formats() {
        if let Some(lack) = format.lacks_for_reading() {
            wrong(format!("no date can be read with this format: {lack}"), None);
        } else if kind == Kind::Instant && !format.tells_offset() && !time.has_zone() {
            let hint = "set `time_zone`, as in \"Europe/Berlin\", or read the offset with `Z`";
            wrong("times in this format are local, and no zone is set".to_owned(), Some(hint.to_owned()));
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
        field.table.lacks("the columns have different types, so the field's type is not clear", Some(hint));
        return None;
    }
    let list = kinds.iter().any(|kind| field.rule.gives_list(*kind == Kind::Choices));
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
    if field.rule.gives_list(shape == Shape::List) && !picks { Shape::List } else { Shape::Text }
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
        Shape::List if kind != Kind::Choices => Some("set `join` to make one text of the list".to_owned()),
        Shape::Number if timed => {
            Some("say what the number counts: `format = \"milliseconds\"` or `\"seconds\"`".to_owned())
        }
        Shape::Instant | Shape::Date if timed && !field.rule.time.has_zone() => {
            Some("set `time_zone`, because it depends on the place what day it is".to_owned())
        }
        _ => None,
    }
}
