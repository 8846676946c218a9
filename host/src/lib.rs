//! Ferry: a plugin host that carries customer records between CRMs and a platform, in sandboxed components.

pub mod app;
pub mod capability;
pub mod conformance;
pub mod egress;
pub mod model;
pub mod plugin;
pub mod server;
pub mod store;
pub mod sync;
pub mod trace;
pub mod vault;
