//! The Salesforce simulator: one org with OAuth, describe, SOQL, records, collections, replication, limits and every fault as a
//! switch. Facts are from Salesforce's documentation; where it differs from the real CRM it is stricter.

mod bulk;
mod cell;
mod changes;
mod collections;
mod composite;
mod control;
mod cursors;
mod describe;
mod dispatch;
mod errors;
mod handle;
mod id;
mod jwt;
mod limits;
mod org;
mod population;
mod query;
mod records;
mod replication;
mod schema;
mod sign_in;
mod soap;
mod soql;
mod standard;
mod table;
#[cfg(test)]
mod tests;
mod values;
mod views;
mod write;

pub use changes::ChangeEvent;
pub use control::RecordDump;
pub use handle::{Credentials, Options, Salesforce};
pub use org::{DuplicateRule, Switches};
