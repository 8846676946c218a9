//! Whole crossings: the built program, the built components, a simulated CRM. `cargo xtask test` builds what they need.

mod census;
mod api;
mod audiences;
mod audit;
mod clients;
mod conformance;
mod crash;
mod hooks;
mod hostile;
mod joining;
mod languages;
mod layering;
mod merge;
mod outbox;
mod pipedrive;
mod plan;
mod plugin;
mod refusals;
mod rig;
mod salesforce;
mod scenarios;
mod server;
mod trust;
mod tryton;
mod why;
mod web;
