//! The body of one write: values as Pipedrive's fields take them, parts put together, links, and the key of a create.

use ferry_sdk::connector::{Problem, Value, Write};
use serde_json::{Map, Value as Json, json};

use super::Ground;
use crate::api::{is_id, is_uuid};
use crate::objects::{ACTIVITIES, DEALS, PERSONS};
use crate::schema::{self, known};
use crate::values::{self, Reading};

/// How a create is known again when its answer was lost: a line at the end of an activity's note.
pub(crate) fn mark(key: &str) -> String {
    format!("[ref {key}]")
}

pub(super) struct Body<'a> {
    ground: &'a Ground<'a>,
    fields: Map<String, Json>,
    own: Map<String, Json>,
    problems: Vec<Problem>,
}

impl<'a> Body<'a> {
    /// `held` is the record as it is, where a part of it must be kept.
    pub(super) fn of(ground: &'a Ground<'a>, write: &Write, held: Option<&Json>) -> Result<Self, Vec<Problem>> {
        let mut body = Self { ground, fields: Map::new(), own: Map::new(), problems: Vec::new() };
        for (name, value) in &write.values {
            if let Err(why) = body.put(name, value, held) {
                body.problems.push(Problem::of(name, why));
            }
        }
        body.check_composed();
        for link in &write.links {
            if !body.link(&link.object, &link.id) {
                let message = format!("Pipedrive links no {} with {}", ground.object.name, link.object);
                body.problems.push(Problem::general(message));
            }
        }
        if body.problems.is_empty() { Ok(body) } else { Err(body.problems) }
    }

