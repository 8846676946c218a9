//! HubSpot: contacts, companies, deals, activities and an account's own objects, both ways.

mod api;
mod failure;
mod records;
mod time;
mod values;
