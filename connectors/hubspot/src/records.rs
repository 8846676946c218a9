//! Reads HubSpot's pages of records straight into rows: no tree of values, no map per record. This is where a backfill
//! spends its time.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use ferry_sdk::connector::Failure;
use ferry_sdk::http::Response;
use ferry_sdk::value::{Instant, Row, Value};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::associations;
use crate::paging::Paging;
use crate::time;
use crate::values::Reading;

/// The columns of a pull, as the parser looks them up.
pub(crate) struct Columns {
    names: Vec<String>,
    readings: Vec<Reading>,
    /// Columns that are no properties: their places, and the objects that their links lead to.
    links: Vec<(usize, &'static str)>,
    /// The property that tells when a record last changed.
    stamp: &'static str,
    places: HashMap<String, Place>,
    /// The keys of the record before, in order: HubSpot writes those of the next one in the same order, so that finding a
    /// key's place is one comparison.
    seen: RefCell<Vec<(String, Place)>>,
}

/// Where a property's value goes.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    column: Option<usize>,
    is_stamp: bool,
}

/// A page of records.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Records {
    pub(crate) rows: Vec<Row>,
    /// HubSpot's cursor of the next page.
    pub(crate) after: Option<String>,
    pub(crate) total: Option<u64>,
}

impl Columns {
    /// # Errors
    /// `invalid` for a column that is named twice.
    pub(crate) fn new(names: &[String], readings: Vec<Reading>, stamp: &'static str) -> Result<Self, Failure> {
        let mut places: HashMap<String, Place> = HashMap::with_capacity(names.len() + 1);
        let mut links = Vec::new();
        for (at, name) in names.iter().enumerate() {
            if places.insert(name.clone(), Place { column: Some(at), is_stamp: false }).is_some() {
                return Err(Failure::invalid(name, "is asked for twice"));
            }
            if let (Some(Reading::Links), Some(target)) = (readings.get(at), associations::target(name)) {
                links.push((at, target));
            }
        }
        places.entry(stamp.to_owned()).or_default().is_stamp = true;
        Ok(Self { names: names.to_vec(), readings, links, stamp, places, seen: RefCell::default() })
    }

    pub(crate) fn readings(&self) -> &[Reading] {
        &self.readings
    }

    pub(crate) fn links(&self) -> &[(usize, &'static str)] {
        &self.links
    }

    /// The properties to ask HubSpot for: the columns and the stamp.
    pub(crate) fn properties(&self) -> Vec<&str> {
        let stamp = (!self.names.iter().any(|name| name == self.stamp)).then_some(self.stamp);
        let columns = self.names.iter().zip(&self.readings).filter(|(_, reading)| **reading != Reading::Links);
        columns.map(|(name, _)| name.as_str()).chain(stamp).collect()
    }

    /// # Errors
    /// `temporary` where the body is no page of records.
    pub(crate) fn read(&self, response: &Response) -> Result<Records, Failure> {
        // Checked once as a whole, so that the parser need not check each text by itself.
        let text = std::str::from_utf8(&response.body).map_err(|_| Failure::malformed("it is not UTF-8"))?;
        let mut json = serde_json::Deserializer::from_str(text);
        self.deserialize(&mut json).map_err(|error| {
            // The error's own text may quote a customer's value.
            Failure::malformed(format!("no page of records (line {}, column {})", error.line(), error.column()))
        })
    }

    fn place(&self, at: usize, key: &str) -> Place {
        let mut seen = self.seen.borrow_mut();
        if let Some((known, place)) = seen.get(at)
            && known == key
        {
            return *place;
        }
        let place = self.places.get(key).copied().unwrap_or_default();
        seen.truncate(at);
        if seen.len() == at {
            seen.push((key.to_owned(), place));
        }
        place
    }
}

/// Names the keys of an object that the parser cares for.
macro_rules! keys {
    ($name:ident { $($key:literal => $variant:ident),* }) => {
        enum $name { $($variant,)* Other }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
                struct Key;
                impl Visitor<'_> for Key {
                    type Value = $name;
                    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
                        text.write_str("a key")
                    }
                    fn visit_str<E: Error>(self, key: &str) -> Result<$name, E> {
                        Ok(match key { $($key => $name::$variant,)* _ => $name::Other })
                    }
                }
                json.deserialize_identifier(Key)
            }
        }
    };
}

