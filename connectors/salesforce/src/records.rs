//! Reads a query's answer straight into rows: no tree of values, no map per record. This is where a backfill spends its time.

pub(crate) mod csv;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use ferry_sdk::connector::Failure;
use ferry_sdk::http::Response;
use ferry_sdk::time;
use ferry_sdk::value::{Row, Value};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::api::is_name;
use crate::values::Reading;

/// When a record last changed: for a person, by the system, or because what it derives from changed.
pub(crate) const STAMP: &str = "SystemModstamp";

/// The columns of a pull, as the parser looks them up.
pub(crate) struct Columns {
    names: Vec<String>,
    readings: Vec<Reading>,
    places: HashMap<String, Place>,
    /// The keys of the record before, in order: the next one has the same, so that finding a place is one comparison.
    seen: RefCell<Vec<(String, Place)>>,
}

/// Where a field's value goes.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    column: Option<usize>,
    is_id: bool,
    is_stamp: bool,
}

/// A page of records.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Records {
    pub(crate) rows: Vec<Row>,
    /// Whether this answer holds all that was asked for. Salesforce cuts answers with wide records short.
    pub(crate) done: bool,
}

impl Columns {
    /// # Errors
    /// `invalid` for a column that is named twice, `missing` for one that can't be a field.
    pub(crate) fn new(names: &[String], readings: Vec<Reading>) -> Result<Self, Failure> {
        let mut places: HashMap<String, Place> = HashMap::with_capacity(names.len() + 2);
        for (at, name) in names.iter().enumerate() {
            if !is_name(name) {
                return Err(Failure::Missing(name.clone()));
            }
            if places.insert(name.clone(), Place { column: Some(at), ..Place::default() }).is_some() {
                return Err(Failure::invalid(name, "is asked for twice"));
            }
        }
        places.entry("Id".to_owned()).or_default().is_id = true;
        places.entry(STAMP.to_owned()).or_default().is_stamp = true;
        Ok(Self { names: names.to_vec(), readings, places, seen: RefCell::default() })
    }

    pub(crate) fn readings(&self) -> &[Reading] {
        &self.readings
    }

    /// `Id,SystemModstamp,..`: what to ask for, each once.
    pub(crate) fn select(&self) -> String {
        let others = self.names.iter().map(String::as_str).filter(|name| !matches!(*name, "Id" | STAMP));
        ["Id", STAMP].into_iter().chain(others).collect::<Vec<_>>().join(",")
    }

    /// # Errors
    /// `temporary` where the body is no page of records.
    pub(crate) fn read(&self, response: &Response) -> Result<Records, Failure> {
        // Checked once as a whole, so that the parser need not check each text by itself.
        let text = std::str::from_utf8(&response.body).map_err(|_| Failure::malformed("it is not UTF-8"))?;
        let mut json = serde_json::Deserializer::from_str(text);
        json.deserialize_map(PageVisitor(self)).map_err(|error| {
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

struct PageVisitor<'a>(&'a Columns);

impl<'de> Visitor<'de> for PageVisitor<'_> {
    type Value = Records;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a page")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut page: A) -> Result<Records, A::Error> {
        let (mut rows, mut done) = (None, None);
        while let Some(key) = page.next_key()? {
            match key {
                PageKey::Records => rows = Some(page.next_value_seed(Rows(self.0))?),
                PageKey::Done => done = Some(page.next_value()?),
                PageKey::Other => {
                    page.next_value::<IgnoredAny>()?;
                }
            }
        }
        let rows = rows.ok_or_else(|| A::Error::missing_field("records"))?;
        Ok(Records { rows, done: done.ok_or_else(|| A::Error::missing_field("done"))? })
    }
}

/// The keys of a page that matter.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum PageKey {
    Records,
    Done,
    #[serde(other)]
    Other,
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
        let mut rows = Vec::with_capacity(500);
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
        let mut values = vec![Value::Null; self.0.names.len()];
        let (mut id, mut stamp) = (None, None);
        let mut at = 0;
        while let Some(place) = record.next_key_seed(Key(self.0, at))? {
            at += 1;
            if place.is_id || place.is_stamp {
                let text: String = record.next_value()?;
                if let Some(held) = place.column.and_then(|column| values.get_mut(column)) {
                    *held = if place.is_stamp { Reading::Instant.text(&text) } else { Value::Text(text.clone()) };
                }
                *(if place.is_id { &mut id } else { &mut stamp }) = Some(text);
                continue;
            }
            let reading = place.column.and_then(|column| self.0.readings.get(column));
            match (reading, place.column.and_then(|column| values.get_mut(column))) {
                (Some(reading), Some(held)) => *held = record.next_value_seed(FieldValue(*reading))?,
                _ => {
                    record.next_value::<IgnoredAny>()?;
                }
            }
        }
        let id = id.filter(|id| !id.is_empty()).ok_or_else(|| A::Error::missing_field("Id"))?;
        let stamp = stamp.ok_or_else(|| A::Error::missing_field(STAMP))?;
        Ok(Row { id, modified: time::instant(&stamp), version: Some(stamp), values })
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
        text.write_str("a field's name")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Place, E> {
        Ok(self.0.place(self.1, key))
    }
}

