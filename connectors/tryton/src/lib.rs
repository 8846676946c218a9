//! Tryton: parties, addresses, opportunities, notes and any model that an admin names, both ways, by its JSON-RPC. Tried against a
//! server of version 8.2.

mod api;
mod check;
mod domain;
mod failure;
mod gone;
mod mechanisms;
mod objects;
mod pull;
mod push;
mod resolve;
mod schema;
mod segments;
mod token;
mod values;

use ferry_sdk::connector::{
    Account, Call, Connector, Failure, Field, Object, Outcome, Page, PullRequest, Segment, Window, Write, Written,
};

use api::Api;

/// The connector.
pub struct Tryton;

impl Connector for Tryton {
    fn check(call: &Call<'_>) -> Result<Account, Failure> {
        check::check(&Api::open(call)?)
    }

    fn objects(call: &Call<'_>) -> Result<Vec<Object>, Failure> {
        objects::list(&Api::open(call)?)
    }

    fn fields(call: &Call<'_>, object: &str) -> Result<Vec<Field>, Failure> {
        let api = Api::open(call)?;
        schema::fields(&api, objects::checked(&api, object)?)
    }

    fn segments(call: &Call<'_>, object: &str) -> Result<Vec<Segment>, Failure> {
        let api = Api::open(call)?;
        segments::segments(&api, objects::checked(&api, object)?)
    }

    fn pull(call: &Call<'_>, request: PullRequest) -> Result<Page, Failure> {
        let api = Api::open(call)?;
        pull::pull(&api, objects::checked(&api, &request.object)?, &request)
    }

    fn gone(call: &Call<'_>, object: &str, window: Window, token: Option<String>) -> Result<Page, Failure> {
        let api = Api::open(call)?;
        gone::gone(&api, objects::checked(&api, object)?, window, token.as_deref())
    }

    fn push(call: &Call<'_>, object: &str, writes: Vec<Write>) -> Result<Vec<Outcome>, Failure> {
        let api = Api::open(call)?;
        push::push(&api, objects::checked(&api, object)?, &writes)
    }

    fn resolve(call: &Call<'_>, object: &str, writes: Vec<Write>) -> Result<Vec<Option<Written>>, Failure> {
        let api = Api::open(call)?;
        resolve::resolve(&api, objects::checked(&api, object)?, &writes, call.now)
    }
}

ferry_sdk::connector!(Tryton);
