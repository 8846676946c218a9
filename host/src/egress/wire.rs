//! One request, one answer, within bounds; tells exactly what is known when there is no answer. The only code that
//! opens connections to CRMs.

use std::error::Error;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::Client;
use tokio::time::{Instant, timeout_at};
use url::{Host, Url};

use super::header;
use super::resolve::{CheckedResolver, Forbidden, Resolve, checked};
use crate::model::grant::Reach;
use crate::model::http::{HttpError, Method};

const USER_AGENT: &str = concat!("ferry/", env!("CARGO_PKG_VERSION"));
/// Shorter than the idle time of common servers and load balancers (60 s and up), so that a request seldom meets a
/// connection that is just being closed.
const POOL_IDLE: Duration = Duration::from_secs(30);
/// Idle connections kept per origin: as many as one call uses side by side, twice.
const POOL_PER_ORIGIN: usize = 16;
/// A dead HTTP/2 connection is noticed after this long, while a request waits on it.
const H2_PING: Duration = Duration::from_secs(15);
/// The most headers of an answer: real ones have some 20 to 40.
const MAX_ANSWER_HEADERS: usize = 256;

/// What one request may take. The defaults suit CRMs' APIs; tests shorten them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// Name look-up, TCP and TLS together.
    pub connect: Duration,
    /// From the start to the end of the answer's headers. Longer than `connect`, so that a connection that can't be
    /// made is always told as such. CRMs' searches have been seen to take half a minute.
    pub first_byte: Duration,
    /// Between two pieces of a body.
    pub idle_read: Duration,
    /// From the start to the end of the body.
    pub total: Duration,
    /// The largest body of a request.
    pub request_bytes: usize,
    /// The headers of an answer together.
    pub header_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(60),
            idle_read: Duration::from_secs(30),
            total: Duration::from_secs(120),
            request_bytes: 16 * 1024 * 1024,
            header_bytes: 64 * 1024,
        }
    }
}

/// A request that was checked and can be sent, more than once if need be.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
    pub(super) repeatable: bool,
    pub(super) bucket: Option<String>,
    pub(super) reach: Reach,
}

impl Prepared {
    /// Where it goes, in full.
    pub fn url(&self) -> &Url {
        &self.url
    }
}

/// The header that a request is signed in with.
pub type SignInHeader = (HeaderName, HeaderValue);

/// An answer as it came, but decompressed.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// One client for each reach: connections are pooled by origin inside, and every one of them was made to an address
/// that this reach allows.
pub(super) struct Wire {
    resolver: Arc<dyn Resolve>,
    pub(super) bounds: Bounds,
    open: OnceLock<Result<Client, String>>,
    private: OnceLock<Result<Client, String>>,
    loopback: OnceLock<Result<Client, String>>,
}

impl Wire {
    pub(super) fn new(resolver: Arc<dyn Resolve>, bounds: Bounds) -> Self {
        Self { resolver, bounds, open: OnceLock::new(), private: OnceLock::new(), loopback: OnceLock::new() }
    }

    /// Built at the first request: reading the machine's certificates takes milliseconds.
    fn client(&self, reach: Reach) -> Result<&Client, HttpError> {
        let slot = match reach {
            Reach::Open => &self.open,
            Reach::Private => &self.private,
            Reach::Loopback => &self.loopback,
        };
        let built = slot.get_or_init(|| build(&self.resolver, &self.bounds, reach));
        built.as_ref().map_err(|why| HttpError::Unreachable(why.clone()))
    }

    /// Sends once. `limit` bounds the body in bytes, `total` the time, below the bounds' own.
    pub(super) async fn exchange(
        &self,
        prepared: &Prepared,
        sign_in: Option<&SignInHeader>,
        limit: u64,
        total: Duration,
    ) -> Result<Answer, HttpError> {
        literal(&prepared.url, prepared.reach)?;
        let client = self.client(prepared.reach)?;
        let start = Instant::now();
        let end = start + total.min(self.bounds.total);
        let head = timeout_at(end.min(start + self.bounds.first_byte), client.execute(request(prepared, sign_in)));
        let response = match head.await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(failure(&error)),
            Err(_) => return Err(HttpError::Unanswered("no answer began in time".to_owned())),
        };
        if header::size(response.headers()) > self.bounds.header_bytes {
            return Err(HttpError::TooLarge(self.bounds.header_bytes as u64));
        }
        let has_body = prepared.method != Method::Head;
        self.whole(response, has_body, limit, end).await
    }

    async fn whole(
        &self,
        mut response: reqwest::Response,
        has_body: bool,
        limit: u64,
        end: Instant,
    ) -> Result<Answer, HttpError> {
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        if !has_body {
            return Ok(Answer { status, headers, body: Bytes::new() });
        }
        if let Some(encoding) = headers.get(http::header::CONTENT_ENCODING)
            && !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
        {
            // Its own words stay out of the text: a server can write the credential there.
            return Err(HttpError::Unanswered("its body is encoded in a way that was not asked for".to_owned()));
        }
        let body = self.body(&mut response, limit, end).await?;
        Ok(Answer { status, headers, body })
    }

    /// A body that comes in one piece is not copied; otherwise each piece is copied once.
    async fn body(&self, response: &mut reqwest::Response, limit: u64, end: Instant) -> Result<Bytes, HttpError> {
        let expected = response.content_length();
        if expected.is_some_and(|length| length > limit) {
            return Err(HttpError::TooLarge(limit));
        }
        let mut first = Bytes::new();
        let mut rest = BytesMut::new();
        loop {
            let idle = end.min(Instant::now() + self.bounds.idle_read);
            let piece = match timeout_at(idle, response.chunk()).await {
                Ok(Ok(Some(piece))) => piece,
                Ok(Ok(None)) => break,
                Ok(Err(error)) => return Err(HttpError::Unanswered(format!("its body broke off ({})", root(&error)))),
                Err(_) => return Err(HttpError::Unanswered("its body did not arrive in time".to_owned())),
            };
            if (first.len() + rest.len() + piece.len()) as u64 > limit {
                return Err(HttpError::TooLarge(limit));
            }
            if rest.is_empty() && first.is_empty() {
                first = piece;
            } else {
                if rest.is_empty() {
                    let room = expected.and_then(|length| usize::try_from(length).ok()).unwrap_or(first.len() * 4);
                    rest.reserve(room);
                    rest.extend_from_slice(&std::mem::take(&mut first));
                }
                rest.extend_from_slice(&piece);
            }
        }
        Ok(if rest.is_empty() { first } else { rest.freeze() })
    }
}

