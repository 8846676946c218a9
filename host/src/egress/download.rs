//! Gets a file for the host itself, as a plugin's package: from an origin that an admin named, checked as every request is.
//! A redirect is a new request, without what signed in the one before it.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, LOCATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue};
use url::Url;

use super::wire::{self, Prepared};
use super::{Answer, Egress};
use crate::model::grant::Reach;
use crate::model::http::{HttpError, Method};

/// Registries hand downloads on to their storage once, load balancers seldom more than twice.
const MOST_REDIRECTS: usize = 5;

/// What is asked for, and how far that may lead.
pub struct Download<'a> {
    pub url: &'a Url,
    /// Where the file's own server is. What a redirect leads to is on the open network, or at that very origin.
    pub reach: Reach,
    pub accept: &'static str,
    /// Sent to the file's own server only.
    pub authorization: Option<&'a HeaderValue>,
    /// The largest body, in bytes.
    pub limit: u64,
}

/// What came, of whatever status.
pub struct Downloaded {
    pub status: u16,
    /// What the server wants to see before it answers, each of its ways by itself.
    pub challenges: Vec<String>,
    pub body: Bytes,
}

impl Egress {
    /// Gets one file.
    ///
    /// # Errors
    /// As [`HttpError`] says.
    pub async fn download(&self, wanted: Download<'_>) -> Result<Downloaded, HttpError> {
        let (mut url, home) = (wanted.url.clone(), wanted.url.origin());
        for _ in 0..=MOST_REDIRECTS {
            let is_home = url.origin() == home;
            let reach = if is_home { wanted.reach } else { Reach::Open };
            let authorization = wanted.authorization.filter(|_| is_home).map(|value| (AUTHORIZATION, value.clone()));
            let prepared = prepared(url.clone(), reach, wanted.accept)?;
            let total = self.0.wire.bounds.total;
            let answer = self.0.wire.exchange(&prepared, authorization.as_ref(), wanted.limit, total).await?;
            match next(&url, &answer)? {
                Some(address) => url = address,
                None => return Ok(downloaded(answer)),
            }
        }
        Err(HttpError::Unanswered(format!("it was sent on more than {MOST_REDIRECTS} times")))
    }
}

fn prepared(url: Url, reach: Reach, accept: &'static str) -> Result<Prepared, HttpError> {
    let origin = url.origin().ascii_serialization();
    if url.scheme() != "https" && (reach != Reach::Loopback || url.scheme() != "http") {
        return Err(HttpError::Denied(format!("`{origin}` is not `https`: a package never travels in the clear")));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(HttpError::Denied(format!(
            "the address at `{origin}` holds a user name, which anybody could read"
        )));
    }
    wire::literal(&url, reach)?;
    let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
    Ok(Prepared { method: Method::Get, url, headers, body: None, repeatable: true, bucket: None, reach })
}

/// Where an answer leads on to.
fn next(url: &Url, answer: &Answer) -> Result<Option<Url>, HttpError> {
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let mut next = location.and_then(|location| url.join(location).ok());
    if let Some(next) = &mut next {
        next.set_fragment(None);
    }
    next.map(Some).ok_or_else(|| HttpError::Unanswered("it was sent on to nowhere".to_owned()))
}

fn downloaded(answer: Answer) -> Downloaded {
    let challenges = answer.headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    Downloaded { status: answer.status, challenges: challenges.map(str::to_owned).collect(), body: answer.body }
}
