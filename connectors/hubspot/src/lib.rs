//! HubSpot.
