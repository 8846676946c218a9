//! HubSpot: contacts, companies, deals, activities and an account's own objects, both ways.

mod api;
mod failure;
mod objects;
mod pull;
mod push;
mod records;
mod schema;
mod time;
mod token;
mod values;

use ferry_sdk::connector::{Account, Call, Connector, Failure, Field, Object, Outcome, Page, PullRequest, Write};

/// The connector.
pub struct HubSpot;

impl Connector for HubSpot {
    fn check(_call: &Call<'_>) -> Result<Account, Failure> {
        Err(Failure::Unsupported("soon".to_owned()))
    }

    fn objects(call: &Call<'_>) -> Result<Vec<Object>, Failure> {
        objects::list(&api::Api::open(call)?)
    }

    fn fields(call: &Call<'_>, object: &str) -> Result<Vec<Field>, Failure> {
        schema::fields(&api::Api::open(call)?, objects::checked(object)?)
    }

    fn pull(call: &Call<'_>, request: PullRequest) -> Result<Page, Failure> {
        pull::pull(call, request)
    }

    fn partition(call: &Call<'_>, request: PullRequest, most: u32) -> Result<Vec<String>, Failure> {
        pull::partition(call, request, most)
    }

    fn push(call: &Call<'_>, object: &str, writes: Vec<Write>) -> Result<Vec<Outcome>, Failure> {
        push::push(call, object, &writes)
    }
}

ferry_sdk::connector!(HubSpot);
