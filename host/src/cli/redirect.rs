//! Waits on this machine for the browser to come back from the CRM's sign-in page. Reads one line of HTTP, and no more.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ferry::app::advice::{Advice, Class, Whose};
use ferry::vault::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;

/// How long a person may take to sign in, find a password and choose an account.
pub(super) const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// How long a browser may take to say what it wants: some open connections ahead of time and say nothing.
const ASKED_WITHIN: Duration = Duration::from_secs(30);

/// The longest request that is read: the address with the code, and a browser's headers.
const LONGEST_REQUEST: usize = 16 * 1024;

/// Connections at once: a browser opens a few, and nobody else has business here.
const MOST_CONNECTIONS: usize = 16;

const PATH: &str = "/callback";

#[derive(Debug, thiserror::Error)]
pub(super) enum RedirectError {
    #[error("port {port} of this machine can't be listened on")]
    Listen { port: u16, source: std::io::Error },
    #[error("the CRM sent the browser back without a sign-in: {0}")]
    Denied(String),
    #[error("nobody came back within {} minutes", PATIENCE.as_secs() / 60)]
    Late,
}

impl RedirectError {
    pub(super) fn advice(&self) -> Advice {
        match self {
            Self::Listen { .. } => Advice::new(
                "redirect-port",
                Whose::Machine,
                Class::State,
                "choose another port with --redirect-port, and register it with the CRM's application",
            ),
            Self::Denied(_) => {
                Advice::new("sign-in-denied", Whose::Crm, Class::SignIn, "sign in again and agree to what is asked")
            }
            Self::Late => Advice::new(
                "sign-in-late",
                Whose::Configuration,
                Class::SignIn,
                "start again, and finish in the browser; the CRM's application must know the redirect address",
            ),
        }
    }
}

/// A listener that the CRM can send a browser to.
pub(super) struct Redirect {
    listener: TcpListener,
    /// The same port over IPv6, where there is any: `localhost` may mean either.
    second: Option<TcpListener>,
    port: u16,
}

/// What the browser brought back.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Brought {
    pub(super) code: Secret,
    pub(super) state: String,
}

type Settled = Result<Brought, RedirectError>;

impl Redirect {
    /// Listens on `port`, or on any free one for 0.
    pub(super) async fn listen(port: u16) -> Result<Self, RedirectError> {
        let failed = |source| RedirectError::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let second = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok();
        Ok(Self { listener, second, port })
    }

    /// Where the CRM is to send the browser; the CRM's application has to know it.
    pub(super) fn address(&self) -> Result<Url, super::CliError> {
        let text = format!("http://localhost:{}{PATH}", self.port);
        Url::parse(&text).map_err(|error| super::CliError::content(error.to_string(), "choose another port"))
    }

    /// Waits for the browser that brings `state`. Whoever brings another one is sent away, and the wait goes on.
    pub(super) async fn wait(self, state: &str, patience: Duration) -> Settled {
        tokio::time::timeout(patience, self.serve(state)).await.unwrap_or(Err(RedirectError::Late))
    }

    async fn serve(&self, state: &str) -> Settled {
        let mut visits: JoinSet<Option<Settled>> = JoinSet::new();
        loop {
            let room = visits.len() < MOST_CONNECTIONS;
            tokio::select! {
                Some(done) = visits.join_next() => {
                    if let Ok(Some(settled)) = done {
                        return settled;
                    }
                }
                Some(stream) = self.accept(), if room => {
                    let state = state.to_owned();
                    visits.spawn(async move {
                        tokio::time::timeout(ASKED_WITHIN, visit(stream, &state)).await.ok().flatten()
                    });
                }
            }
        }
    }

