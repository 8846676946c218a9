//! Why a call gives nothing, as advice to the host.

use crate::http::Error;
use crate::value::Problem;

pub use crate::bindings::connector::ferry::crm::types::Failure;

impl Failure {
    /// The settings or the request are wrong in one field.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem::of(field, message)])
    }

    /// The CRM answered with something that is not what it promises.
    pub fn malformed(what: impl std::fmt::Display) -> Self {
        // A proxy or an outage in the middle is far more common than a CRM that has changed for good.
        Self::Temporary(format!("the CRM's answer can't be read: {what}"))
    }
}

impl From<Error> for Failure {
    /// For calls that only read: whatever was lost can be asked again. A write decides for itself what `unanswered` means.
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(why) => Self::Permanent(why),
            Error::Unauthorized(why) => Self::Unauthorized(why),
            Error::Exhausted(wait) => Self::RateLimited(wait),
            Error::Unreachable(why) | Error::Unanswered(why) => Self::Temporary(why),
            Error::TooLarge(limit) => Self::Permanent(format!("the CRM's answer is larger than {limit} bytes")),
        }
    }
}
