//! Nouns and ports: what everything else speaks of. No I/O but the machine's clock.

pub mod conflict;
pub mod connector;
pub mod contact;
pub mod drift;
pub mod failure;
pub mod grant;
pub mod health;
pub mod http;
pub mod id;
pub mod ledger;
pub mod manifest;
pub mod mapping;
pub mod origin_pattern;
pub mod outcome;
pub mod policy;
pub mod probe;
pub mod publisher;
pub mod refusal;
pub mod schedule;
pub mod schema;
pub mod secret;
pub mod session;
pub mod sync;
pub mod time;
pub mod value;
