//! What became of writes whose answer was lost. Only looks; whatever is not there as it was to be written counts as not done,
//! so that it is sent again.

use std::collections::{HashMap, HashSet};

use ferry_sdk::connector::{Call, Failure, Operation, Write, Written};
use ferry_sdk::http::Request;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::api::{Api, BATCH_MOST, is_name};
use crate::associations;
use crate::failure::{self, CrmError};
use crate::objects;
use crate::push::is_keyed;
use crate::time;
use crate::values;

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    results: Vec<Record>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    id: String,
    #[serde(default)]
    properties: HashMap<String, Json>,
    #[serde(default)]
    updated_at: Option<String>,
}

/// How a write's record is found again: by the value of a property, or by its id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Sought {
    property: Option<String>,
    value: String,
}

/// One answer per write, in order; none where there is no whole trace of it.
pub(crate) fn resolve(call: &Call<'_>, object: &str, writes: &[Write]) -> Result<Vec<Option<Written>>, Failure> {
    let api = Api::open(call)?;
    objects::checked(object)?;
    let sought: Vec<Option<Sought>> = writes.iter().map(|write| sought(&api, object, write)).collect();
    let found = find(&api, object, &sought, writes)?;
    let mut resolved: Vec<Option<Written>> = Vec::with_capacity(writes.len());
    for (write, sought) in writes.iter().zip(&sought) {
        let record = sought.as_ref().and_then(|sought| found.get(sought));
        resolved.push(match (&write.operation, record) {
            // An archived record is not found by its id.
            (Operation::Delete(id), None) => {
                Some(Written { id: id.clone(), created: false, modified: None, version: None })
            }
            (Operation::Delete(_), Some(_)) => None,
            (operation, Some(record)) if is_keyed(object, operation) => Some(record.written(true)),
            (_, Some(record)) if record.holds(write) => Some(record.written(false)),
            _ => None,
        });
    }
    drop_unlinked(&api, object, writes, &mut resolved)?;
    Ok(resolved)
}

/// None for a create that leaves no trace of which write it was.
fn sought(api: &Api<'_>, object: &str, write: &Write) -> Option<Sought> {
    let by =
        |property: &str, value: &str| Some(Sought { property: Some(property.to_owned()), value: value.to_owned() });
    match &write.operation {
        Operation::Create if is_keyed(object, &write.operation) => by(&api.settings.unique_call_property, &write.key),
        Operation::Create => None,
        Operation::Update(id) | Operation::Delete(id) => Some(Sought { property: None, value: id.clone() }),
        Operation::Upsert((field, value)) => by(field, values::write(value).trim()),
    }
}

fn find(
    api: &Api<'_>,
    object: &str,
    sought: &[Option<Sought>],
    writes: &[Write],
) -> Result<HashMap<Sought, Record>, Failure> {
    let mut found = HashMap::new();
    let mut by_property: Vec<(Option<&String>, Vec<&Sought>)> = Vec::new();
    for sought in sought.iter().flatten() {
        match by_property.iter_mut().find(|(property, _)| *property == sought.property.as_ref()) {
            Some((_, group)) if group.contains(&sought) => {}
            Some((_, group)) => group.push(sought),
            None => by_property.push((sought.property.as_ref(), vec![sought])),
        }
    }
    let written: HashSet<&str> = writes.iter().flat_map(|write| &write.values).map(|(name, _)| name.as_str()).collect();
    for (property, group) in by_property {
        for group in group.chunks(BATCH_MOST) {
            for (sought, record) in read(api, object, property, group, &written)? {
                found.insert(sought, record);
            }
        }
    }
    Ok(found)
}

