//! What is no longer there: deleted records, which the recycle bin keeps for fifteen days, those merged into others, and leads
//! that were converted into contacts. First by query, which says where a record lives on; then by the list of deleted records,
//! which knows also of those that were purged from the bin.

use ferry_sdk::connector::{Failure, Page, Window};
use ferry_sdk::http::Request;
use ferry_sdk::log;
use ferry_sdk::time::{self, SECOND};
use ferry_sdk::value::{Instant, Successor, Tombstone};
use serde::Deserialize;

use crate::api::Api;
use crate::failure;
use crate::objects;
use crate::pull::whole_ms;
use crate::records::STAMP;
use crate::soql;
use crate::token::Token;

/// Tombstones of one page.
const PAGE_MOST: usize = 2_000;

const MINUTE: Instant = 60 * SECOND;

/// The contact that a lead was converted into. Field-level security may hide it.
const CONTACT: &str = "ConvertedContactId";

#[derive(Deserialize)]
struct Answer {
    records: Vec<Gone>,
    done: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Gone {
    id: String,
    system_modstamp: String,
    /// Of one that was merged: the record that it lives on in.
    #[serde(default)]
    master_record_id: Option<String>,
    /// Of a lead that was converted and not deleted since.
    #[serde(default)]
    converted_contact_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    deleted_records: Vec<Deleted>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deleted {
    id: String,
    #[serde(default)]
    deleted_date: Option<String>,
}

/// A page of tombstones.
pub(crate) fn gone(api: &Api<'_>, object: &str, window: Window, token: Option<&str>) -> Result<Page, Failure> {
    let token = token.map(Token::read).transpose()?.unwrap_or_default();
    match token.done {
        Some(done) => listed(api, object, window, done),
        None => found(api, object, window, &token),
    }
}

/// In the order of stamp and id, as a window is pulled: deleting, merging and converting stamp the record.
fn found(api: &Api<'_>, object: &str, window: Window, token: &Token) -> Result<Page, Failure> {
    let answer = match query(api, object, window, token, objects::is_converted(object)) {
        // Hidden: the lead is gone all the same, and nobody can say where to.
        Err(Failure::Missing(field)) if field == CONTACT => query(api, object, window, token, false)?,
        other => other?,
    };
    let next = match answer.records.last().filter(|_| answer.records.len() >= PAGE_MOST || !answer.done) {
        None => Token { done: Some(0), ..Token::default() },
        Some(last) => {
            let stamp = time::instant(&last.system_modstamp);
            let stamp = stamp.ok_or_else(|| Failure::malformed(format!("a {STAMP} is no time")))?;
            Token { stamp: Some(stamp), id: Some(last.id.clone()), ..Token::default() }
        }
    };
    let gone = answer.records.into_iter().map(|record| record.tombstone(object)).collect();
    Ok(Page { gone, ..Page::of(Vec::new(), Some(next.write())) })
}

fn query(api: &Api<'_>, object: &str, window: Window, token: &Token, contact: bool) -> Result<Answer, Failure> {
    let is_gone =
        if objects::is_converted(object) { "(IsDeleted = true OR IsConverted = true)" } else { "IsDeleted = true" };
    let mut conditions = vec![
        is_gone.to_owned(),
        format!("{STAMP} >= {}", time::write_instant(whole_ms(window.since), 3)),
        format!("{STAMP} < {}", time::write_instant(whole_ms(window.before), 3)),
    ];
    if let (Some(stamp), Some(id)) = (token.stamp, &token.id) {
        conditions.push(soql::behind(stamp, id));
    }
    let mut fields = vec!["Id", STAMP];
    fields.extend(objects::is_merged(object).then_some("MasterRecordId"));
    fields.extend(contact.then_some(CONTACT));
    let (fields, conditions) = (fields.join(","), soql::whole(&conditions));
    let soql = format!("SELECT {fields} FROM {object}{conditions} ORDER BY {STAMP}, Id LIMIT {PAGE_MOST}");
    api.json(api.query(&soql, true)?, object)
}

/// The list of deleted records, in the order of ids. It comes whole; `done` of it were told before.
fn listed(api: &Api<'_>, object: &str, window: Window, done: usize) -> Result<Page, Failure> {
    // Salesforce looks at whole minutes only, and wants one at least.
    let since = window.since.div_euclid(MINUTE) * MINUTE;
    let before = (-(-window.before).div_euclid(MINUTE) * MINUTE).max(since + MINUTE);
    let request = Request::get(api.object(object, "/deleted"))
        .query("start", time::write_instant(since, 0))
        .query("end", time::write_instant(before, 0));
    let response = api.ask(api.named(request))?;
    if response.status == 400 && !failure::is_session_over(&response) {
        // A window before the list's beginning, or more than it holds; some objects have none.
        log::warn(
            "Salesforce has no list of deleted records for this window: what was purged from the recycle bin is not told",
        );
        return Ok(Page::of(Vec::new(), None));
    }
    let mut listed: Listed = failure::checked(response, object)?.json()?;
    listed.deleted_records.sort_by(|one, other| one.id.cmp(&other.id));
    let count = listed.deleted_records.len();
    let page: Vec<Tombstone> =
        listed.deleted_records.into_iter().skip(done).take(PAGE_MOST).map(Deleted::tombstone).collect();
    let told = done + page.len();
    let next = (told < count && !page.is_empty()).then(|| Token { done: Some(told), ..Token::default() }.write());
    Ok(Page { gone: page, ..Page::of(Vec::new(), next) })
}

impl Gone {
    fn tombstone(self, object: &str) -> Tombstone {
        let master = self.master_record_id.map(|id| Successor { object: object.to_owned(), id });
        let contact = self.converted_contact_id.map(|id| Successor { object: "Contact".to_owned(), id });
        Tombstone { id: self.id, at: time::instant(&self.system_modstamp), into: master.or(contact) }
    }
}

impl Deleted {
    fn tombstone(self) -> Tombstone {
        Tombstone { id: self.id, at: self.deleted_date.as_deref().and_then(time::instant), into: None }
    }
}

#[cfg(test)]
mod tests {
    use ferry_sdk::http::{Method, Response};
    use ferry_sdk::testing::{FakeHttp, FakeSignature, call, json};
    use serde_json::{Value as Json, json};

    use super::*;

    const ALL: &str = "/services/data/v67.0/queryAll";
    const A: &str = "003000000000001AAA";
    const B: &str = "003000000000002AAA";
    const C: &str = "003000000000009AAA";
    const WINDOW: Window = Window { since: 61_000_000, before: 121_000_000 };

    fn run(http: &FakeHttp, object: &str, token: Option<&str>) -> Result<Page, Failure> {
        let signature = FakeSignature::default();
        let page = gone(&Api::open(&call("{}", 0, http, &signature)).unwrap(), object, WINDOW, token);
        http.done();
        page
    }

    fn records(done: bool, records: &[(&str, Json)]) -> Response {
        let record = |(id, more): &(&str, Json)| {
            let mut record = json!({"attributes": {}, "Id": id, "SystemModstamp": "1970-01-01T00:01:02.000+0000"});
            record.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
            record
        };
        json(200, &json!({"done": done, "records": records.iter().map(record).collect::<Vec<_>>()}))
    }

    fn tombstone(id: &str, into: Option<(&str, &str)>) -> Tombstone {
        let into = into.map(|(object, id)| Successor { object: object.into(), id: id.into() });
        Tombstone { id: id.into(), at: Some(62_000_000), into }
    }

    fn soql(http: &FakeHttp) -> String {
        http.sent().last().unwrap().query[0].1.clone()
    }

    const STAMPED: &str = "SystemModstamp >= 1970-01-01T00:01:01.000Z AND SystemModstamp < 1970-01-01T00:02:01.000Z ORDER BY SystemModstamp, Id LIMIT 2000";

    #[test]
    fn deleted_records_leave_tombstones_and_merged_ones_say_where_they_live_on() {
        let found = records(true, &[(A, json!({"MasterRecordId": null})), (B, json!({"MasterRecordId": C}))]);
        let http = FakeHttp::new().expect(Method::Get, ALL, Ok(found));
        let page = run(&http, "Contact", None).unwrap();
        assert_eq!(page.gone, [tombstone(A, None), tombstone(B, Some(("Contact", C)))]);
        assert_eq!(page.next.as_deref(), Some(r#"{"n":0}"#));
        assert_eq!(
            soql(&http),
            format!("SELECT Id,SystemModstamp,MasterRecordId FROM Contact WHERE IsDeleted = true AND {STAMPED}")
        );
    }

    #[test]
    fn a_converted_lead_lives_on_in_its_contact() {
        let found = records(
            true,
            &[(A, json!({"ConvertedContactId": C})), (B, json!({"MasterRecordId": A, "ConvertedContactId": null}))],
        );
        let http = FakeHttp::new().expect(Method::Get, ALL, Ok(found));
        let page = run(&http, "Lead", None).unwrap();
        assert_eq!(page.gone, [tombstone(A, Some(("Contact", C))), tombstone(B, Some(("Lead", A)))]);
        let select = "SELECT Id,SystemModstamp,MasterRecordId,ConvertedContactId FROM Lead WHERE (IsDeleted = true OR IsConverted = true)";
        assert_eq!(soql(&http), format!("{select} AND {STAMPED}"));
        let hidden =
            json!([{"errorCode": "INVALID_FIELD", "message": "No such column 'ConvertedContactId' on entity 'Lead'."}]);
        let http = FakeHttp::new().expect(Method::Get, ALL, Ok(json(400, &hidden))).expect(
            Method::Get,
            ALL,
            Ok(records(true, &[(A, json!({}))])),
        );
        assert_eq!(run(&http, "Lead", None).unwrap().gone, [tombstone(A, None)]);
    }

    #[test]
    fn a_cut_answer_goes_on_behind_its_last_record() {
        let http = FakeHttp::new().expect(Method::Get, ALL, Ok(records(false, &[(B, json!({}))])));
        let page = run(&http, "Task", None).unwrap();
        assert!(!soql(&http).contains("MasterRecordId"));
        assert_eq!(page.next.as_deref(), Some(r#"{"t":62000000,"i":"003000000000002AAA"}"#));
    }

    #[test]
    fn the_list_of_deleted_records_is_read_in_whole_minutes_and_to_its_end() {
        let target = "/services/data/v67.0/sobjects/Contact/deleted";
        let deleted = |count: usize| {
            let record =
                |at: usize| json!({"id": format!("003{at:015}"), "deletedDate": "1970-01-01T00:01:02.000+0000"});
            json(
                200,
                &json!({"deletedRecords": (0..count).rev().map(record).collect::<Vec<_>>(), "latestDateCovered": "x"}),
            )
        };
        let http = FakeHttp::new().expect(Method::Get, target, Ok(deleted(2_001)));
        let page = run(&http, "Contact", Some(r#"{"n":0}"#)).unwrap();
        assert_eq!((page.gone.len(), page.next.as_deref()), (2_000, Some(r#"{"n":2000}"#)));
        assert_eq!(page.gone[0], tombstone("003000000000000000", None));
        let asked: Vec<String> = http.sent()[0].query.iter().map(|(_, value)| value.clone()).collect();
        assert_eq!(asked, ["1970-01-01T00:01:00Z", "1970-01-01T00:03:00Z"]);
        let http = FakeHttp::new().expect(Method::Get, target, Ok(deleted(2_001)));
        let page = run(&http, "Contact", page.next.as_deref()).unwrap();
        assert_eq!((page.gone.len(), page.next), (1, None));
        let early = json!([{"errorCode": "INVALID_REPLICATION_DATE", "message": "x"}]);
        let http = FakeHttp::new().expect(Method::Get, target, Ok(json(400, &early)));
        assert_eq!(run(&http, "Contact", Some(r#"{"n":0}"#)).unwrap(), Page::of(Vec::new(), None));
    }
}
