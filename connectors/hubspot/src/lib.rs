//! HubSpot: contacts, companies, deals, activities and an account's own objects, both ways.

mod api;
mod associations;
mod check;
mod failure;
mod gone;
mod objects;
mod paging;
mod pull;
mod push;
mod receive;
mod records;
mod resolve;
mod schema;
mod segments;
mod time;
mod token;
mod values;

use ferry_sdk::connector::{
    Account, Call, Connector, Failure, Field, Hint, Object, Outcome, Page, PullRequest, Segment, Webhook, Window,
    Write, Written,
};

/// The connector.
pub struct HubSpot;

impl Connector for HubSpot {
    fn check(call: &Call<'_>) -> Result<Account, Failure> {
        check::check(call)
    }

    fn objects(call: &Call<'_>) -> Result<Vec<Object>, Failure> {
        objects::list(&api::Api::open(call)?)
    }

    fn fields(call: &Call<'_>, object: &str) -> Result<Vec<Field>, Failure> {
        schema::fields(&api::Api::open(call)?, objects::checked(object)?)
    }

    fn segments(call: &Call<'_>, object: &str) -> Result<Vec<Segment>, Failure> {
        segments::segments(call, object)
    }

    fn pull(call: &Call<'_>, request: PullRequest) -> Result<Page, Failure> {
        pull::pull(call, request)
    }

    fn partition(call: &Call<'_>, request: PullRequest, most: u32) -> Result<Vec<String>, Failure> {
        pull::partition(call, request, most)
    }

    fn gone(call: &Call<'_>, object: &str, window: Window, token: Option<String>) -> Result<Page, Failure> {
        gone::gone(call, object, window, token.as_deref())
    }

    fn push(call: &Call<'_>, object: &str, writes: Vec<Write>) -> Result<Vec<Outcome>, Failure> {
        push::push(call, object, &writes)
    }

    fn resolve(call: &Call<'_>, object: &str, writes: Vec<Write>) -> Result<Vec<Option<Written>>, Failure> {
        resolve::resolve(call, object, &writes)
    }

    fn receive(call: &Call<'_>, request: Webhook) -> Result<Vec<Hint>, Failure> {
        receive::receive(call, &request)
    }
}

ferry_sdk::connector!(HubSpot);
