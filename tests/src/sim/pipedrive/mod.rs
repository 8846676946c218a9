//! The Pipedrive simulator: one company behind version 2 of the API, and what only version 1 has (the user, filters, activity types,
//! recent changes, merges), with OAuth and API tokens, custom fields, budgets and bursts, and every fault as a switch. Facts: the
//! OpenAPI files that Pipedrive's own client is made of; where it differs from the real CRM it is stricter.

mod account;
mod auth;
mod control;
mod dispatch;
mod errors;
mod fields;
mod first;
mod handle;
mod leads;
mod limits;
mod list;
mod seed;
#[cfg(test)]
mod tests;
mod validate;
mod write;

pub use account::Switches;
pub use handle::{Credentials, Options, Pipedrive};
