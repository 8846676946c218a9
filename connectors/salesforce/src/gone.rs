//! What is no longer there: deleted records, which the recycle bin keeps for fifteen days, and those merged into others.

use ferry_sdk::connector::{Failure, Page, Window};
use ferry_sdk::time;
use ferry_sdk::value::Tombstone;
use serde::Deserialize;

use crate::api::Api;
use crate::objects;
use crate::pull::whole_ms;
use crate::records::STAMP;
use crate::soql;
use crate::token::Token;

/// Tombstones of one page.
const PAGE_MOST: usize = 2_000;

#[derive(Deserialize)]
struct Answer {
    records: Vec<Deleted>,
    done: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Deleted {
    id: String,
    system_modstamp: String,
    /// Of one that was merged: the record that it lives on in.
    #[serde(default)]
    master_record_id: Option<String>,
}

/// In the order of stamp and id, as a window is pulled: deleting and merging stamp the record.
pub(crate) fn gone(api: &Api<'_>, object: &str, window: Window, token: Option<&str>) -> Result<Page, Failure> {
    let token = token.map(Token::read).transpose()?.unwrap_or_default();
    let mut conditions = vec![
        "IsDeleted = true".to_owned(),
        format!("{STAMP} >= {}", time::write_instant(whole_ms(window.since), 3)),
        format!("{STAMP} < {}", time::write_instant(whole_ms(window.before), 3)),
    ];
    if let (Some(stamp), Some(id)) = (token.stamp, &token.id) {
        conditions.push(soql::behind(stamp, id));
    }
    let master = if objects::is_merged(object) { ",MasterRecordId" } else { "" };
    let conditions = soql::whole(&conditions);
    let soql = format!("SELECT Id,{STAMP}{master} FROM {object}{conditions} ORDER BY {STAMP}, Id LIMIT {PAGE_MOST}");
    let answer: Answer = api.json(api.query(&soql, true)?, object)?;
    let next = match answer.records.last().filter(|_| answer.records.len() >= PAGE_MOST || !answer.done) {
        None => None,
        Some(last) => {
            let stamp = time::instant(&last.system_modstamp);
            let stamp = stamp.ok_or_else(|| Failure::malformed(format!("a {STAMP} is no time")))?;
            Some(Token { stamp: Some(stamp), id: Some(last.id.clone()), ..Token::default() }.write())
        }
    };
    let gone = answer.records.into_iter().map(Deleted::tombstone).collect();
    Ok(Page { gone, ..Page::of(Vec::new(), next) })
}

impl Deleted {
    fn tombstone(self) -> Tombstone {
        Tombstone { id: self.id, at: time::instant(&self.system_modstamp), into: self.master_record_id }
    }
}

#[cfg(test)]
mod tests {
    use ferry_sdk::http::Method;
    use ferry_sdk::testing::{FakeHttp, FakeSignature, call, json};
    use serde_json::json;

    use super::*;

    fn run(object: &str, done: bool) -> (Page, String) {
        let record = |id: &str, master: Option<&str>| {
            json!({"attributes": {}, "Id": id,
            "SystemModstamp": "1970-01-01T00:00:01.000+0000", "MasterRecordId": master})
        };
        let records = json!({"done": done, "records": [
            record("003000000000001AAA", None), record("003000000000002AAA", Some("003000000000009AAA"))]});
        let http = FakeHttp::new().expect(Method::Get, "/services/data/v67.0/queryAll", Ok(json(200, &records)));
        let signature = FakeSignature::default();
        let window = Window { since: 0, before: 2_000_000 };
        let page = gone(&Api::open(&call("{}", 0, &http, &signature)).unwrap(), object, window, None).unwrap();
        (page, http.sent()[0].query[0].1.clone())
    }

    #[test]
    fn deleted_records_leave_tombstones_and_merged_ones_say_where_they_live_on() {
        let (page, soql) = run("Contact", true);
        let tombstone = |id: &str, into: Option<&str>| Tombstone {
            id: id.into(),
            at: Some(1_000_000),
            into: into.map(str::to_owned),
        };
        let expected =
            [tombstone("003000000000001AAA", None), tombstone("003000000000002AAA", Some("003000000000009AAA"))];
        assert_eq!((page.gone.as_slice(), page.next), (&expected[..], None));
        let expected = "SELECT Id,SystemModstamp,MasterRecordId FROM Contact WHERE IsDeleted = true AND SystemModstamp >= \
                        1970-01-01T00:00:00.000Z AND SystemModstamp < 1970-01-01T00:00:02.000Z ORDER BY SystemModstamp, Id LIMIT 2000";
        assert_eq!(soql, expected);
    }

    #[test]
    fn a_cut_answer_goes_on_behind_its_last_record() {
        let (page, soql) = run("Task", false);
        assert!(!soql.contains("MasterRecordId"));
        assert_eq!(page.next.as_deref(), Some(r#"{"t":1000000,"i":"003000000000002AAA"}"#));
    }
}
