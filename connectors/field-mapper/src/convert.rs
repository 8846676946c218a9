//! From a value as it came in to the value of the field's type, as the field's keys say. One value at a time; knows no columns.

use ferry_sdk::mapper::{Kind, Value};

use crate::config::Defaults;
use crate::config::table::{Table, Words};
use crate::refusal::Refusal;
use crate::rules::address;
use crate::rules::boolean::Boolean;
use crate::rules::choice::{Allowed, ValueMap};
use crate::rules::number::{Number, PLAIN};
use crate::rules::phone::Phone;
use crate::rules::text::{Changes, Length, Split, push_html};
use crate::rules::time::Time;

pub(crate) const ESCAPES: Words<bool> = &[("none", false), ("html", true)];
pub(crate) const SCHEMES: Words<&str> = &[("https", "https"), ("http", "http")];

/// Between the entries of a list in a template, where `join` says nothing else.
const LIST_MARK: &str = ", ";

/// All that the keys of one field say about its value.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// The type that comes out. Opaque until the field is opened against its input.
    pub(crate) kind: Kind,
    changes: Changes,
    split: Option<Split>,
    values: Option<ValueMap>,
    join: Option<Box<str>>,
    html: bool,
    /// The text was put together from parts that are escaped already.
    pub(crate) composed: bool,
    boolean: Boolean,
    number: Number,
    pub(crate) time: Time,
    phone: Phone,
    scheme: Option<&'static str>,
    allowed: Allowed,
    length: Option<Length>,
}

impl Rule {
    pub(crate) fn read(table: &Table<'_>, defaults: &Defaults) -> Self {
        let html = table.word("escape", ESCAPES).unwrap_or(false);
        Self {
            kind: Kind::Opaque,
            changes: Changes::read(table),
            split: Split::read(table),
            values: ValueMap::read(table),
            join: table.text("join").map(Into::into),
            html,
            composed: false,
            boolean: Boolean::read(table),
            number: Number::read(table, defaults.style),
            time: Time::read(table, defaults.zone.as_ref()),
            phone: Phone::read(table, defaults.region, &defaults.regions),
            scheme: table.word("scheme", SCHEMES),
            allowed: Allowed::read(table),
            length: Length::read(table, html),
        }
    }

    /// The rule for values that the configuration itself gives: they have their final meaning, so only the type counts.
    pub(crate) fn for_literals(&self) -> Self {
        Self {
            changes: Changes::default(),
            split: None,
            values: None,
            html: false,
            number: self.number.for_literals(),
            time: self.time.for_literals(),
            ..self.clone()
        }
    }

    /// Whether the value becomes text before its type counts.
    pub(crate) fn reworks(&self) -> bool {
        !self.changes.is_empty() || self.split.is_some() || self.values.is_some() || self.join.is_some()
    }

    pub(crate) fn maps_values(&self) -> bool {
        self.values.is_some()
    }

    /// Whether a list comes out of the splitting and joining, given whether one goes in.
    pub(crate) fn gives_list(&self, list: bool) -> bool {
        let pieces = self.split.as_ref().map(|split| split.part.is_none());
        self.join.is_none() && pieces.unwrap_or(list)
    }

    /// The value in the field's type; none where nothing is left of it. `country` is the column of `region_from` and what
    /// it holds.
    pub(crate) fn convert(&self, value: Value, country: Option<(&str, &str)>) -> Result<Option<Value>, Refusal> {
        let value = if self.reworks() {
            match self.reworked(value)? {
                Some(value) => value,
                None => return Ok(None),
            }
        } else {
            value
        };
        self.typed(value, country).map(|value| Some(value).filter(|value| !is_absent(value)))
    }

    fn reworked(&self, value: Value) -> Result<Option<Value>, Refusal> {
        let list = match (value, &self.split) {
            (Value::Texts(texts), split) => {
                let texts: Vec<_> = texts.into_iter().map(|text| self.changes.apply(text)).collect();
                match split.as_ref().and_then(|split| Some((split, split.part?))) {
                    Some((split, part)) => return self.one(split.pick(texts, part)?),
                    None => texts,
                }
            }
            (value, None) => return self.one(Some(self.changes.apply(self.text(value)?))),
            (value, Some(split)) => {
                let text = self.changes.apply(self.text(value)?);
                match split.part {
                    Some(part) => return self.one(split.piece(&text, part)?),
                    None => split.list(&text),
                }
            }
        };
        let list = self.mapped(list)?;
        Ok(Some(match &self.join {
            Some(mark) => Value::Text(list.join(mark)),
            None => Value::Texts(list),
        }))
    }

