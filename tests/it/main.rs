//! Whole crossings: the built program, the built components, a simulated CRM. `cargo xtask test` builds what they need.

mod clients;
mod conformance;
mod crash;
mod hostile;
mod languages;
mod layering;
mod merge;
mod outputs;
mod pipedrive;
mod plugin;
mod refusals;
mod rig;
mod salesforce;
mod scaffold;
mod scenarios;
mod server;
mod trust;
mod tryton;