    fn put(&mut self, name: &str, value: &Value, held: Option<&Json>) -> Result<(), &'static str> {
        let Some(known) = known(self.ground.object).iter().find(|known| known.name == name) else {
            return self.put_own(name, value);
        };
        if !known.writable {
            return Err("can't be written in Pipedrive");
        }
        match (known.reading, name) {
            (Reading::Primary, _) => {
                let list = format!("{name}s");
                let kept = held.and_then(|record| record.get(&list));
                let entries = self.with_primary(value, kept)?;
                self.fields.insert(list, entries);
            }
            (Reading::All, _) => {
                let entries = self.entries(value)?;
                self.fields.insert(name.to_owned(), entries);
            }
            (Reading::Due, _) => self.put_due(value)?,
            (Reading::Duration, _) => {
                self.fields.insert("duration".to_owned(), values::write(known.reading, value)?);
            }
            (_, "person_id") if *self.ground.object == ACTIVITIES => self.take_part(value)?,
            (_, "address" | "postal_address" | "location") => {
                let text = values::write(known.reading, value)?;
                let whole = if text.is_null() { Json::Null } else { json!({"value": text}) };
                self.fields.insert(name.to_owned(), whole);
            }
            _ if known.refers_to.is_empty() || name == "lead_id" => {
                self.fields.insert(name.to_owned(), values::write(known.reading, value)?);
            }
            // Other ids than a lead's are numbers in Pipedrive's bodies.
            _ => {
                self.fields.insert(name.to_owned(), values::write(Reading::Integer, value)?);
            }
        }
        Ok(())
    }

    fn put_due(&mut self, value: &Value) -> Result<(), &'static str> {
        let written = match value {
            Value::Null => None,
            Value::Instant(instant) => Some(ferry_sdk::time::write_instant(*instant, 0)),
            _ => return Err("is no point in time"),
        };
        let part = |from: usize, to: usize| {
            written.as_ref().and_then(|text| text.get(from..to)).map_or(Json::Null, Json::from)
        };
        self.fields.insert("due_date".to_owned(), part(0, 10));
        self.fields.insert("due_time".to_owned(), part(11, 19));
        Ok(())
    }

    /// An activity's person is the first of those who take part.
    fn take_part(&mut self, value: &Value) -> Result<(), &'static str> {
        let id = values::write(Reading::Integer, value)?;
        let participants = if id.is_null() { json!([]) } else { json!([{"person_id": id, "primary": true}]) };
        self.fields.insert("participants".to_owned(), participants);
        Ok(())
    }

    fn put_own(&mut self, name: &str, value: &Value) -> Result<(), &'static str> {
        let field = schema::custom(&self.ground.described, name).ok_or("is no field of this object in Pipedrive")?;
        let is_reference = matches!(field.field_type.as_str(), "enum" | "user" | "org" | "people" | "deal");
        let reading = if is_reference { Reading::Integer } else { field.reading_of(name) };
        let json = values::write(reading, value)?;
        let key = field.field_code.clone();
        match schema::part(name) {
            Some(_) if !field.is_composed() => return Err("is a part that Pipedrive makes by itself"),
            Some(part) => {
                let whole = self.own.entry(key).or_insert_with(|| json!({}));
                // A whole that was cleared stays so, whatever its parts.
                if whole.is_object() {
                    whole[part] = json;
                }
            }
            None if json.is_null() => {
                self.own.insert(key, Json::Null);
            }
            None if field.is_boxed() => {
                let whole = self.own.entry(key).or_insert_with(|| json!({}));
                if whole.is_object() {
                    whole["value"] = json;
                }
            }
            None => {
                self.own.insert(key, json);
            }
        }
        Ok(())
    }

    /// Pipedrive takes an amount only with its currency, and a span only with its end.
    fn check_composed(&mut self) {
        for field in self.ground.described.iter().filter(|field| field.is_composed()) {
            let Some(Json::Object(whole)) = self.own.get(&field.field_code) else { continue };
            let part = if field.field_type == "monetary" { "currency" } else { "until" };
            for needed in ["value", part] {
                if !whole.contains_key(needed) {
                    let name = if needed == "value" {
                        field.field_code.clone()
                    } else {
                        format!("{}.{part}", field.field_code)
                    };
                    self.problems.push(Problem::of(name, "is needed too: Pipedrive takes this value only whole"));
                }
            }
        }
    }

    fn entry(&self, value: &str, primary: bool) -> Json {
        json!({"value": value, "primary": primary, "label": self.ground.api.settings.label})
    }

    fn entries(&self, value: &Value) -> Result<Json, &'static str> {
        match value {
            Value::Null => Ok(json!([])),
            Value::Text(text) => Ok(json!([self.entry(text, true)])),
            Value::Texts(texts) => {
                Ok(texts.iter().enumerate().map(|(at, text)| self.entry(text, at == 0)).collect::<Vec<_>>().into())
            }
            _ => Err("is no text"),
        }
    }

    /// The list with another primary entry; the others stay.
    fn with_primary(&self, value: &Value, kept: Option<&Json>) -> Result<Json, &'static str> {
        let mut entries: Vec<Json> = kept.and_then(Json::as_array).cloned().unwrap_or_default();
        entries.retain(|entry| entry["value"].as_str().is_some_and(|text| !text.is_empty()));
        let old = entries.iter().position(|entry| entry["primary"] == true).or((!entries.is_empty()).then_some(0));
        let old = old.map(|at| entries.remove(at));
        let text = match value {
            Value::Null => return Ok(entries.into()),
            Value::Text(text) => text,
            _ => return Err("is no text"),
        };
        entries.retain(|entry| entry["value"] != **text);
        entries.iter_mut().for_each(|entry| entry["primary"] = json!(false));
        let label = old.and_then(|old| old.get("label").cloned()).filter(Json::is_string);
        let mut first = self.entry(text, true);
        if let Some(label) = label {
            first["label"] = label;
        }
        entries.insert(0, first);
        Ok(entries.into())
    }

    fn link(&mut self, object: &str, id: &str) -> bool {
        let ours = self.ground.object;
        if *ours == ACTIVITIES && object == "leads" && is_uuid(id) {
            self.fields.insert("lead_id".to_owned(), json!(id));
            return true;
        }
        let Some(number) = Some(id).filter(|id| is_id(id)).and_then(|id| id.parse::<i64>().ok()) else { return false };
        if *ours == ACTIVITIES && object == "persons" {
            return self.take_part(&Value::Integer(number)).is_ok();
        }
        let field = match object {
            "organizations" if *ours == PERSONS || *ours == DEALS || *ours == ACTIVITIES => "org_id",
            "persons" if *ours == DEALS => "person_id",
            "deals" if *ours == ACTIVITIES => "deal_id",
            _ => return false,
        };
        self.fields.insert(field.to_owned(), json!(number));
        true
    }

    /// An activity has no fields of an account's own, so the key stands in its note.
    pub(super) fn marked(mut self, key: &str) -> Self {
        if *self.ground.object == ACTIVITIES {
            let note = self.fields.get("note").and_then(Json::as_str).unwrap_or_default();
            let note = if note.is_empty() { mark(key) } else { format!("{note}<br>{}", mark(key)) };
            self.fields.insert("note".to_owned(), json!(note));
        }
        self
    }

    pub(super) fn finish(mut self) -> Result<Json, Vec<Problem>> {
        if !self.own.is_empty() {
            self.fields.insert("custom_fields".to_owned(), self.own.into());
        }
        if self.problems.is_empty() { Ok(self.fields.into()) } else { Err(self.problems) }
    }
}