keys!(PageKey { "results" => Results, "paging" => Paging, "total" => Total });
keys!(RecordKey { "id" => Id, "properties" => Properties, "updatedAt" => UpdatedAt });

impl<'de> DeserializeSeed<'de> for &Columns {
    type Value = Records;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Records, D::Error> {
        json.deserialize_map(PageVisitor(self))
    }
}

struct PageVisitor<'a>(&'a Columns);

impl<'de> Visitor<'de> for PageVisitor<'_> {
    type Value = Records;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a page")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut page: A) -> Result<Records, A::Error> {
        let (mut rows, mut after, mut total) = (None, None, None);
        while let Some(key) = page.next_key()? {
            match key {
                PageKey::Results => rows = Some(page.next_value_seed(Rows(self.0))?),
                PageKey::Paging => {
                    let paging: Option<Paging> = page.next_value()?;
                    after = paging.and_then(Paging::after);
                }
                PageKey::Total => total = page.next_value()?,
                PageKey::Other => {
                    page.next_value::<IgnoredAny>()?;
                }
            }
        }
        let rows = rows.ok_or_else(|| A::Error::missing_field("results"))?;
        Ok(Records { rows, after, total })
    }
}

struct Rows<'a>(&'a Columns);

impl<'de> DeserializeSeed<'de> for Rows<'_> {
    type Value = Vec<Row>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Vec<Row>, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = Vec<Row>;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Row>, A::Error> {
        let mut rows = Vec::with_capacity(100);
        while let Some(row) = list.next_element_seed(Record(self.0))? {
            rows.push(row);
        }
        Ok(rows)
    }
}

struct Record<'a>(&'a Columns);

impl<'de> DeserializeSeed<'de> for Record<'_> {
    type Value = Row;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Row, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Record<'_> {
    type Value = Row;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut record: A) -> Result<Row, A::Error> {
        let mut id: Option<String> = None;
        let mut properties = None;
        let mut updated = None;
        while let Some(key) = record.next_key()? {
            match key {
                RecordKey::Id => id = Some(record.next_value()?),
                RecordKey::Properties => properties = Some(record.next_value_seed(Properties(self.0))?),
                RecordKey::UpdatedAt => updated = record.next_value::<Option<&str>>()?.and_then(time::instant),
                RecordKey::Other => {
                    record.next_value::<IgnoredAny>()?;
                }
            }
        }
        let id = id.filter(|id| !id.is_empty()).ok_or_else(|| A::Error::missing_field("id"))?;
        let (values, stamp) = properties.ok_or_else(|| A::Error::missing_field("properties"))?;
        Ok(Row { id, modified: stamp.or(updated), version: None, values })
    }
}

struct Properties<'a>(&'a Columns);

impl<'de> DeserializeSeed<'de> for Properties<'_> {
    type Value = (Vec<Value>, Option<Instant>);

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Properties<'_> {
    type Value = (Vec<Value>, Option<Instant>);

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("properties")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut properties: A) -> Result<Self::Value, A::Error> {
        // A property that HubSpot leaves out is one that this record does not have.
        let mut values = vec![Value::Null; self.0.names.len()];
        let mut stamp = None;
        let mut at = 0;
        while let Some(place) = properties.next_key_seed(Key(self.0, at))? {
            at += 1;
            let reading = place.column.and_then(|column| self.0.readings.get(column)).copied();
            let Some(reading) = reading.or(place.is_stamp.then_some(Reading::Instant)) else {
                properties.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = properties.next_value_seed(Property(reading))?;
            if let (true, Value::Instant(instant)) = (place.is_stamp, &value) {
                stamp = Some(*instant);
            }
            if let Some(held) = place.column.and_then(|column| values.get_mut(column)) {
                *held = value;
            }
        }
        Ok((values, stamp))
    }
}

struct Key<'a>(&'a Columns, usize);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Place;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Place, D::Error> {
        json.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Place;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a property's name")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Place, E> {
        Ok(self.0.place(self.1, key))
    }
}

struct Property(Reading);

impl<'de> DeserializeSeed<'de> for Property {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Property {
    type Value = Value;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a property's value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(self.0.read(text))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    // HubSpot promises texts. What comes as something else is read as if it had been written as one.

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Value, E> {
        self.visit_str(if flag { "true" } else { "false" })
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        self.visit_str(&number.to_string())
    }
}

#[cfg(test)]
mod tests;
