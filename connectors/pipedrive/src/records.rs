//! Reads Pipedrive's pages of records into rows: of each record only what the columns need is kept.

use std::fmt;

use ferry_sdk::connector::Failure;
use ferry_sdk::http::Response;
use ferry_sdk::time;
use ferry_sdk::value::{Instant, Row, Tombstone, Value};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

use crate::api::Additional;
use crate::schema::{self, is_key};
use crate::values::Reading;

/// The columns of a pull.
pub(crate) struct Columns {
    columns: Vec<Column>,
    /// Fields that the columns are made of, each once.
    fields: Vec<String>,
}

struct Column {
    reading: Reading,
    /// The place among the fields.
    field: usize,
    /// The time of day that belongs to a day.
    second: Option<usize>,
    part: Option<String>,
}

/// A page of records.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Records {
    pub(crate) rows: Vec<Row>,
    pub(crate) gone: Vec<Tombstone>,
    /// How many records there were, and the stamp of the last one.
    pub(crate) count: usize,
    pub(crate) last: Option<Instant>,
    /// Version 2's cursor of the next page.
    pub(crate) next: Option<String>,
    /// Whether a list of version 1 goes on.
    pub(crate) more: bool,
}

impl Records {
    fn take(&mut self, columns: &Columns, held: Held) {
        self.count += 1;
        self.last = held.modified;
        match held.state {
            State::There => self.rows.push(columns.row(held)),
            State::Deleted => self.gone.push(Tombstone { id: held.id, at: held.modified, into: None }),
            // No list has it, so it is nowhere.
            State::Archived => {}
        }
    }
}

impl Columns {
    pub(crate) fn new<'a>(columns: impl IntoIterator<Item = (&'a str, Reading)>) -> Self {
        let mut all = Self { columns: Vec::new(), fields: Vec::new() };
        for (name, reading) in columns {
            let (field, second) = match (name, reading) {
                ("email", Reading::Primary) => ("emails", None),
                ("phone", Reading::Primary) => ("phones", None),
                (_, Reading::Due) => ("due_date", Some("due_time")),
                (_, Reading::Duration) => ("duration", None),
                _ => (schema::base(name), None),
            };
            let column = Column {
                reading,
                field: all.place(field),
                second: second.map(|second| all.place(second)),
                part: schema::part(name).map(str::to_owned),
            };
            all.columns.push(column);
        }
        all
    }

    fn place(&mut self, field: &str) -> usize {
        self.fields.iter().position(|known| known == field).unwrap_or_else(|| {
            self.fields.push(field.to_owned());
            self.fields.len() - 1
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The account's own fields among them.
    pub(crate) fn keys(&self) -> Vec<&str> {
        self.fields.iter().map(String::as_str).filter(|field| is_key(field)).collect()
    }

    /// # Errors
    /// `temporary` where the body is no page of records.
    pub(crate) fn read(&self, response: &Response) -> Result<Records, Failure> {
        let mut json = serde_json::Deserializer::from_slice(&response.body);
        json.deserialize_map(PageVisitor(self)).map_err(|error| {
            // The error's own text may quote a customer's value.
            Failure::malformed(format!("no page of records (line {}, column {})", error.line(), error.column()))
        })
    }

    fn row(&self, record: Held) -> Row {
        let null = Json::Null;
        let values = self.columns.iter().map(|column| {
            let held = record.fields.get(column.field).unwrap_or(&null);
            let json = match &column.part {
                Some(part) => held.get(part).unwrap_or(&null),
                None => held,
            };
            if json.is_null() {
                Value::Null
            } else {
                column.reading.read(json, column.second.and_then(|at| record.fields.get(at)))
            }
        });
        Row { id: record.id, modified: record.modified, version: None, values: values.collect() }
    }
}

/// What is kept of one record.
struct Held {
    id: String,
    modified: Option<Instant>,
    state: State,
    fields: Vec<Json>,
}

#[derive(Clone, Copy)]
enum State {
    There,
    Deleted,
    Archived,
}

struct PageVisitor<'a>(&'a Columns);

impl<'de> Visitor<'de> for PageVisitor<'_> {
    type Value = Records;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a page")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut page: A) -> Result<Records, A::Error> {
        let (mut records, mut additional) = (None, None);
        while let Some(key) = page.next_key::<String>()? {
            match key.as_str() {
                "data" => records = page.next_value_seed(List(self.0))?,
                "additional_data" => additional = page.next_value::<Option<Additional>>()?,
                _ => drop(page.next_value::<IgnoredAny>()?),
            }
        }
        let mut records: Records = records.ok_or_else(|| A::Error::missing_field("data"))?;
        if let Some(additional) = additional {
            records.more = additional.goes_on();
            records.next = additional.next_cursor;
        }
        Ok(records)
    }
}

struct List<'a>(&'a Columns);

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = Option<Records>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = Option<Records>;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a list of records")
    }

    /// Version 1 said `null` for an empty list; nobody knows whether version 2 always says `[]`.
    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Some(Records::default()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut records = Records::default();
        while let Some(held) = list.next_element_seed(Record(self.0))? {
            records.take(self.0, held);
        }
        Ok(Some(records))
    }

    /// One record that was asked for by its id.
    fn visit_map<A: MapAccess<'de>>(self, record: A) -> Result<Self::Value, A::Error> {
        let mut records = Records::default();
        records.take(self.0, Record(self.0).visit_map(record)?);
        Ok(Some(records))
    }
}

struct Record<'a>(&'a Columns);

impl<'de> DeserializeSeed<'de> for Record<'_> {
    type Value = Held;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Held, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Record<'_> {
    type Value = Held;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut record: A) -> Result<Held, A::Error> {
        let mut fields = vec![Json::Null; self.0.fields.len()];
        let (mut id, mut updated, mut added, mut state) = (None, None, None, State::There);
        while let Some(key) = record.next_key::<std::borrow::Cow<'de, str>>()? {
            if key == "custom_fields" {
                record.next_value_seed(Own(self.0, &mut fields))?;
                continue;
            }
            let place = self.0.fields.iter().position(|field| *field == key);
            let is_ours = matches!(key.as_ref(), "id" | "update_time" | "add_time" | "is_deleted" | "is_archived");
            if place.is_none() && !is_ours {
                record.next_value::<IgnoredAny>()?;
                continue;
            }
            let value: Json = record.next_value()?;
            match key.as_ref() {
                // A lead's is a text.
                "id" => id = value.as_u64().map(|id| id.to_string()).or_else(|| value.as_str().map(str::to_owned)),
                "update_time" => updated = value.as_str().and_then(time::instant),
                "add_time" => added = value.as_str().and_then(time::instant),
                "is_deleted" if value == Json::Bool(true) => state = State::Deleted,
                "is_archived" if value == Json::Bool(true) => state = State::Archived,
                _ => {}
            }
            if let Some(held) = place.and_then(|at| fields.get_mut(at)) {
                *held = value;
            }
        }
        let id = id.ok_or_else(|| A::Error::missing_field("id"))?;
        Ok(Held { id, modified: updated.or(added), state, fields })
    }
}

/// The account's own fields of one record.
struct Own<'a>(&'a Columns, &'a mut Vec<Json>);

impl<'de> DeserializeSeed<'de> for Own<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Own<'_> {
    type Value = ();

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("custom fields")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut own: A) -> Result<(), A::Error> {
        while let Some(key) = own.next_key::<std::borrow::Cow<'de, str>>()? {
            match self.0.fields.iter().position(|field| *field == key).and_then(|at| self.1.get_mut(at)) {
                Some(held) => *held = own.next_value()?,
                None => drop(own.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}