    /// A failed accept is the visitor's trouble: the next one may do better.
    async fn accept(&self) -> Option<TcpStream> {
        let second = async {
            match &self.second {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        let accepted = tokio::select! {
            accepted = self.listener.accept() => accepted,
            accepted = second => accepted,
        };
        match accepted {
            Ok((stream, _)) => Some(stream),
            Err(_) => {
                tokio::task::yield_now().await;
                None
            }
        }
    }
}

/// Answers one request; gives what settles the sign-in, if this does.
async fn visit(mut stream: TcpStream, state: &str) -> Option<Settled> {
    let target = target(&mut stream).await?;
    let (status, words, settled) = judge(&target, state);
    let body = format!("<!doctype html><meta charset=utf-8><title>Ferry</title><p>{words}</p>\n");
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
         referrer-policy: no-referrer\r\ncache-control: no-store\r\nconnection: close\r\n\r\n",
        body.len()
    );
    // The browser's page is a courtesy: the sign-in counts even where it has gone.
    let _ = stream.write_all((head + &body).as_bytes()).await;
    let _ = stream.shutdown().await;
    settled
}

/// The target of a GET request, once its head is there in full.
async fn target(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::with_capacity(1024);
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        if head.len() >= LONGEST_REQUEST || stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let text = String::from_utf8(head).ok()?;
    let mut words = text.lines().next()?.split(' ');
    match (words.next(), words.next()) {
        (Some("GET"), Some(target)) => Some(target.to_owned()),
        _ => None,
    }
}

/// What is answered, and what it means.
fn judge(target: &str, state: &str) -> (&'static str, &'static str, Option<Settled>) {
    let base = Url::options();
    let Ok(here) = Url::parse("http://localhost/") else { return ("500 Internal Server Error", "", None) };
    let Ok(url) = base.base_url(Some(&here)).parse(target) else { return ("400 Bad Request", "Not understood.", None) };
    if url.path() != PATH {
        return ("404 Not Found", "There is nothing here.", None);
    }
    let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    if state.is_empty() || value("state").as_deref() != Some(state) {
        return ("400 Bad Request", "This is not the sign-in that was begun: go back to the newest page.", None);
    }
    if let Some(code) = value("code").filter(|code| !code.is_empty()) {
        let brought = Brought { code: Secret::new(code), state: state.to_owned() };
        return ("200 OK", "Signed in. You can close this page and go back to the terminal.", Some(Ok(brought)));
    }
    let why = value("error_description").or_else(|| value("error")).unwrap_or_else(|| "no reason given".to_owned());
    ("200 OK", "The CRM did not sign you in. The terminal says more.", Some(Err(RedirectError::Denied(why))))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(port: u16, target: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        stream.write_all(format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.lines().next().unwrap_or_default().to_owned()
    }

    #[tokio::test]
    async fn the_sign_in_ends_with_the_browser_that_brings_the_state() {
        let redirect = Redirect::listen(0).await.unwrap();
        let port = redirect.port;
        let waiting = tokio::spawn(redirect.wait("s1", PATIENCE));
        // A browser's speculative connection, which says nothing and stays open.
        let _silent = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        let answers = [
            get(port, "/favicon.ico").await,
            get(port, "/callback?code=c&state=other").await,
            get(port, "/callback?code=c").await,
            get(port, "/callback?code=c%2F1&state=s1").await,
        ];
        assert_eq!(
            answers,
            ["HTTP/1.1 404 Not Found", "HTTP/1.1 400 Bad Request", "HTTP/1.1 400 Bad Request", "HTTP/1.1 200 OK"]
        );
        let brought = waiting.await.unwrap().unwrap();
        assert_eq!(brought, Brought { code: "c/1".into(), state: "s1".into() });
    }

    #[tokio::test]
    async fn a_refusal_by_the_person_is_told_in_the_crms_words() {
        let redirect = Redirect::listen(0).await.unwrap();
        let port = redirect.port;
        let waiting = tokio::spawn(redirect.wait("s1", PATIENCE));
        get(port, "/callback?error=access_denied&error_description=user+said+no&state=s1").await;
        let error = waiting.await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "the CRM sent the browser back without a sign-in: user said no");
    }

    #[tokio::test]
    async fn nobody_is_waited_for_for_ever() {
        let redirect = Redirect::listen(0).await.unwrap();
        assert!(matches!(redirect.wait("s1", Duration::ZERO).await, Err(RedirectError::Late)));
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_named() {
        let first = Redirect::listen(0).await.unwrap();
        let error = Redirect::listen(first.port).await.err().unwrap();
        assert_eq!(error.to_string(), format!("port {} of this machine can't be listened on", first.port));
    }
}
