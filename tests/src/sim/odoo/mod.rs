//! The Odoo simulator: one database behind the JSON-2 API, with its models, domains, `load` under external ids, archives and faults.
//! Facts: a running Odoo 19 Community, as far as tried; where it differs from the real one it is stricter. No limits of rate, since Odoo
//! has none, and no sign-in but by key.

mod database;
mod dispatch;
mod domain;
mod errors;
mod handle;
mod load;
mod methods;
mod models;
mod seed;
#[cfg(test)]
mod tests;
mod values;

pub use database::Switches;
pub use handle::{Credentials, Odoo, Options};
