//! Large sets of writes by Bulk API 2.0: a job is opened, given its rows as CSV, closed, and asked for its results when it is done.
//! Rows keep no order there, so each is known again by its key, or by all that it says.

use std::collections::HashMap;

use ferry_sdk::connector::{Collected, Failure, Outcome, Problem, Write};
use ferry_sdk::http::{Request, Response};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::sender::Sender;
use super::{Action, Input, prepare, written};
use crate::api::{Api, is_id};
use crate::failure::{self, CrmError};
use crate::records::csv::Lines;

/// What empties a field; an empty value leaves it as it is.
const EMPTIES: &str = "#N/A";

/// How long Salesforce is given for each thousand rows before it is asked again.
const PAUSE_MS: usize = 1_000;

/// The longest pause between two looks.
const LONGEST_PAUSE_MS: usize = 30_000;

/// Stands between the values of a row that is known by all of them.
const BETWEEN: &str = "\u{1f}";

/// From how many writes on a job is worth it; none where the admin wants none.
pub(crate) fn least(api: &Api<'_>) -> Option<u32> {
    Some(api.settings.bulk_writes_from).filter(|least| *least > 0)
}

/// The rows of a job.
struct Load {
    action: Action,
    inputs: Vec<Input>,
    /// What is wrong with writes that are left out.
    refused: Vec<(usize, Problem)>,
    header: Vec<String>,
}

impl Load {
    /// # Errors
    /// `unsupported` for what a job can't do.
    fn of(api: &Api<'_>, object: &str, writes: &[Write]) -> Result<Self, Failure> {
        let (mut action, mut inputs, mut refused): (Option<Action>, Vec<Input>, _) = (None, Vec::new(), Vec::new());
        for (at, write) in writes.iter().enumerate() {
            match prepare(api, object, write, at) {
                Ok((this, input)) => {
                    if action.get_or_insert_with(|| this.clone()) != &this {
                        return Err(unsupported("writes of several kinds"));
                    }
                    inputs.push(input);
                }
                Err(problem) => refused.push((at, problem)),
            }
        }
        let action = action.filter(|action| !matches!(action, Action::UpdateUnchanged(_)));
        let action = action.ok_or_else(|| unsupported("conditional writes"))?;
        let mut header: Vec<String> = match &action {
            Action::Delete => Vec::new(),
            _ => inputs.iter().flat_map(|input| input.record.keys().cloned()).collect(),
        };
        header.sort_unstable();
        header.dedup();
        if let Some(key) = key(&action) {
            header.retain(|name| name != key);
            header.insert(0, key.to_owned());
        }
        let load = Self { action, inputs, refused, header };
        let mut known: Vec<String> = load.inputs.iter().map(|input| load.mark(&load.row(input))).collect();
        known.sort_unstable();
        let twice = known.windows(2).any(|pair| pair[0] == pair[1]);
        if twice && key(&load.action).is_some() {
            return Err(unsupported("two writes to one record"));
        }
        if load.inputs.iter().any(|input| input.record.values().any(|value| *value == json!(EMPTIES))) {
            return Err(unsupported("a text that empties the field there"));
        }
        Ok(load)
    }

