//! Whole requests against servers that answer well, badly, or not at all.

use std::collections::HashMap;
use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use url::Url;

use super::testing::*;
use super::*;
use crate::model::http::Method;

struct Ground {
    clock: Arc<JumpingClock>,
    egress: Egress,
    server: Server,
}

impl Ground {
    async fn new(scripts: Vec<Script>) -> Self {
        let clock = Arc::new(JumpingClock::default());
        let egress = egress(&clock, short(), Table::default());
        Self { egress, server: Server::start(scripts).await, clock }
    }

    fn prepare(&self, request: Request) -> Result<Prepared, HttpError> {
        let base = self.server.base();
        self.egress.prepare(&grant(&[], &[base.as_str()]), &base, request, None)
    }

    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        self.send_under(request, terms(self.clock.now())).await
    }

    async fn send_under(&self, request: Request, terms: Terms) -> Result<Response, HttpError> {
        self.egress.send(&self.prepare(request)?, None, &terms).await
    }

    fn governed(&self, rates: &[Rate], daily: Option<&Daily>) -> Terms {
        Terms { governor: Some(self.egress.governor("acme", rates, daily, None)), ..terms(self.clock.now()) }
    }
}

fn ok(headers: &[(&str, &str)], body: &'static [u8]) -> Result<Response, HttpError> {
    let mut all = vec![("content-length".to_owned(), body.len().to_string())];
    all.extend(headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
    Ok(Response { status: 200, headers: all, body: Bytes::from_static(body) })
}

fn status(result: &Result<Response, HttpError>) -> u16 {
    result.as_ref().unwrap().status
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

#[tokio::test]
async fn a_request_arrives_as_it_was_meant_and_its_answer_comes_back() {
    let ground = Ground::new(vec![answer("200 OK", &["X-A: 1", "Set-Cookie: s=1"], b"hello")]).await;
    let mut request = post("/crm/v3", "{}");
    request.query = vec![("a".into(), "b c".into())];
    request.headers = vec![("Content-Type".into(), "application/json".into())];
    assert_eq!(ground.send(request).await, ok(&[("x-a", "1")], b"hello"));
    let expected = format!(
        "POST /crm/v3?a=b+c HTTP/1.1\r\ncontent-type: application/json\r\naccept: */*\r\nuser-agent: ferry/{}\r\n\
         accept-encoding: gzip\r\nhost: {}\r\ncontent-length: 2\r\n\r\n{{}}",
        env!("CARGO_PKG_VERSION"),
        ground.server.address
    );
    assert_eq!(ground.server.asked(), [expected]);
}

#[tokio::test]
async fn connections_are_used_again() {
    let ground = Ground::new((0..20).map(|_| answer("200 OK", &[], b"x")).collect()).await;
    for _ in 0..20 {
        assert_eq!(ground.send(get("/")).await, ok(&[], b"x"));
    }
    assert_eq!(ground.server.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let ground = Ground::new(vec![answer("302 Found", &["location: http://169.254.169.254/"], b"")]).await;
    assert_eq!(status(&ground.send(get("/")).await), 302);
    assert_eq!(ground.server.asked().len(), 1);
}

#[tokio::test]
async fn what_was_sent_and_not_wholly_answered_is_unanswered() {
    let mut broken_gzip = gzip(&[b'x'; 5_000]);
    broken_gzip.truncate(broken_gzip.len() - 9);
    let zipped = &["content-encoding: gzip"][..];
    for (case, script) in [
        ("dropped before the answer", Script::Cut(Vec::new())),
        ("dropped within the headers", Script::Cut(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec())),
        ("dropped within the body", Script::Cut(raw("200 OK", &[], 100, b"half"))),
        (
            "dropped within a chunk",
            Script::Cut(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhe".to_vec()),
        ),
        ("not HTTP", Script::Cut(b"SSH-2.0-OpenSSH\r\n\r\n".to_vec())),
        ("truncated gzip", Script::Whole(raw("200 OK", zipped, broken_gzip.len(), &broken_gzip))),
        ("garbage for gzip", Script::Whole(raw("200 OK", zipped, 5, b"hello"))),
        ("an encoding not asked for", answer("200 OK", &["content-encoding: br"], b"hello")),
        ("silence", Script::Silence(Vec::new())),
        ("silence within the body", Script::Silence(raw("200 OK", &[], 100, b"half"))),
        ("too many headers", Script::Whole(raw("200 OK", &vec!["x: y"; 400], 0, b""))),
    ] {
        let ground = Ground::new(vec![script]).await;
        let result = ground.send(post("/", "{}")).await;
        assert!(matches!(result, Err(HttpError::Unanswered(_))), "{case}: {result:?}");
        assert_eq!(ground.server.asked().len(), 1, "{case} is not sent again");
    }
}

#[tokio::test]
async fn a_body_that_trickles_ends_with_the_time() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        assert_ne!(stream.read(&mut [0; 1024]).await.unwrap(), 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await.unwrap();
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let clock = Arc::new(JumpingClock::default());
    let egress = egress(&clock, short(), Table::default());
    let prepared = egress.prepare(&grant(&[], &[base.as_str()]), &base, post("/", ""), None).unwrap();
    let result = egress.send(&prepared, None, &terms(clock.now())).await;
    assert_eq!(result, Err(HttpError::Unanswered("its body did not arrive in time".into())));
}

#[tokio::test]
async fn answers_have_a_largest_size() {
    let bomb = gzip(&vec![0; 20_000_000]);
    assert!(bomb.len() < 100_000);
    let chunks =
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{}", 150_000, "x".repeat(150_000));
    let long = format!("x-long: {}", "y".repeat(5_000));
    for (case, script, limit) in [
        ("announced", Script::Silence(raw("200 OK", &[], 100_001, b"")), 100_000),
        ("not announced", Script::Silence(chunks.into_bytes()), 100_000),
        ("compressed", Script::Whole(raw("200 OK", &["content-encoding: gzip"], bomb.len(), &bomb)), 100_000),
        ("headers", answer("200 OK", &[&long], b""), 4_000),
    ] {
        let ground = Ground::new(vec![script]).await;
        assert_eq!(ground.send(get("/")).await, Err(HttpError::TooLarge(limit)), "{case}");
    }
}

#[tokio::test]
async fn a_compressed_answer_is_decompressed_and_does_not_say_so() {
    let zipped = gzip(b"hello");
    let ground =
        Ground::new(vec![Script::Whole(raw("200 OK", &["content-encoding: gzip"], zipped.len(), &zipped))]).await;
    let expected = Response { status: 200, headers: Vec::new(), body: Bytes::from_static(b"hello") };
    assert_eq!(ground.send(get("/")).await, Ok(expected));
}

#[tokio::test]
async fn answers_without_a_body_are_whole() {
    let zipped = &["content-encoding: gzip"][..];
    let ground = Ground::new(vec![
        Script::Whole(raw("200 OK", zipped, 500, b"")),
        Script::Whole(b"HTTP/1.1 204 No Content\r\ncontent-encoding: gzip\r\n\r\n".to_vec()),
        answer("200 OK", &[], b""),
    ])
    .await;
    assert_eq!(status(&ground.send(Request { method: Method::Head, ..get("/") }).await), 200);
    assert_eq!(status(&ground.send(get("/")).await), 204);
    assert_eq!(ground.send(get("/")).await, ok(&[], b""));
}

#[tokio::test]
async fn what_cannot_connect_is_unreachable_and_was_tried_again() {
    let ground = Ground::new(Vec::new()).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = Url::parse(&format!("http://{}", closed.local_addr().unwrap())).unwrap();
    drop(closed);
    let prepared = ground.egress.prepare(&grant(&[], &[base.as_str()]), &base, post("/", ""), None).unwrap();
    let result = ground.egress.send(&prepared, None, &terms(ground.clock.now())).await;
    assert_eq!(result, Err(HttpError::Unreachable("Connection refused (os error 111)".into())));
    assert_eq!(ground.clock.sleeps.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn plain_text_where_tls_is_due_is_unreachable() {
    let ground = Ground::new(Vec::new()).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = Url::parse(&format!("https://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let prepared = ground.egress.prepare(&grant(&[], &[base.as_str()]), &base, post("/", ""), None).unwrap();
    let result = ground.egress.send(&prepared, None, &terms(ground.clock.now())).await;
    assert!(matches!(result, Err(HttpError::Unreachable(_))), "{result:?}");
}

#[tokio::test]
async fn names_that_lead_inside_are_denied() {
    let names: HashMap<&'static str, Vec<IpAddr>> = [
        ("meta.example.com", vec!["169.254.169.254".parse().unwrap()]),
        ("mixed.example.com", vec!["1.1.1.1".parse().unwrap(), "::ffff:10.0.0.1".parse().unwrap()]),
        ("self.example.com", vec!["127.0.0.1".parse().unwrap()]),
        ("out.example.com", vec!["1.1.1.1".parse().unwrap()]),
    ]
    .into();
    let clock = Arc::new(JumpingClock::default());
    let egress = egress(&clock, short(), Table(names));
    let hosts = ["https://meta.example.com", "https://mixed.example.com", "https://self.example.com"];
    let grant = grant(&hosts, &["http://out.example.com"]);
    for (origin, why) in [
        (
            hosts[0],
            "`meta.example.com` leads to `169.254.169.254`, a link-local address, where clouds keep their metadata",
        ),
        (
            hosts[1],
            "`mixed.example.com` leads to `::ffff:10.0.0.1`, a private address, which only `--allow-private` opens",
        ),
        (hosts[2], "`self.example.com` leads to `127.0.0.1`, a loopback address"),
        (
            "http://out.example.com",
            "`out.example.com` leads to `1.1.1.1`, not a loopback address, which is all that this grant allows",
        ),
    ] {
        let base = Url::parse(origin).unwrap();
        let prepared = egress.prepare(&grant, &base, get("/"), None).unwrap();
        let result = egress.send(&prepared, None, &terms(clock.now())).await;
        assert_eq!(result, Err(HttpError::Denied(why.into())));
    }
}

#[tokio::test]
async fn a_name_without_an_address_is_unreachable() {
    let clock = Arc::new(JumpingClock::default());
    let egress = egress(&clock, short(), Table::default());
    let base = Url::parse("https://gone.example.com").unwrap();
    let prepared = egress.prepare(&grant(&[base.as_str()], &[]), &base, get("/"), None).unwrap();
    let result = egress.send(&prepared, None, &terms(clock.now())).await;
    assert_eq!(result, Err(HttpError::Unreachable("no such name".into())));
}

#[tokio::test]
async fn what_the_grant_does_not_allow_is_denied_before_anything_is_sent() {
    let ground = Ground::new(Vec::new()).await;
    let with_header = |name: &str| Request { headers: vec![(name.into(), "x".into())], ..get("/") };
    for (request, why) in [
        (get("https://evil.example/"), "the grant does not name `https://evil.example`"),
        (get("http://127.0.0.1:1/"), "the grant does not name `http://127.0.0.1:1`"),
        (with_header("Authorization"), "the header `authorization` is the host's own"),
        (post("/", &"x".repeat(1_001)), "a body of 1001 bytes is more than the 1000 that may be sent"),
    ] {
        assert_eq!(ground.send(request).await, Err(HttpError::Denied(why.into())));
    }
    let clear = Url::parse("http://crm.example.com").unwrap();
    let refused = ground.egress.prepare(&grant(&[clear.as_str()], &[]), &clear, get("/"), None).map(|_| ());
    let why = "`http://crm.example.com` is not `https`: customers' records never travel in the clear";
    assert_eq!(refused, Err(HttpError::Denied(why.into())));
    let base = Url::parse("https://10.0.0.1").unwrap();
    let refused = ground.egress.prepare(&grant(&[base.as_str()], &[]), &base, get("/"), None).map(|_| ());
    assert_eq!(
        refused,
        Err(HttpError::Denied(
            "`10.0.0.1` leads to `10.0.0.1`, a private address, which only `--allow-private` opens".into()
        ))
    );
    assert_eq!(ground.server.asked().len(), 0);
}

fn rate(bucket: &str, requests: u32, per_ms: u32) -> Rate {
    Rate { bucket: bucket.into(), requests, per_ms, remaining_header: None, limit_header: None, interval_header: None }
}

#[tokio::test]
async fn a_429_waits_as_long_as_the_crm_asked() {
    let ground = Ground::new(vec![
        answer("429 Too Many Requests", &["retry-after: 7"], b"slow down"),
        answer("200 OK", &[], b"done"),
    ])
    .await;
    let terms = ground.governed(&[rate("account", 100, 10_000)], None);
    let result = ground.send_under(post("/", "{}"), terms.clone()).await;
    assert_eq!(result, ok(&[], b"done"));
    assert_eq!(*ground.clock.sleeps.lock().unwrap(), [Duration::from_secs(7)]);
    let state = terms.governor.unwrap().state();
    assert_eq!((state.throttled, state.waited), (1, Duration::from_secs(7)));
}

#[tokio::test]
async fn a_429_that_says_nothing_waits_for_the_buckets_interval() {
    let ground = Ground::new(vec![answer("429 Too Many Requests", &[], b""), answer("200 OK", &[], b"")]).await;
    let rates = [rate("account", 100, 10_000), rate("search", 5, 1_000)];
    let request = Request { bucket: Some("search".into()), ..post("/", "{}") };
    assert_eq!(ground.send_under(request, ground.governed(&rates, None)).await, ok(&[], b""));
    let slept = ground.clock.sleeps.lock().unwrap().clone();
    assert!(slept.len() == 1 && (1_000..=1_500).contains(&slept[0].as_millis()), "{slept:?}");
}

#[tokio::test]
async fn a_429_beyond_the_budget_is_given_back_and_holds_for_the_others() {
    let ground = Ground::new(vec![answer("429 Too Many Requests", &["retry-after: 3600"], b"")]).await;
    let terms = ground.governed(&[rate("account", 100, 10_000)], None);
    assert_eq!(status(&ground.send_under(get("/"), terms.clone()).await), 429);
    let second = ground.send_under(get("/"), terms).await;
    assert_eq!(second, Err(HttpError::Exhausted(Some(Duration::from_secs(3600)))));
    assert_eq!(ground.server.asked().len(), 1);
}

#[tokio::test]
async fn a_used_up_day_is_exhausted_and_asks_no_more() {
    let daily = Daily {
        remaining_header: None,
        limit_header: None,
        usage_header: None,
        usage_name: None,
        exhausted_marker: Some("DAILY".into()),
        exhausted_status: 429,
    };
    let ground = Ground::new(vec![answer("429 Too Many Requests", &[], b"{\"policyName\":\"DAILY\"}")]).await;
    let terms = ground.governed(&[], Some(&daily));
    for _ in 0..2 {
        assert_eq!(ground.send_under(get("/"), terms.clone()).await, Err(HttpError::Exhausted(None)));
    }
    assert_eq!(ground.server.asked().len(), 1);
}

#[tokio::test]
async fn a_5xx_is_repeated_only_where_that_is_safe() {
    let scripts = || vec![answer("503 Busy", &["retry-after: 2"], b""), answer("200 OK", &[], b"")];
    let ground = Ground::new(scripts()).await;
    assert_eq!(status(&ground.send(post("/", "{}")).await), 503);
    let ground = Ground::new(scripts()).await;
    assert_eq!(status(&ground.send(get("/")).await), 200);
    assert_eq!(*ground.clock.sleeps.lock().unwrap(), [Duration::from_secs(2)]);
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_where_that_is_safe() {
    let ground = Ground::new(vec![Script::Cut(Vec::new()), answer("200 OK", &[], b"x")]).await;
    assert_eq!(ground.send(get("/")).await, ok(&[], b"x"));
}

#[tokio::test]
async fn patience_ends() {
    let ground = Ground::new((0..9).map(|_| answer("503 Busy", &["retry-after: 9"], b"")).collect()).await;
    assert_eq!(status(&ground.send(get("/")).await), 503);
    assert_eq!(ground.server.asked().len(), 3, "two waits of 9 s fit into 20 s");
    let ground = Ground::new((0..9).map(|_| answer("502 Bad Gateway", &[], b"")).collect()).await;
    assert_eq!(status(&ground.send(get("/")).await), 502);
    assert_eq!(ground.server.asked().len(), 4);
}

#[tokio::test]
async fn the_accounts_answers_tell_what_time_it_is_there() {
    let dated = |date: &str| answer("200 OK", &[date], b"");
    let scripts = vec![dated("date: Sun, 06 Nov 1994 08:49:37 GMT"), dated("date: soon"), dated("x-a: 1")];
    let ground = Ground::new(scripts).await;
    let terms = ground.governed(&[], None);
    let governor = terms.governor.clone().unwrap();
    assert_eq!(governor.told_time(), None);
    for _ in 0..3 {
        assert_eq!(status(&ground.send_under(get("/"), terms.clone()).await), 200);
        assert_eq!(governor.told_time(), Some(Instant(784_111_777_000_000)));
    }
}

#[tokio::test]
async fn requests_keep_to_the_rate() {
    let ground = Ground::new((0..5).map(|_| answer("200 OK", &[], b"")).collect()).await;
    let terms = ground.governed(&[rate("account", 2, 1_000)], None);
    for _ in 0..5 {
        assert_eq!(status(&ground.send_under(get("/"), terms.clone()).await), 200);
    }
    assert_eq!(*ground.clock.sleeps.lock().unwrap(), [Duration::from_secs(1); 2]);
}

#[tokio::test]
async fn an_account_has_one_governor() {
    let ground = Ground::new(Vec::new()).await;
    let rates = [rate("account", 2, 1_000)];
    let one = ground.egress.governor("acme", &rates, None, None);
    assert!(Arc::ptr_eq(&one, &ground.egress.governor("acme", &rates, None, None)));
    assert!(!Arc::ptr_eq(&one, &ground.egress.governor("other", &rates, None, None)));
    let keys: Vec<String> = ground.egress.governors().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["acme", "other"]);
}
