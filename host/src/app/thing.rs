//! The kinds of things that have names, for whoever names one that is not there.

/// What a name stands for, and which command lists the ones there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    Plugin,
    Connection,
    Sync,
    Contact,
    Preset,
    Object,
    Field,
    Segment,
    OutboxEntry,
    Attribute,
    Publisher,
    Run,
    Token,
    Audience,
    Hook,
    Suppression,
}

impl Thing {
    pub fn word(self) -> &'static str {
        match self {
            Self::Plugin => "plugin",
            Self::Connection => "connection",
            Self::Sync => "sync",
            Self::Contact => "contact",
            Self::Preset => "preset",
            Self::Object => "object",
            Self::Field => "field",
            Self::Segment => "segment",
            Self::OutboxEntry => "outbox entry",
            Self::Attribute => "attribute",
            Self::Publisher => "trusted publisher",
            Self::Run => "run",
            Self::Token => "token",
            Self::Audience => "audience",
            Self::Hook => "hook",
            Self::Suppression => "suppression",
        }
    }

    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Plugin => "plugin-not-found",
            Self::Connection => "connection-not-found",
            Self::Sync => "sync-not-found",
            Self::Contact => "contact-not-found",
            Self::Preset => "preset-not-found",
            Self::Object => "object-not-found",
            Self::Field => "field-not-found",
            Self::Segment => "segment-not-found",
            Self::OutboxEntry => "outbox-entry-not-found",
            Self::Attribute => "attribute-not-found",
            Self::Publisher => "publisher-not-found",
            Self::Run => "run-not-found",
            Self::Token => "token-not-found",
            Self::Audience => "audience-not-found",
            Self::Hook => "hook-not-found",
            Self::Suppression => "suppression-not-found",
        }
    }

    pub(super) fn listed_by(self) -> &'static str {
        match self {
            Self::Plugin => "ferry plugin list",
            Self::Connection => "ferry connection list",
            Self::Sync => "ferry sync list",
            Self::Contact => "ferry contacts list",
            Self::Preset => "ferry plugin presets PLUGIN",
            Self::Object => "ferry objects CONNECTION",
            Self::Field => "ferry fields CONNECTION OBJECT",
            Self::Segment => "ferry segments CONNECTION OBJECT",
            Self::OutboxEntry => "ferry outbox list",
            Self::Attribute => "ferry contacts list",
            Self::Publisher => "ferry plugin trust list",
            Self::Run => "ferry sync runs SYNC",
            Self::Token => "ferry token list",
            Self::Audience => "ferry audience list",
            Self::Hook => "ferry hook list",
            Self::Suppression => "ferry suppress list",
        }
    }
}