    fn operation(&self) -> &'static str {
        match self.action {
            Action::Create => "insert",
            Action::Update | Action::UpdateUnchanged(_) => "update",
            Action::Upsert(_) => "upsert",
            Action::Delete => "delete",
        }
    }

    fn row(&self, input: &Input) -> Vec<String> {
        let own = key(&self.action);
        let cell = |name: &String| match input.record.get(name) {
            _ if own == Some(name) => input.id.clone(),
            None => String::new(),
            Some(Json::Null) => EMPTIES.to_owned(),
            Some(Json::String(text)) if text.is_empty() => EMPTIES.to_owned(),
            Some(Json::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        self.header.iter().map(cell).collect()
    }

    /// What a row is known by.
    fn mark(&self, row: &[String]) -> String {
        match key(&self.action) {
            Some(_) => row.first().cloned().unwrap_or_default(),
            None => row.join(BETWEEN),
        }
    }

    fn csv(&self) -> String {
        let line = |cells: &[String]| {
            let quoted: Vec<String> = cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
            quoted.join(",") + "\n"
        };
        let rows = self.inputs.iter().map(|input| line(&self.row(input)));
        std::iter::once(line(&self.header)).chain(rows).collect()
    }
}

/// The column that names the record; none where there is none yet.
fn key(action: &Action) -> Option<&str> {
    match action {
        Action::Create => None,
        Action::Upsert(field) => Some(field),
        Action::Update | Action::UpdateUnchanged(_) | Action::Delete => Some("Id"),
    }
}

fn unsupported(what: &str) -> Failure {
    Failure::Unsupported(format!("one job of Bulk API takes no {what}"))
}

#[derive(Deserialize)]
struct Job {
    id: String,
    state: String,
    #[serde(default, rename = "numberRecordsProcessed")]
    processed: u64,
}

fn job_path(api: &Api<'_>, rest: &str) -> String {
    api.path(&format!("/jobs/ingest{rest}"))
}

/// The job's path.
///
/// # Errors
/// `missing` where this is no name of a job.
fn named(api: &Api<'_>, name: &str, rest: &str) -> Result<String, Failure> {
    let path = job_path(api, &format!("/{name}{rest}"));
    is_id(name).then_some(path).ok_or_else(|| Failure::Missing("the job of this set".to_owned()))
}

/// Opens a job; it takes no effect before it has rows and is closed.
pub(crate) fn open(api: &Api<'_>, object: &str, writes: &[Write]) -> Result<String, Failure> {
    let load = Load::of(api, object, writes)?;
    let mut body = json!({"object": object, "operation": load.operation(), "contentType": "CSV",
        "lineEnding": "LF", "columnDelimiter": "COMMA"});
    if let Action::Upsert(field) = &load.action {
        body["externalIdFieldName"] = json!(field);
    }
    let job: Job = api.json(api.write(Request::post(job_path(api, "")).json(&body)), object)?;
    if is_id(&job.id) { Ok(job.id) } else { Err(Failure::malformed("the id of a job is none")) }
}

/// Gives the job its rows and closes it.
pub(crate) fn submit(api: &Api<'_>, object: &str, name: &str, writes: &[Write]) -> Result<(), Failure> {
    let load = Load::of(api, object, writes)?;
    let upload = Request::put(named(api, name, "/batches")?).header("content-type", "text/csv");
    let mut upload = api.named(upload);
    upload.body = Some(load.csv().into_bytes());
    // Salesforce takes the rows of a job once.
    upload.repeatable = false;
    api.send(upload, object)?;
    close(api, object, name, "UploadComplete").map(drop)
}

fn close(api: &Api<'_>, object: &str, name: &str, state: &str) -> Result<Job, Failure> {
    api.json(api.named(Request::patch(named(api, name, "")?).json(&json!({ "state": state }))), object)
}

/// What became of a job.
pub(crate) fn collect(api: &Api<'_>, object: &str, name: &str, writes: &[Write]) -> Result<Collected, Failure> {
    let gone = |failure| match failure {
        Failure::Missing(_) => Failure::Missing("the job of this set".to_owned()),
        other => other,
    };
    let job: Job = api.json(api.named(Request::get(named(api, name, "")?)), object).map_err(gone)?;
    match job.state.as_str() {
        // Its rows did not come, or not all; closed like this, they never do.
        "Open" => close(api, object, name, "Aborted").map(|_| Collected::Void),
        "UploadComplete" | "InProgress" => {
            let pause = (1 + writes.len() / 1_000).saturating_mul(PAUSE_MS).min(LONGEST_PAUSE_MS);
            Ok(Collected::Wait(u32::try_from(pause).unwrap_or(u32::MAX)))
        }
        "Aborted" | "Failed" if job.processed == 0 => Ok(Collected::Void),
        "JobComplete" | "Aborted" | "Failed" => {
            let load = Load::of(api, object, writes)?;
            results(api, object, name, &load, writes.len()).map(Collected::Outcomes)
        }
        _ => Err(Failure::malformed("the state of a job is none that is known")),
    }
}

/// The outcomes of a job that has ended.
fn results(api: &Api<'_>, object: &str, name: &str, load: &Load, count: usize) -> Result<Vec<Outcome>, Failure> {
    let unknown = || Outcome::Unknown("the results of the job do not tell".to_owned());
    let mut outcomes: Vec<Outcome> = std::iter::repeat_with(unknown).take(count).collect();
    let mut put = |at: usize, outcome| {
        if let Some(slot) = outcomes.get_mut(at) {
            *slot = outcome;
        }
    };
    for (at, problem) in &load.refused {
        put(*at, Outcome::Rejected(vec![problem.clone()]));
    }
    let mut waiting: HashMap<String, Vec<&Input>> = HashMap::new();
    for input in load.inputs.iter().rev() {
        waiting.entry(load.mark(&load.row(input))).or_default().push(input);
    }
    let mut take = |row: &[String]| waiting.get_mut(&load.mark(row)).and_then(Vec::pop);
    let sender = Sender::new(api, object);
    let kinds = ["successfulResults", "failedResults", "unprocessedrecords"];
    let requests = kinds
        .iter()
        .map(|kind| Ok(api.named(Request::get(named(api, name, &format!("/{kind}"))?).header("accept", "text/csv"))))
        .collect::<Result<Vec<Request>, Failure>>()?;
    for (kind, answer) in kinds.into_iter().zip(api.try_send_all(requests)) {
        let response = failure::checked(answer?, object)?;
        for result in table(&response, &load.header)? {
            let Some(input) = take(&result.row) else { continue };
            let outcome = match kind {
                "successfulResults" => written(&result.id, result.created),
                "failedResults" => sender.there_already(&load.action, input, &[result.error]),
                _ => Outcome::Later(None),
            };
            put(input.at, outcome);
        }
    }
    Ok(outcomes)
}

/// A line of a job's results.
struct Resulted {
    id: String,
    created: bool,
    error: CrmError,
    /// What was sent, in the order in which it was.
    row: Vec<String>,
}

/// # Errors
/// `temporary` where the body is no whole file of these columns.
fn table(response: &Response, sent: &[String]) -> Result<Vec<Resulted>, Failure> {
    let text = std::str::from_utf8(&response.body).map_err(|_| Failure::malformed("it is not UTF-8"))?;
    let mut lines = Lines::of(text);
    let mut line = Vec::new();
    if !lines.next(&mut line)? {
        return Err(Failure::malformed("results of a job without a header"));
    }
    let header: Vec<String> = line.iter().map(ToString::to_string).collect();
    let place = |name: &str| header.iter().position(|column| column.eq_ignore_ascii_case(name));
    let places = sent.iter().map(|name| place(name)).collect::<Option<Vec<usize>>>();
    let places = places.ok_or_else(|| Failure::malformed("results of a job have not the columns that it was given"))?;
    let (id, created, error) = (place("sf__Id"), place("sf__Created"), place("sf__Error"));
    let mut results = Vec::new();
    while lines.next(&mut line)? {
        if line.len() != header.len() {
            return Err(lines.malformed("it has not as many values as the header"));
        }
        let cell = |place: Option<usize>| place.and_then(|place| line.get(place)).map_or("", |cell| &**cell);
        results.push(Resulted {
            id: cell(id).to_owned(),
            created: cell(created).eq_ignore_ascii_case("true"),
            error: CrmError::of_job(cell(error)),
            row: places.iter().map(|place| cell(Some(*place)).to_owned()).collect(),
        });
    }
    // Cut at the end of a line, a file still looks whole; the end of its last line does not.
    if !text.is_empty() && !text.ends_with('\n') {
        return Err(Failure::malformed("results of a job end too early"));
    }
    Ok(results)
}

#[cfg(test)]
mod tests;