fn read(
    api: &Api<'_>,
    object: &str,
    property: Option<&String>,
    group: &[&Sought],
    written: &HashSet<&str>,
) -> Result<Vec<(Sought, Record)>, Failure> {
    let mut properties: Vec<&str> = written.iter().copied().chain(property.map(String::as_str)).collect();
    properties.sort_unstable();
    properties.dedup();
    let inputs: Vec<Json> = group.iter().map(|sought| json!({"id": sought.value})).collect();
    let mut body = json!({"properties": properties, "inputs": inputs});
    if let Some(property) = property {
        body["idProperty"] = json!(property);
    }
    let request = Request::post(api.objects(object, "/batch/read")).json(&body).repeatable();
    let response = api.try_send(request)?;
    if matches!(response.status, 400 | 404)
        && property.is_some_and(|name| CrmError::of(&response).misses_property(name))
    {
        // Nothing can have been written by a property that is not there.
        return Ok(Vec::new());
    }
    let response = failure::checked(response, object)?;
    let records: Found = response.json()?;
    failure::absent(&response, "could not look for some records")?;
    if response.status != 207 && records.results.is_empty() {
        return Err(Failure::malformed("a batch came back empty, without a reason"));
    }
    let of = |record: &Record| group.iter().find(|sought| record.is(sought)).map(|sought| (*sought).clone());
    Ok(records.results.into_iter().filter_map(|record| Some((of(&record)?, record))).collect())
}

impl Record {
    fn is(&self, sought: &Sought) -> bool {
        let wanted = values::text(&sought.value);
        match &sought.property {
            None => self.id == sought.value,
            Some(property) => values::holds(&wanted, self.text(property)),
        }
    }

    fn text(&self, property: &str) -> &str {
        self.properties.get(property).and_then(Json::as_str).unwrap_or_default()
    }

    fn holds(&self, write: &Write) -> bool {
        write.values.iter().all(|(name, value)| values::holds(value, self.text(name)))
    }

    fn written(&self, created: bool) -> Written {
        let modified = self.updated_at.as_deref().and_then(time::instant);
        Written { id: self.id.clone(), created, modified, version: None }
    }
}

