//! What the tests stand on: simulators of CRMs. Shares no type with the host or the connectors.

pub mod sim;