struct FieldValue(Reading);

impl<'de> DeserializeSeed<'de> for FieldValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldValue {
    type Value = Value;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a field's value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(self.0.text(text))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Boolean(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(self.0.integer(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or_else(|_| Value::Decimal(number.to_string()), |number| self.0.integer(number)))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(self.0.float(number))
    }
}

#[cfg(test)]
mod tests {
    use ferry_sdk::testing::{answer, json};
    use serde_json::json;

    use super::*;

    fn columns() -> Columns {
        let names = ["LastName", "Amount", "Active__c", "Id"].map(str::to_owned);
        let readings = vec![Reading::Text, Reading::Decimal, Reading::Boolean, Reading::Text];
        Columns::new(&names, readings).unwrap()
    }

    #[test]
    fn records_become_rows_in_the_order_of_the_columns() {
        let columns = columns();
        assert_eq!(columns.select(), "Id,SystemModstamp,LastName,Amount,Active__c");
        let body = json!({"totalSize": 2, "done": false, "nextRecordsUrl": "/x", "records": [
            {"attributes": {"type": "Contact", "url": "/y"}, "Id": "003000000000001AAA",
             "SystemModstamp": "2025-11-22T10:00:00.000+0000", "LastName": "Lovelace", "Amount": 12.5, "Active__c": true},
            {"attributes": {}, "Id": "003000000000002AAA", "SystemModstamp": "1970-01-01T00:00:01.000+0000",
             "LastName": null, "Active__c": false}]});
        let records = columns.read(&json(200, &body)).unwrap();
        let row = |id: &str, modified, version: &str, values: [Value; 3]| {
            let values = values.into_iter().chain([Value::Text(id.into())]).collect();
            Row { id: id.into(), modified: Some(modified), version: Some(version.into()), values }
        };
        let expected = vec![
            row(
                "003000000000001AAA",
                1_763_805_600_000_000,
                "2025-11-22T10:00:00.000+0000",
                ["Lovelace".into(), Value::Decimal("12.5".into()), true.into()],
            ),
            row(
                "003000000000002AAA",
                1_000_000,
                "1970-01-01T00:00:01.000+0000",
                [Value::Null, Value::Null, false.into()],
            ),
        ];
        assert_eq!(records, Records { rows: expected, done: false });
    }

    #[test]
    fn what_is_no_page_is_temporary_and_is_not_quoted() {
        for body in
            ["", "<html>", "{}", r#"{"records":[{"LastName":"secret"}],"done":true}"#, r#"{"records":[],"done":tr"#]
        {
            let failure = columns().read(&answer(200, &[], body)).unwrap_err();
            assert!(matches!(&failure, Failure::Temporary(text) if !text.contains("secret")), "{failure:?}");
        }
    }
}