/// A record without its links is half a write. What can be repeated is sent again as a whole, which links it.
fn drop_unlinked(
    api: &Api<'_>,
    object: &str,
    writes: &[Write],
    resolved: &mut [Option<Written>],
) -> Result<(), Failure> {
    let links = writes.iter().flat_map(|write| &write.links).map(|link| link.object.as_str());
    let objects: HashSet<&str> = links.filter(|name| is_name(name)).collect();
    let mut objects: Vec<&str> = objects.into_iter().collect();
    objects.sort_unstable();
    for to in objects {
        let is_linked = |write: &Write| write.links.iter().any(|link| link.object == to);
        let sought = writes.iter().zip(resolved.iter()).filter(|(write, _)| is_linked(write));
        let ids: Vec<&str> = sought.filter_map(|(_, written)| Some(written.as_ref()?.id.as_str())).collect();
        let known = associations::read(api, object, to, &ids)?;
        for (write, slot) in writes.iter().zip(resolved.iter_mut()) {
            let wanted = write.links.iter().filter(|link| link.object == to);
            let has_all = slot.as_ref().is_none_or(|written| {
                wanted.clone().all(|link| known.get(&written.id).is_some_and(|ends| ends.contains(&link.id)))
            });
            if !has_all {
                *slot = None;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ferry_sdk::connector::{Link, Value};
    use ferry_sdk::http::{Method, Response};
    use ferry_sdk::testing::{FakeHttp, FakeSignature, call, json as respond};

    use super::*;

    const READ: &str = "/crm/v3/objects/contacts/batch/read";
    const CALLS: &str = "/crm/v3/objects/calls/batch/read";
    const LINKS: &str = "/crm/v4/associations/calls/contacts/batch/read";

    fn run(http: &FakeHttp, object: &str, writes: &[Write]) -> Result<Vec<Option<Written>>, Failure> {
        let signature = FakeSignature::default();
        let resolved = resolve(&call("{}", 0, http, &signature), object, writes);
        http.done();
        resolved
    }

    fn write(operation: Operation, name: &str) -> Write {
        let values = vec![("firstname".to_owned(), Value::from(name))];
        Write { key: "key-1".into(), operation, values, links: Vec::new(), version: None }
    }

    fn logged(key: &str, contact: &str) -> Write {
        let link = Link { label: None, object: "contacts".into(), id: contact.into() };
        Write { key: key.into(), links: vec![link], ..write(Operation::Create, "x") }
    }

    fn found(id: &str, created: bool) -> Option<Written> {
        Some(Written { id: id.into(), created, modified: None, version: None })
    }

    fn partial(results: Json) -> Response {
        let errors = json!([{"category": "OBJECT_NOT_FOUND", "context": {"ids": ["?"]}}]);
        respond(207, &json!({"status": "COMPLETE", "results": results, "errors": errors}))
    }

    #[test]
    fn updates_count_as_done_where_the_record_holds_their_values() {
        let records = json!([
            {"id": "1", "properties": {"firstname": "Ada"}},
            {"id": "2", "properties": {"firstname": "Old"}},
            {"id": "4", "properties": {"firstname": "x"}}]);
        let http = FakeHttp::new().expect(Method::Post, READ, Ok(partial(records)));
        let writes = [
            write(Operation::Update("1".into()), "Ada"),
            write(Operation::Update("2".into()), "Bo"),
            write(Operation::Delete("3".into()), ""),
            write(Operation::Delete("4".into()), ""),
            write(Operation::Create, "Ada"),
        ];
        let resolved = run(&http, "contacts", &writes);
        assert_eq!(resolved, Ok(vec![found("1", false), None, found("3", false), None, None]));
        let inputs = json!([{"id": "1"}, {"id": "2"}, {"id": "3"}, {"id": "4"}]);
        assert_eq!(http.sent_json()[0], json!({"properties": ["firstname"], "inputs": inputs}));
    }

    #[test]
    fn upserts_are_found_by_their_unique_value() {
        let records = json!([{"id": "1", "properties": {"firstname": "Ada", "email": "ada@x.com"}}]);
        let http = FakeHttp::new().expect(Method::Post, READ, Ok(partial(records)));
        let upsert = |email: &str| write(Operation::Upsert(("email".into(), email.into())), "Ada");
        let resolved = run(&http, "contacts", &[upsert("Ada@x.com"), upsert("bo@x.com")]);
        assert_eq!(resolved, Ok(vec![found("1", false), None]));
        assert_eq!(http.sent_json()[0]["idProperty"], "email");
    }

    #[test]
    fn calls_are_found_by_key_and_only_count_with_their_links() {
        let record = |id: &str, key: &str| json!({"id": id, "properties": {"ferry_key": key}});
        let records = json!([record("501", "key-1"), record("502", "key-2")]);
        let ends = json!([{"from": {"id": "501"}, "to": [{"toObjectId": 42, "associationTypes": []}]}]);
        let links = json!({"results": ends, "errors": [{"category": "OBJECT_NOT_FOUND"}]});
        let http = FakeHttp::new().expect(Method::Post, CALLS, Ok(partial(records))).expect(
            Method::Post,
            LINKS,
            Ok(respond(207, &links)),
        );
        let resolved = run(&http, "calls", &[logged("key-1", "42"), logged("key-2", "43"), logged("key-3", "44")]);
        assert_eq!(resolved, Ok(vec![found("501", true), None, None]));
        assert_eq!(http.sent_json()[1], json!({"inputs": [{"id": "501"}, {"id": "502"}]}));
    }

    #[test]
    fn without_the_property_for_keys_nothing_can_have_been_logged() {
        let error = json!({"category": "VALIDATION_ERROR", "message": "Property \"ferry_key\" does not exist"});
        let http = FakeHttp::new().expect(Method::Post, CALLS, Ok(respond(400, &error)));
        assert_eq!(run(&http, "calls", &[logged("key-1", "42")]), Ok(vec![None]));
    }

    #[test]
    fn an_unclear_answer_is_not_taken_for_a_no() {
        for body in
            [json!({"status": "COMPLETE", "results": []}), json!({"results": [], "errors": [{"category": "TIMEOUT"}]})]
        {
            let status = if body.get("errors").is_some() { 207 } else { 200 };
            let http = FakeHttp::new().expect(Method::Post, CALLS, Ok(respond(status, &body)));
            assert!(matches!(run(&http, "calls", &[logged("key-1", "42")]), Err(Failure::Temporary(_))));
        }
    }
}
