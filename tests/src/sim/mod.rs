//! Simulators of CRMs, stricter than the real ones. What every CRM needs stands here (clock, faults, journal, the HTTP
//! server); each CRM has a folder of its own. Nothing here knows the host or a connector: a shared type would share the bug.

pub mod clock;
pub mod control;
pub mod faults;
pub mod hubspot;
pub mod journal;
mod names;
pub mod odoo;
pub mod phonebook;
pub mod pipedrive;
pub mod salesforce;
pub mod server;
mod spoil;
pub mod stamp;

/// A small, well-mixed hash: the source of every seeded value, so that a record is computed from (seed, index) alone.
pub(crate) fn mix(seed: u64, salt: u64) -> u64 {
    // The finaliser of splitmix64, by Sebastiano Vigna (public domain).
    let mut z = seed.wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
