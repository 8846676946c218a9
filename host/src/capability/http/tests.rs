//! One connection's way out, against a server of scripts.

use std::sync::Arc;

use super::*;
use crate::egress::testing::{Script, Server, answer, get, grant, post};
use crate::vault::testing::{Ground, new_tokens, oauth2_keys};
use crate::vault::{Keys, OAuth2Keys, TokenSource};
use bytes::Bytes;

fn line(ground: &Ground, others: &[&str], limits: impl FnOnce(&mut Grant)) -> HttpLine {
    let base = ground.server.base();
    let mut grant = grant(&[], &[&[base.as_str()], others].concat());
    limits(&mut grant);
    HttpLine::new(HttpLineOptions {
        egress: ground.egress.clone(),
        signer: ground.signer(),
        grant: Arc::new(grant),
        governor: ground.egress.governor("acme", &[], None, None),
        lane: Lane::Increment,
    })
}

async fn oauth2(scripts: Vec<Script>) -> (Ground, HttpLine) {
    let (ground, _) = Ground::signed_in(scripts, None).await;
    let line = line(&ground, &[], |_| ());
    (ground, line)
}

fn body(result: Result<Response, HttpError>) -> (u16, Bytes) {
    let response = result.unwrap();
    (response.status, response.body)
}

/// First line and sign-in of each request.
fn signed(server: &Server) -> Vec<(String, Option<String>)> {
    let asked = server.asked();
    asked
        .iter()
        .map(|request| {
            let sign_in = request.lines().find_map(|line| line.strip_prefix("authorization: "));
            (request.lines().next().unwrap().to_owned(), sign_in.map(str::to_owned))
        })
        .collect()
}

fn row(line: &str, sign_in: Option<&str>) -> (String, Option<String>) {
    (line.to_owned(), sign_in.map(str::to_owned))
}

#[tokio::test]
async fn a_401_is_signed_in_anew_and_repeated_with_a_token_that_is_kept_already() {
    let expired = answer("401 Unauthorized", &[], b"expired");
    let (ground, line) = oauth2(vec![expired, new_tokens(), answer("200 OK", &[], b"done")]).await;
    assert_eq!(body(line.send(post("/x", "{}")).await), (200, Bytes::from_static(b"done")));
    assert_eq!(
        signed(&ground.server),
        [
            row("POST /x HTTP/1.1", Some("Bearer old-access")),
            row("POST /oauth/token HTTP/1.1", None),
            row("POST /x HTTP/1.1", Some("Bearer new-access")),
        ],
    );
    // At the first save, which was the admin's, nothing had been asked; at the second, the new token was not used yet.
    assert_eq!(*ground.store.asked_at_save.lock().unwrap(), [0, 2]);
}

#[tokio::test]
async fn a_second_401_is_an_answer() {
    let expired = || answer("401 Unauthorized", &[], b"no");
    let (ground, line) = oauth2(vec![expired(), new_tokens(), expired(), expired()]).await;
    for _ in 0..2 {
        assert_eq!(body(line.send(get("/x")).await), (401, Bytes::from_static(b"no")));
    }
    assert_eq!(ground.server.asked().len(), 4, "a fresh token that is refused is not renewed once more");
}

