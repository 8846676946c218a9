//! Pipedrive: persons, organizations, deals and activities, both ways, by version 2 of its API; leads, to read, by version 1.

mod api;
mod check;
mod failure;
mod filter;
mod gone;
mod objects;
mod place;
mod pull;
mod push;
mod records;
mod resolve;
mod schema;
mod segments;
mod token;
mod values;

use ferry_sdk::connector::{
    Account, Call, Connector, Failure, Field, Object, Outcome, Page, PullRequest, Segment, Window, Write, Written,
};

/// The connector.
pub struct Pipedrive;

impl Connector for Pipedrive {
    fn check(call: &Call<'_>) -> Result<Account, Failure> {
        check::check(&api::Api::open(call)?)
    }

    fn objects(_: &Call<'_>) -> Result<Vec<Object>, Failure> {
        Ok(objects::list())
    }

    fn fields(call: &Call<'_>, object: &str) -> Result<Vec<Field>, Failure> {
        schema::fields(&api::Api::open(call)?, objects::checked(object)?)
    }

    fn segments(call: &Call<'_>, object: &str) -> Result<Vec<Segment>, Failure> {
        segments::segments(&api::Api::open(call)?, objects::checked(object)?)
    }

    fn pull(call: &Call<'_>, request: PullRequest) -> Result<Page, Failure> {
        pull::pull(&api::Api::open(call)?, &request)
    }

    fn gone(call: &Call<'_>, object: &str, window: Window, token: Option<String>) -> Result<Page, Failure> {
        gone::gone(&api::Api::open(call)?, objects::written(object)?, window, token.as_deref())
    }

    fn push(call: &Call<'_>, object: &str, writes: Vec<Write>) -> Result<Vec<Outcome>, Failure> {
        push::push(&api::Api::open(call)?, objects::written(object)?, &writes)
    }

    fn resolve(call: &Call<'_>, object: &str, writes: Vec<Write>) -> Result<Vec<Option<Written>>, Failure> {
        resolve::resolve(&api::Api::open(call)?, objects::written(object)?, &writes, call.now)
    }
}

ferry_sdk::connector!(Pipedrive);
