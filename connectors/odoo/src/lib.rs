//! Odoo 19: contacts, leads, events, activities, messages and any model that an admin names, both ways, by its JSON-2 API.

mod api;
mod check;
mod domain;
mod failure;
mod gone;
mod objects;
mod pull;
mod push;
mod resolve;
mod schema;
mod token;
mod values;

use ferry_sdk::connector::{
    Account, Call, Connector, Failure, Field, Object, Outcome, Page, PullRequest, Window, Write, Written,
};

use api::Api;

/// The connector.
pub struct Odoo;

impl Connector for Odoo {
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
        resolve::resolve(&api, objects::checked(&api, object)?, &writes)
    }
}

ferry_sdk::connector!(Odoo);
