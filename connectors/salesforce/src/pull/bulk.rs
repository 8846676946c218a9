//! Large backfills by Bulk API 2.0: a job is made, looked at until it is done, and its results are read page by page. The
//! host waits between two looks; the token carries the job. Whatever goes wrong with a job, the partition goes on by id.

use ferry_sdk::connector::{Failure, Page};
use ferry_sdk::http::{Request, Response};
use ferry_sdk::log;
use serde::Deserialize;
use serde_json::json;

use super::Pull;
use crate::api::{Api, is_id};
use crate::failure;
use crate::token::{Job, Token};

/// A job of some ten thousand records takes a few seconds; the pause doubles with each look.
const FIRST_PAUSE_MS: u32 = 1_000;

/// The longest pause between two looks: what it costs at the end of a job of hours.
const LONGEST_PAUSE_MS: u32 = 60_000;

/// Salesforce gives a query up after so many tries of its own; a job that is not done after a day never is.
const LOOKS_MOST: u32 = 1_440;

/// What a locator may be at most: it is Salesforce's to choose, and goes into the token.
const LOCATOR_MOST: usize = 512;

#[derive(Deserialize)]
struct Made {
    id: String,
}

#[derive(Deserialize)]
struct Seen {
    state: String,
    #[serde(default, rename = "numberRecordsProcessed")]
    records: Option<u64>,
}

impl Pull<'_> {
    /// A page of a partition that goes by a job.
    pub(super) fn by_job(&self, job: &Job) -> Result<Page, Failure> {
        match job {
            Job::New => self.make(),
            Job::Made { id, looks } => self.look(id, *looks),
            Job::Done { id, locator } => self.results(id, Some(locator)),
        }
    }

    /// Without an order, so that Salesforce may share the work out.
    fn make(&self) -> Result<Page, Failure> {
        let conditions: Vec<String> = self.conditions.iter().cloned().chain(self.share()).collect();
        let object = &self.request.object;
        let query = format!("SELECT {} FROM {}", self.columns.select(), self.from(&conditions));
        let body = json!({"operation": "query", "query": query});
        // A job whose answer was lost is forgotten by Salesforce after a week: making another does no harm.
        let request = self.api.named(Request::post(self.api.path("/jobs/query")).json(&body).repeatable());
        let answer = failure::checked(self.api.ask(request)?, object).and_then(|response| response.json::<Made>());
        match answer {
            Ok(made) if is_id(&made.id) => Ok(self.pause(made.id, 0)),
            Ok(_) => Err(Failure::malformed("the id of a job is none")),
            // A field that Bulk API does not give, or a day's jobs used up: pages by id have no such limits.
            Err(Failure::Permanent(_) | Failure::Invalid(_)) => {
                self.by_id_instead("Salesforce takes no bulk query for this")
            }
            Err(failure) => Err(failure),
        }
    }

    fn look(&self, id: &str, looks: u32) -> Result<Page, Failure> {
        let request = self.api.named(Request::get(self.api.path(&format!("/jobs/query/{id}"))));
        let seen: Seen = self.read(request)?.json()?;
        match seen.state.as_str() {
            "UploadComplete" | "InProgress" if looks < LOOKS_MOST => Ok(self.pause(id.to_owned(), looks + 1)),
            "JobComplete" => {
                let is_whole = self.token.id.is_none() && self.token.end.is_none();
                Ok(Page { total: seen.records.filter(|_| is_whole), ..self.results(id, None)? })
            }
            _ => self.by_id_instead("a bulk query did not come to its end"),
        }
    }

    fn results(&self, id: &str, locator: Option<&str>) -> Result<Page, Failure> {
        let request =
            Request::get(self.api.path(&format!("/jobs/query/{id}/results"))).query("maxRecords", self.limit());
        let request = locator.map_or(request.clone(), |locator| request.query("locator", locator));
        let response = self.read(self.api.named(request.header("accept", "text/csv")))?;
        let next = match response.header("sforce-locator") {
            None => return Err(Failure::malformed("results of a job without a locator")),
            Some("null" | "") => None,
            Some(next) if next.len() > LOCATOR_MOST || Some(next) == locator => {
                return Err(Failure::malformed("the locator of a job's results leads nowhere"));
            }
            Some(next) => Some(self.job(Job::Done { id: id.to_owned(), locator: next.to_owned() })),
        };
        Ok(Page::of(self.columns.read_csv(&response)?, next))
    }

    /// A job is kept for a week, and read by the version of the API that it was made with.
    fn read(&self, request: Request) -> Result<Response, Failure> {
        let response = self.api.ask(request)?;
        match response.status {
            404 | 409 => Err(Failure::TokenExpired),
            _ => failure::checked(response, &self.request.object),
        }
    }

    fn pause(&self, id: String, looks: u32) -> Page {
        let wait = FIRST_PAUSE_MS.saturating_mul(1 << looks.min(16)).min(LONGEST_PAUSE_MS);
        Page { wait: Some(wait), ..Page::of(Vec::new(), Some(self.job(Job::Made { id, looks }))) }
    }

    /// The partition's own token with this job.
    fn job(&self, job: Job) -> String {
        let (id, end) = (self.token.id.clone(), self.token.end.clone());
        self.next(Token { job: Some(job), id, end, ..Token::default() })
    }

    fn by_id_instead(&self, why: &str) -> Result<Page, Failure> {
        log::warn(&format!("{why}: the records come page by page"));
        let (id, end) = (self.token.id.clone(), self.token.end.clone());
        Ok(Page::of(Vec::new(), Some(self.next(Token { id, end, ..Token::default() }))))
    }
}

/// How many records there are behind this `FROM`; none where counting takes Salesforce too long.
pub(super) fn count(api: &Api<'_>, object: &str, from: &str) -> Result<Option<u64>, Failure> {
    #[derive(Deserialize)]
    struct Counted {
        #[serde(rename = "totalSize")]
        total: u64,
    }
    let soql = format!("SELECT COUNT() FROM {from}");
    match api.json::<Counted>(api.query(&soql, false)?, object) {
        Ok(counted) => Ok(Some(counted.total)),
        Err(Failure::WindowTooLarge(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}