/// An address in place of a name is connected to without asking any resolver, so it is checked by itself.
pub(super) fn literal(url: &Url, reach: Reach) -> Result<(), HttpError> {
    let address: IpAddr = match url.host() {
        Some(Host::Ipv4(v4)) => v4.into(),
        Some(Host::Ipv6(v6)) => v6.into(),
        Some(Host::Domain(_)) => return Ok(()),
        None => return Err(HttpError::Denied("the address names no host".to_owned())),
    };
    checked(url.host_str().unwrap_or_default(), &[address], reach)
        .map_err(|refused| HttpError::Denied(refused.to_string()))
}

fn request(prepared: &Prepared, sign_in: Option<&SignInHeader>) -> reqwest::Request {
    let method = match prepared.method {
        Method::Get => http::Method::GET,
        Method::Head => http::Method::HEAD,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Patch => http::Method::PATCH,
        Method::Delete => http::Method::DELETE,
    };
    let mut request = reqwest::Request::new(method, prepared.url.clone());
    *request.headers_mut() = prepared.headers.clone();
    if let Some((name, value)) = sign_in {
        request.headers_mut().insert(name.clone(), value.clone());
    }
    *request.body_mut() = prepared.body.clone().map(reqwest::Body::from);
    request
}

/// What is known after a failed attempt. Only a failure to connect proves that nothing was sent.
fn failure(error: &reqwest::Error) -> HttpError {
    if let Some(refused) = causes(error).find_map(|cause| cause.downcast_ref::<Forbidden>()) {
        return HttpError::Denied(refused.to_string());
    }
    if error.is_connect() || error.is_builder() {
        HttpError::Unreachable(root(error))
    } else {
        HttpError::Unanswered(root(error))
    }
}

fn causes<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// The deepest cause: the layers above only repeat that a request failed, and name its address, which may be personal.
fn root(error: &reqwest::Error) -> String {
    causes(error).last().map_or_else(|| "the client gave no reason".to_owned(), ToString::to_string)
}

fn build(resolver: &Arc<dyn Resolve>, bounds: &Bounds, reach: Reach) -> Result<Client, String> {
    // A program that embeds the host may have installed a provider already; then that one is used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let built = builder(resolver, bounds, reach).build();
    match (built, reach) {
        (Ok(client), _) => Ok(client),
        // A machine without certificates can still speak plain HTTP to itself.
        (Err(_), Reach::Loopback) => builder(resolver, bounds, reach)
            .tls_backend_preconfigured(trusts_nobody()?)
            .build()
            .map_err(|error| format!("the HTTP client could not be built ({})", root(&error))),
        (Err(error), Reach::Open | Reach::Private) => Err(format!(
            "the HTTP client could not be built ({}): are CA certificates installed on this machine?",
            root(&error)
        )),
    }
}

fn trusts_nobody() -> Result<rustls::ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS could not be set up ({error})"))?;
    Ok(config.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
}

fn builder(resolver: &Arc<dyn Resolve>, bounds: &Bounds, reach: Reach) -> reqwest::ClientBuilder {
    Client::builder()
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        // An environment variable must not reroute credentials.
        .no_proxy()
        .dns_resolver(CheckedResolver { inner: Arc::clone(resolver), reach })
        .connect_timeout(bounds.connect)
        .pool_idle_timeout(POOL_IDLE)
        .pool_max_idle_per_host(POOL_PER_ORIGIN)
        .http1_max_headers(MAX_ANSWER_HEADERS)
        .http2_max_header_list_size(u32::try_from(bounds.header_bytes).unwrap_or(u32::MAX))
        .http2_adaptive_window(true)
        .http2_keep_alive_interval(H2_PING)
        .referer(false)
}
