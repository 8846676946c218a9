//! What became of writes whose answer was lost. Only looks; whatever is not there as it was to be written counts as not done, so
//! that it is sent again.

use std::collections::HashMap;

use ferry_sdk::connector::{Failure, Operation, Write, Written};
use ferry_sdk::time;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::api::{Api, is_id, is_name};
use crate::push::{is_keyed, text};
use crate::records::STAMP;
use crate::soql;
use crate::values;

/// Records of one query: more would make its address too long.
const QUERY_MOST: usize = 100;

/// A record as it is now.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Found {
    #[serde(rename = "Id")]
    pub(crate) id: String,
    #[serde(flatten)]
    fields: HashMap<String, Json>,
}

/// One answer per write, in order; none where there is no whole trace of it.
pub(crate) fn resolve(api: &Api<'_>, object: &str, writes: &[Write]) -> Result<Vec<Option<Written>>, Failure> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    let sought: Vec<Option<(String, String)>> = writes.iter().map(|write| sought(api, object, write)).collect();
    for (field, value) in sought.iter().flatten() {
        match groups.iter_mut().find(|(known, _)| known == field) {
            Some((_, values)) => values.push(value.clone()),
            None => groups.push((field.clone(), vec![value.clone()])),
        }
    }
    let names = || writes.iter().flat_map(|write| &write.values).map(|(name, _)| name.as_str());
    let mut found: Vec<(String, Found)> = Vec::new();
    for (field, values) in &groups {
        for values in values.chunks(QUERY_MOST) {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            // A keyed activity is itself by its key; of the others the values are compared.
            let extra: Vec<&str> = if *field == api.settings.key_field { Vec::new() } else { names().collect() };
            found.extend(query(api, object, field, &values, &extra)?.into_iter().map(|record| (field.clone(), record)));
        }
    }
    let answer = |(write, sought): (&Write, &Option<(String, String)>)| {
        let (field, value) = sought.as_ref()?;
        let record = found.iter().find(|(known, record)| known == field && record.is(field, value));
        match (&write.operation, record) {
            // A deleted record is not found by its id.
            (Operation::Delete(id), None) => {
                Some(Written { id: id.clone(), created: false, modified: None, version: None })
            }
            (Operation::Delete(_), Some(_)) | (_, None) => None,
            (operation, Some((_, record))) if is_keyed(object, operation) => Some(record.written(true)),
            (_, Some((_, record))) => record.holds(write).then(|| record.written(false)),
        }
    };
    Ok(writes.iter().zip(&sought).map(answer).collect())
}

/// The records that hold these keys.
pub(crate) fn by_key(api: &Api<'_>, object: &str, keys: &[&str]) -> Result<Vec<Found>, Failure> {
    query(api, object, &api.settings.key_field, keys, &[])
}

/// By which field's value a write's record is found again; none for a create that leaves no trace of which write it was.
fn sought(api: &Api<'_>, object: &str, write: &Write) -> Option<(String, String)> {
    match &write.operation {
        Operation::Create if is_keyed(object, &write.operation) => {
            Some((api.settings.key_field.clone(), write.key.clone()))
        }
        Operation::Create => None,
        Operation::Update(id) | Operation::Delete(id) => is_id(id).then(|| ("Id".to_owned(), id.clone())),
        Operation::Upsert((field, value)) => is_name(field).then(|| (field.clone(), text(value))),
    }
}

fn query(api: &Api<'_>, object: &str, field: &str, wanted: &[&str], extra: &[&str]) -> Result<Vec<Found>, Failure> {
    let mut names: Vec<&str> = extra.iter().copied().chain([field]).filter(|name| is_name(name)).collect();
    names.retain(|name| !matches!(*name, "Id" | STAMP));
    names.sort_unstable();
    names.dedup();
    let select = ["Id", STAMP].into_iter().chain(names).collect::<Vec<_>>().join(",");
    let values = soql::list(wanted.iter().copied());
    match api.rows(&format!("SELECT {select} FROM {object} WHERE {field} IN ({values})"), object) {
        // Nothing can have been written by a field that is not there.
        Err(Failure::Missing(missing)) if missing == field && field == api.settings.key_field => Ok(Vec::new()),
        other => other,
    }
}