    fn one(&self, text: Option<String>) -> Result<Option<Value>, Refusal> {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
            return Ok(None);
        };
        match &self.values {
            Some(values) => Ok(values.apply(text)?.map(Value::Text)),
            None => Ok(Some(Value::Text(text))),
        }
    }

    fn mapped(&self, list: Vec<String>) -> Result<Vec<String>, Refusal> {
        let filled = list.into_iter().filter(|text| !text.trim().is_empty());
        match &self.values {
            Some(values) => filled.filter_map(|text| values.apply(text).transpose()).collect(),
            None => Ok(filled.collect()),
        }
    }

    fn typed(&self, value: Value, country: Option<(&str, &str)>) -> Result<Value, Refusal> {
        match self.kind {
            Kind::Boolean => self.boolean.convert(value),
            Kind::Integer => self.number.integer(value),
            Kind::Decimal => self.number.decimal(value),
            Kind::Instant => self.time.instant(value),
            Kind::Date => self.time.date(value),
            Kind::Text => self.limited(self.escaped(self.text(value)?)),
            Kind::Email => self.limited(address::email(self.text(value)?)?),
            Kind::Url => self.limited(address::url(self.text(value)?, self.scheme)?),
            Kind::Phone => self.phone.number(&self.text(value)?, country).map(Value::Text),
            Kind::Choice => self.allowed.one(self.text(value)?).map(Value::Text),
            Kind::Choices => match value {
                Value::Texts(texts) => self.allowed.many(texts).map(Value::Texts),
                other => self.allowed.many(vec![self.text(other)?]).map(Value::Texts),
            },
            Kind::Opaque => Ok(value),
        }
    }

    fn escaped(&self, text: String) -> String {
        if !self.html || self.composed {
            return text;
        }
        let mut out = String::with_capacity(text.len() + text.len() / 8);
        push_html(&text, &mut out);
        out
    }

    fn limited(&self, text: String) -> Result<Value, Refusal> {
        match self.length {
            Some(length) => length.apply(text).map(Value::Text),
            None => Ok(Value::Text(text)),
        }
    }

    /// The value as text, as the field's keys write it. A list is none.
    fn text(&self, value: Value) -> Result<String, Refusal> {
        if let Value::Text(text) = value {
            return Ok(text);
        }
        if matches!(value, Value::Texts(_)) {
            return Err(Refusal::List);
        }
        let mut out = String::new();
        self.push_unescaped(&value, &mut out)?;
        Ok(out)
    }

    /// Writes a value into a template or a concatenation, without blanks around it.
    pub(crate) fn push(&self, value: &Value, out: &mut String) -> Result<(), Refusal> {
        if !self.html {
            return self.push_unescaped(value, out);
        }
        match value {
            Value::Text(text) => push_html(text.trim(), out),
            _ => {
                let mut text = String::new();
                self.push_unescaped(value, &mut text)?;
                push_html(&text, out);
            }
        }
        Ok(())
    }

    fn push_unescaped(&self, value: &Value, out: &mut String) -> Result<(), Refusal> {
        match value {
            Value::Null => {}
            Value::Boolean(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Value::Integer(number) => self.number.style().push(&number.to_string(), out),
            Value::Decimal(number) => self.number.style().push(number, out),
            Value::Text(text) => out.push_str(text.trim()),
            Value::Instant(micros) => self.time.push_instant(*micros, out)?,
            Value::Date(days) => self.time.push_date(*days, out)?,
            Value::Texts(texts) => {
                let filled = texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty());
                let filled: Vec<_> = filled.collect();
                out.push_str(&filled.join(self.join.as_deref().unwrap_or(LIST_MARK)));
            }
        }
        Ok(())
    }
}

/// Writes a value plainly, as conditions compare it; one that can't be written leaves nothing.
pub(crate) fn push_plain(value: &Value, time: &Time, out: &mut String) {
    match value {
        Value::Null | Value::Texts(_) => {}
        Value::Boolean(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Integer(number) => PLAIN.push(&number.to_string(), out),
        Value::Decimal(text) | Value::Text(text) => out.push_str(text.trim()),
        Value::Instant(micros) => time.push_instant(*micros, out).unwrap_or_default(),
        Value::Date(days) => time.push_date(*days, out).unwrap_or_default(),
    }
}

/// Null, blank text and lists of nothing are all the same to an admin: there is no value.
pub(crate) fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => is_blank(text),
        Value::Texts(texts) => texts.iter().all(|text| is_blank(text)),
        _ => false,
    }
}

fn is_blank(text: &str) -> bool {
    // Nearly every text begins with a letter or a digit, which settles it.
    !text.as_bytes().first().is_some_and(u8::is_ascii_graphic) && text.trim().is_empty()
}
