//! What a plugin may ask of the host: one file per imported interface. Never knows the sandbox's engine.

pub mod http;
pub mod log;