#[tokio::test]
async fn a_sign_in_that_only_a_person_can_mend_is_unauthorized() {
    let refused = answer("400 Bad Request", &[], br#"{"error":"invalid_grant"}"#);
    let (ground, line) = oauth2(vec![answer("401 Unauthorized", &[], b""), refused]).await;
    for _ in 0..2 {
        let why = "the CRM refused the sign-in (400: invalid_grant); connect it again";
        assert_eq!(line.send(get("/x")).await, Err(HttpError::Unauthorized(why.into())));
    }
    assert_eq!(ground.server.asked().len(), 2);
}

#[tokio::test]
async fn trouble_with_signing_in_means_that_nothing_was_executed() {
    let (_ground, line) = oauth2(vec![answer("401 Unauthorized", &[], b""), answer("503 Busy", &[], b"")]).await;
    let expected = HttpError::Unreachable("signing in failed: status 503".into());
    assert_eq!(line.send(post("/x", "{}")).await, Err(expected));
}

#[tokio::test]
async fn credentials_are_taken_out_of_what_comes_back() {
    let echo = b"token old-access of client-secret".as_slice();
    let (_ground, line) = oauth2(vec![answer("200 OK", &["x-echo: Bearer old-access", "x-a: 1"], echo)]).await;
    let response = line.send(get("/x")).await.unwrap();
    assert_eq!(response.body, "token [credential removed] of [credential removed]");
    let headers: Vec<_> = response.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(headers, [("content-length", "33"), ("x-echo", "Bearer [credential removed]"), ("x-a", "1")]);
}

#[tokio::test]
async fn an_error_repeats_nothing_of_an_answer() {
    // The one header of an answer that an error tells of.
    let answer = answer("200 OK", &["content-encoding: old-access"], b"x");
    let (_ground, line) = oauth2(vec![answer]).await;
    let why = "its body is encoded in a way that was not asked for";
    assert_eq!(line.send(post("/x", "{}")).await, Err(HttpError::Unanswered(why.into())));
}

#[tokio::test]
async fn other_origins_of_the_grant_do_not_see_the_credential() {
    let other = Server::start(vec![answer("200 OK", &[], b"file"), answer("401 Unauthorized", &[], b"")]).await;
    let (ground, _) = Ground::signed_in(Vec::new(), None).await;
    let line = line(&ground, &[other.base().as_str()], |_| ());
    let target = other.base().join("/file").unwrap().to_string();
    assert_eq!(body(line.send(get(&target)).await), (200, Bytes::from_static(b"file")));
    assert_eq!(body(line.send(get(&target)).await).0, 401);
    assert_eq!(signed(&other), [row("GET /file HTTP/1.1", None), row("GET /file HTTP/1.1", None)]);
}

#[tokio::test]
async fn a_plugin_cant_set_the_header_that_signs_in() {
    let ground = Ground::new(vec![answer("200 OK", &[], b"")]).await;
    ground.put(Keys::Header { name: "X-Api-Token".into(), value: "0123456789".into() }).await;
    let line = line(&ground, &[], |_| ());
    let request = Request { headers: vec![("x-api-TOKEN".into(), "mine".into())], ..get("/") };
    let denied = HttpError::Denied("the header `x-api-token` is the host's own".into());
    assert_eq!(line.send(request).await, Err(denied));
    assert_eq!(line.send(get("/")).await.unwrap().status, 200);
    assert!(ground.server.asked()[0].contains("\r\nx-api-token: 0123456789\r\n"));
}

#[tokio::test]
async fn answers_stand_in_the_order_of_the_requests() {
    let ground = Ground::new(Vec::new()).await;
    ground.put(Keys::None).await;
    let echo = Echo::start().await;
    let line = line(&ground, &[echo.as_str()], |_| ());
    let requests = (0..40).map(|n| get(echo.join(&format!("/{n}")).unwrap().as_str())).collect();
    let answers: Vec<_> = line.send_all(requests).await.into_iter().map(|answer| body(answer).1).collect();
    let expected: Vec<_> = (0..40).map(|n| Bytes::from(format!("/{n}"))).collect();
    assert_eq!(answers, expected);
}

/// Answers each request with its path.
struct Echo;

impl Echo {
    async fn start() -> Url {
        use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    let (mut path, mut line) = (String::new(), String::new());
                    while stream.read_line(&mut line).await.unwrap_or(0) > 0 {
                        if let Some(rest) = line.strip_prefix("GET ") {
                            path = rest.split(' ').next().unwrap().to_owned();
                        }
                        if line == "\r\n" {
                            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{path}", path.len());
                            stream.write_all(answer.as_bytes()).await.unwrap();
                        }
                        line.clear();
                    }
                });
            }
        });
        base
    }
}

#[tokio::test]
async fn a_call_makes_as_many_requests_as_it_was_granted() {
    let ground = Ground::new((0..3).map(|_| answer("200 OK", &[], b"")).collect()).await;
    ground.put(Keys::None).await;
    let line = line(&ground, &[], |grant| grant.limits.host_calls = 3);
    assert_eq!(line.send(get("/")).await.unwrap().status, 200);
    let answers = line.send_all(vec![get("/"), get("/"), get("/")]).await;
    let statuses: Vec<_> = answers.into_iter().map(|answer| answer.map(|response| response.status)).collect();
    assert_eq!(statuses, [Ok(200), Ok(200), Err(HttpError::Denied("one call may make 3 requests".into()))]);
}

#[tokio::test]
async fn answers_fit_into_the_memory_of_the_plugin_also_together() {
    let body = vec![b'x'; 300_000];
    let ground = Ground::new((0..3).map(|_| answer("200 OK", &[], &body)).collect()).await;
    ground.put(Keys::None).await;
    let limit = 512 * 1024;
    let line = line(&ground, &[], |grant| grant.limits.memory_mib = 1);
    let answers = line.send_all(vec![get("/"), get("/")]).await;
    let sizes: Vec<_> = answers.into_iter().map(|answer| answer.map(|response| response.body.len())).collect();
    assert!(sizes.contains(&Ok(300_000)) && sizes.contains(&Err(HttpError::TooLarge(limit))), "{sizes:?}");
    assert_eq!(line.send(get("/")).await.unwrap().body.len(), 300_000);
}

#[tokio::test]
async fn a_connection_whose_token_ran_out_and_has_no_other_is_told_by_the_crm() {
    let ground = Ground::new(vec![answer("401 Unauthorized", &[], b"expired")]).await;
    ground
        .put(Keys::OAuth2(OAuth2Keys {
            source: TokenSource::Person { refresh: None },
            ..oauth2_keys(Some(crate::model::time::Instant(0)))
        }))
        .await;
    let line = line(&ground, &[], |_| ());
    assert_eq!(body(line.send(get("/")).await).0, 401);
}
