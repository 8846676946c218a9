//! What became of writes whose answer was lost. Pipedrive keeps no key of a request, so a create is looked for among the records
//! that were added lately: an activity by the key in its note, others by holding all the values that were to be written.

use ferry_sdk::connector::{Failure, Operation, Write, Written};
use ferry_sdk::http::Request;
use ferry_sdk::time::{self, DAY};
use ferry_sdk::value::{Instant, Row, Value};

use crate::api::{self, Api, IDS_MOST, PAGE_MOST, is_id};
use crate::objects::{ACTIVITIES, Standard};
use crate::push::mark;
use crate::records::Columns;
use crate::schema;

/// How long a write may wait to be asked about: the host asks as soon as the CRM can be reached again.
const LOOK_BACK: Instant = 7 * DAY;

/// Pages that are looked through: half a million records added in a week are an import, not an outcome.
const PAGES_MOST: usize = 40;

pub(crate) fn resolve(
    api: &Api<'_>,
    object: &'static Standard,
    writes: &[Write],
    now: Instant,
) -> Result<Vec<Option<Written>>, Failure> {
    let mut found: Vec<Option<Written>> = vec![None; writes.len()];
    let creates: Vec<usize> = at_which(writes, |operation| matches!(operation, Operation::Create));
    if !creates.is_empty() {
        find_created(api, object, writes, &creates, now, &mut found)?;
    }
    // An update that is written again does no harm, so only deletes are left.
    for at in at_which(writes, |operation| matches!(operation, Operation::Delete(_))) {
        if let Operation::Delete(id) = &writes[at].operation
            && is_gone(api, object, id)?
        {
            found[at] = Some(written(id.clone(), false, None));
        }
    }
    Ok(found)
}

fn at_which(writes: &[Write], wanted: impl Fn(&Operation) -> bool) -> Vec<usize> {
    (0..writes.len()).filter(|at| wanted(&writes[*at].operation)).collect()
}

fn written(id: String, created: bool, modified: Option<Instant>) -> Written {
    Written { id, created, modified, version: None }
}

fn is_gone(api: &Api<'_>, object: &'static Standard, id: &str) -> Result<bool, Failure> {
    if !is_id(id) {
        return Ok(true);
    }
    let request = Request::get(api::records(object)).query("limit", IDS_MOST).query("ids", id);
    Ok(Columns::new([]).read(&api.send(request, object.name)?)?.rows.is_empty())
}

fn find_created(
    api: &Api<'_>,
    object: &'static Standard,
    writes: &[Write],
    creates: &[usize],
    now: Instant,
    found: &mut [Option<Written>],
) -> Result<(), Failure> {
    let names = names(object, writes, creates);
    let readings = schema::readings(api, object, &names)?;
    let columns = Columns::new(names.iter().copied().zip(readings));
    let mut taken: Vec<String> = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..PAGES_MOST {
        let mut request = Request::get(api::records(object))
            .query("limit", PAGE_MOST)
            .query("sort_by", "add_time")
            .query("sort_direction", "desc")
            .query("updated_since", time::write_instant(now - LOOK_BACK, 0));
        if let Some(cursor) = &cursor {
            request = request.query("cursor", cursor);
        }
        let page = columns.read(&api.send(request, object.name)?)?;
        for row in page.rows {
            let open = creates.iter().find(|at| found[**at].is_none() && fits(object, &writes[**at], &names, &row));
            if let Some(at) = open.filter(|_| !taken.contains(&row.id)) {
                taken.push(row.id.clone());
                found[*at] = Some(written(row.id, true, row.modified));
            }
        }
        let next = page.next.filter(|next| Some(next) != cursor.as_ref());
        if next.is_none() || creates.iter().all(|at| found[*at].is_some()) {
            return Ok(());
        }
        cursor = next;
    }
    Ok(())
}

/// The fields to compare by.
fn names<'a>(object: &Standard, writes: &'a [Write], creates: &[usize]) -> Vec<&'a str> {
    if *object == ACTIVITIES {
        return vec!["note"];
    }
    let mut names: Vec<&str> =
        creates.iter().flat_map(|at| &writes[*at].values).map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn fits(object: &Standard, write: &Write, names: &[&str], row: &Row) -> bool {
    let held = |name: &str| names.iter().position(|known| *known == name).and_then(|at| row.values.get(at));
    if *object == ACTIVITIES {
        return matches!(held("note"), Some(Value::Text(note)) if note.contains(&mark(&write.key)));
    }
    !write.values.is_empty()
        && write.values.iter().all(|(name, value)| held(name).is_some_and(|held| same(held, value)))
}

fn same(held: &Value, written: &Value) -> bool {
    let text = |value: &Value| match value {
        Value::Integer(number) => Some(number.to_string()),
        Value::Decimal(text) | Value::Text(text) => Some(text.trim().to_owned()),
        Value::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    };
    held == written || (text(held).is_some() && text(held) == text(written))
}
