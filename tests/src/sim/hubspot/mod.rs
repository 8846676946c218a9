//! The HubSpot simulator: one account behind both path styles, with OAuth, objects, batches, search, properties, lists,
//! associations, limits, webhooks and every fault as a switch. Facts are from developers.hubspot.com; where it differs from the
//! real CRM it is stricter.

mod account;
mod account_calls;
mod association_calls;
mod associations;
mod auth;
mod batch;
mod body;
mod catalog;
mod control;
mod dispatch;
mod errors;
mod events;
mod filter;
mod handle;
mod kinds;
mod limits;
mod link_types;
mod lists;
mod objects;
mod owners;
mod page;
mod paths;
mod population;
mod properties;
mod record;
mod schemas;
mod search;
mod seed;
mod show;
mod table;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_clients;
#[cfg(test)]
mod tests_faults;
mod values;
mod write;

pub use account::Switches;
pub use events::{Post, signature_v3, signed};
pub use handle::{Credentials, HubSpot, Options, RecordDump};
