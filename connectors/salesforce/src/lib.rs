//! Salesforce: contacts, leads, accounts, opportunities, tasks, events and an org's own objects, both ways.

mod api;
mod check;
mod failure;
mod gone;
mod objects;
mod pull;
mod push;
mod records;
mod resolve;
mod schema;
mod segments;
mod soql;
mod token;
mod values;

use ferry_sdk::connector::{
    Account, Call, Collected, Connector, Failure, Field, Object, Outcome, Page, PullRequest, Segment, Window, Write,
    Written,
};

/// The connector.
pub struct Salesforce;

impl Connector for Salesforce {
    fn check(call: &Call<'_>) -> Result<Account, Failure> {
        check::check(&api::Api::open(call)?)
    }

    fn objects(call: &Call<'_>) -> Result<Vec<Object>, Failure> {
        objects::list(&api::Api::open(call)?)
    }

    fn fields(call: &Call<'_>, object: &str) -> Result<Vec<Field>, Failure> {
        schema::fields(&api::Api::open(call)?, objects::checked(object)?)
    }

    fn segments(call: &Call<'_>, object: &str) -> Result<Vec<Segment>, Failure> {
        segments::segments(&api::Api::open(call)?, objects::checked(object)?)
    }

    fn pull(call: &Call<'_>, request: PullRequest) -> Result<Page, Failure> {
        pull::pull(call, request)
    }

    fn partition(call: &Call<'_>, request: PullRequest, most: u32) -> Result<Vec<String>, Failure> {
        pull::partition(call, request, most)
    }

    fn gone(call: &Call<'_>, object: &str, window: Window, token: Option<String>) -> Result<Page, Failure> {
        gone::gone(&api::Api::open(call)?, objects::checked(object)?, window, token.as_deref())
    }

    fn push(call: &Call<'_>, object: &str, writes: Vec<Write>) -> Result<Vec<Outcome>, Failure> {
        push::push(&api::Api::open(call)?, objects::checked(object)?, &writes)
    }

    fn resolve(call: &Call<'_>, object: &str, writes: Vec<Write>) -> Result<Vec<Option<Written>>, Failure> {
        resolve::resolve(&api::Api::open(call)?, objects::checked(object)?, &writes)
    }

    fn least(call: &Call<'_>, _object: &str) -> Result<Option<u32>, Failure> {
        Ok(push::bulk::least(&api::Api::open(call)?))
    }

    fn open(call: &Call<'_>, object: &str, writes: Vec<Write>) -> Result<String, Failure> {
        push::bulk::open(&api::Api::open(call)?, objects::checked(object)?, &writes)
    }

    fn submit(call: &Call<'_>, object: &str, name: &str, writes: Vec<Write>) -> Result<(), Failure> {
        push::bulk::submit(&api::Api::open(call)?, objects::checked(object)?, name, &writes)
    }

    fn collect(call: &Call<'_>, object: &str, name: &str, writes: Vec<Write>) -> Result<Collected, Failure> {
        push::bulk::collect(&api::Api::open(call)?, objects::checked(object)?, name, &writes)
    }
}

ferry_sdk::connector!(Salesforce);