impl Found {
    fn is(&self, field: &str, value: &str) -> bool {
        if field == "Id" {
            // Ids of 15 characters are answered with 18.
            return self.id.starts_with(value);
        }
        match self.fields.get(field) {
            Some(Json::String(held)) => held.eq_ignore_ascii_case(value),
            Some(other) => other.as_f64().is_some_and(|held| value.parse() == Ok(held)),
            None => false,
        }
    }

    fn holds(&self, write: &Write) -> bool {
        write.values.iter().all(|(name, value)| values::holds(value, self.fields.get(name).unwrap_or(&Json::Null)))
    }

    fn written(&self, created: bool) -> Written {
        let version = self.fields.get(STAMP).and_then(Json::as_str).map(str::to_owned);
        let modified = version.as_deref().and_then(time::instant);
        Written { id: self.id.clone(), created, modified, version }
    }
}

#[cfg(test)]
mod tests {
    use ferry_sdk::http::Method;
    use ferry_sdk::testing::{FakeHttp, FakeSignature, call, json as respond};
    use ferry_sdk::value::Value;
    use serde_json::json;

    use super::*;

    const QUERY: &str = "/services/data/v67.0/query";
    const STAMPED: &str = "1970-01-01T00:00:01.000+0000";

    fn run(http: &FakeHttp, object: &str, writes: &[Write]) -> Result<Vec<Option<Written>>, Failure> {
        let signature = FakeSignature::default();
        let resolved = resolve(&Api::open(&call("{}", 0, http, &signature)).unwrap(), object, writes);
        http.done();
        resolved
    }

    fn write(operation: Operation, name: &str) -> Write {
        let values = vec![("FirstName".to_owned(), Value::from(name))];
        Write { key: "ferry-1".into(), operation, values, links: Vec::new(), version: None }
    }

    fn found(id: &str, created: bool) -> Option<Written> {
        Some(Written { id: id.into(), created, modified: Some(1_000_000), version: Some(STAMPED.into()) })
    }

    fn page(records: Json) -> ferry_sdk::http::Response {
        respond(200, &json!({"done": true, "totalSize": 1, "records": records}))
    }

    #[test]
    fn updates_count_as_done_where_the_record_holds_their_values() {
        let record =
            |id: &str, name: &str| json!({"attributes": {}, "Id": id, "SystemModstamp": STAMPED, "FirstName": name});
        let records = json!([record("003000000000001AAA", "Ada"), record("003000000000002AAA", "Old")]);
        let http = FakeHttp::new().expect(Method::Get, QUERY, Ok(page(records)));
        let writes = [
            write(Operation::Update("003000000000001".into()), "Ada"),
            write(Operation::Update("003000000000002AAA".into()), "Bo"),
            write(Operation::Delete("003000000000003AAA".into()), ""),
            write(Operation::Create, "Ada"),
        ];
        let gone = Written { id: "003000000000003AAA".into(), created: false, modified: None, version: None };
        let expected = vec![found("003000000000001AAA", false), None, Some(gone), None];
        assert_eq!(run(&http, "Contact", &writes), Ok(expected));
        let soql = "SELECT Id,SystemModstamp,FirstName FROM Contact WHERE Id IN ('003000000000001','003000000000002AAA','003000000000003AAA')";
        assert_eq!(http.sent()[0].query[0].1, soql);
    }

    #[test]
    fn activities_are_found_by_their_key() {
        let records = json!([{"attributes": {}, "Id": "00T000000000001AAA", "SystemModstamp": STAMPED, "Ferry_Id__c": "ferry-1"}]);
        let http = FakeHttp::new().expect(Method::Get, QUERY, Ok(page(records)));
        let lost = Write { key: "ferry-2".into(), ..write(Operation::Create, "x") };
        let resolved = run(&http, "Task", &[write(Operation::Create, "x"), lost]);
        assert_eq!(resolved, Ok(vec![found("00T000000000001AAA", true), None]));
        let missing =
            json!([{"errorCode": "INVALID_FIELD", "message": "No such column 'Ferry_Id__c' on entity 'Task'."}]);
        let http = FakeHttp::new().expect(Method::Get, QUERY, Ok(respond(400, &missing)));
        assert_eq!(run(&http, "Task", &[write(Operation::Create, "x")]), Ok(vec![None]));
    }
}
