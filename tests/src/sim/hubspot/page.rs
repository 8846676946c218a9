//! Paging parameters and their limits.

use super::errors::ApiError;
use crate::sim::server::Request;

/// The `limit` of a request, refused below 1 and above `max`.
pub(crate) fn limit(request: &Request, default: usize, max: usize) -> Result<usize, ApiError> {
    let Some(text) = request.query("limit") else { return Ok(default) };
    let limit: usize = text
        .parse()
        .map_err(|_| ApiError::invalid(format!("Unable to parse value \"{text}\" as a number for `limit`")))?;
    check_limit(limit, max)
}

/// The same for a limit from a body.
pub(crate) fn check_limit(limit: usize, max: usize) -> Result<usize, ApiError> {
    match limit {
        0 => Err(ApiError::invalid("The `limit` must be at least 1")),
        _ if limit > max => Err(ApiError::invalid(format!("The `limit` of {limit} is above the maximum of {max}"))),
        _ => Ok(limit),
    }
}

/// A `true` or `false` in the query, in any case, since HubSpot's client for Python writes `True`; false when absent.
pub(crate) fn flag(request: &Request, name: &str) -> Result<bool, ApiError> {
    match request.query(name) {
        None => Ok(false),
        Some(value) if value.eq_ignore_ascii_case("false") => Ok(false),
        Some(value) if value.eq_ignore_ascii_case("true") => Ok(true),
        Some(other) => Err(ApiError::invalid(format!("Unable to parse value \"{other}\" as a boolean for `{name}`"))),
    }
}
