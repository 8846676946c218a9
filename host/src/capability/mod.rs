//! What a plugin may ask of the host: one file per imported interface.

pub mod http;
pub mod log;
