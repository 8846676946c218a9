//! The way from a command to a server that has the state open: a socket in the state directory, for its owner only.
//!
//! The command line goes over, and the server runs it with the caller's terminal, files and environment as its console:
//! whatever a command says, reads, asks or writes is a [`frame`] to the caller and, where it needs one, an answer.

pub(super) mod caller;
mod frame;
pub(super) mod host;
mod remote;
mod socket;
