//! The engine against a CRM in memory that is as awkward as real ones: lost replies, poison rows, equal stamps, caps.

mod crm;
mod gone;
mod inbound;
mod joining;
mod outbound;
mod outlook;
mod rig;
mod sets;
mod simulation;
