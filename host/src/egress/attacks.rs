//! What a plugin, or a CRM that means harm, may try at the way out. Each is refused or comes to nothing, in these words.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::testing::*;
use super::*;

fn denied(egress: &Egress, grant: &Grant, base: &str, target: &str) -> String {
    let base = Url::parse(base).unwrap();
    match egress.prepare(grant, &base, get(target), None) {
        Err(HttpError::Denied(why)) => why,
        other => panic!("{target} under {base}: {:?}", other.map(|_| "prepared")),
    }
}

#[tokio::test]
async fn an_address_in_any_notation_is_judged_by_where_it_leads() {
    let egress = egress(&Arc::new(JumpingClock::default()), short(), Table::default());
    for (origin, leads_to, why) in [
        ("https://127.1", "127.0.0.1", "a loopback address"),
        ("https://2130706433", "127.0.0.1", "a loopback address"),
        ("https://0x7f000001", "127.0.0.1", "a loopback address"),
        ("https://0x7f.1", "127.0.0.1", "a loopback address"),
        ("https://017700000001", "127.0.0.1", "a loopback address"),
        ("https://0177.0.0.01", "127.0.0.1", "a loopback address"),
        ("https://%31%32%37.0.0.1", "127.0.0.1", "a loopback address"),
        ("https://\u{ff11}\u{ff12}\u{ff17}.0.0.1", "127.0.0.1", "a loopback address"),
        ("https://127\u{3002}0\u{3002}0\u{3002}1", "127.0.0.1", "a loopback address"),
        ("https://\u{2460}\u{2461}\u{2466}.0.0.1", "127.0.0.1", "a loopback address"),
        ("https://127.0.0.1.", "127.0.0.1", "a loopback address"),
        ("https://0", "0.0.0.0", "an unspecified address"),
        ("https://0xa9fea9fe", "169.254.169.254", "a link-local address"),
        ("https://2852039166", "169.254.169.254", "a link-local address"),
        ("https://0251.0376.0251.0376", "169.254.169.254", "a link-local address"),
        ("https://10.1", "10.0.0.1", "a private address"),
        ("https://[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "a loopback address"),
        ("https://[::ffff:a9fe:a9fe]", "[::ffff:a9fe:a9fe]", "a link-local address"),
        ("https://[0:0:0:0:0:ffff:a00:1]", "[::ffff:a00:1]", "a private address"),
        ("https://[64:ff9b::169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "a link-local address"),
        ("https://[64:ff9b:1::1]", "[64:ff9b:1::1]", "a translated address"),
        ("https://[2002:7f00:1::]", "[2002:7f00:1::]", "a 6to4 address"),
        ("https://[::127.0.0.1]", "[::7f00:1]", "a reserved address"),
        ("https://[fd00:ec2::254]", "[fd00:ec2::254]", "a cloud's metadata address"),
        ("https://[fe80::1]", "[fe80::1]", "a link-local address"),
    ] {
        // Even where a grant names it.
        let told = denied(&egress, &grant(&[origin], &[]), origin, "/");
        assert!(told.starts_with(&format!("`{leads_to}` leads to")) && told.contains(why), "{origin}: {told}");
    }
    for unreadable in ["https://[fe80::1%25eth0]", "https://1.2.3.4.5", "https://256.0.0.1", "https://0x1ffffffff"] {
        assert!(Url::parse(unreadable).is_err(), "{unreadable} names no host at all");
    }
}

#[tokio::test]
async fn a_target_never_leads_to_another_host() {
    let egress = egress(&Arc::new(JumpingClock::default()), short(), Table::default());
    let base = "https://crm.example.com/api";
    let grant = grant(&["https://crm.example.com"], &[]);
    for target in [
        "https://evil.example/",
        "HTTPS://EVIL.EXAMPLE/",
        "http://crm.example.com/",
        "https://crm.example.com:8443/",
        "https://crm.example.com.evil.example/",
        "https://evil-crm.example.com/",
        "https://crm.example.com./",
        "https://crm.example.com@evil.example/",
        "https://user:word@crm.example.com/",
        "https://evil.example\\@crm.example.com/",
        "https://evil.example#@crm.example.com/",
        "https://evil.example?@crm.example.com/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example\\share",
        "https:evil.example",
        "https:/evil.example",
        "https:///evil.example",
        " https://evil.example/",
        "/a\r\nHost: evil.example",
        "/a HTTP/1.1\r\nHost: evil.example\r\n\r\nGET /b",
        "/a\u{2028}b",
        "/../../admin",
        "/%2e%2e/%2e%2e/admin",
        "/..%2fadmin",
        "CONNECT://crm.example.com",
        "ftp://crm.example.com/",
        "file:///etc/passwd",
        "data:text/plain,x",
        "javascript:alert(1)",
    ] {
        let told = denied(&egress, &grant, base, target);
        assert!(!told.contains('\r') && !told.contains('\n'), "{target:?}: {told:?}");
    }
}

#[tokio::test]
async fn neither_host_nor_framing_nor_sign_in_can_be_set() {
    let egress = egress(&Arc::new(JumpingClock::default()), short(), Table::default());
    let base = Url::parse("https://crm.example.com").unwrap();
    let grant = grant(&[base.as_str()], &[]);
    for (name, value) in [
        ("Host", "evil.example"),
        ("Authorization", "Bearer mine"),
        ("Cookie", "a=b"),
        ("Content-Length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("transfer-encoding ", "chunked"),
        ("Transfer_Encoding\u{0}", "chunked"),
        ("Connection", "x-api-key"),
        ("Upgrade", "websocket"),
        ("Proxy-Authorization", "Basic eA=="),
        ("Expect", "100-continue"),
        (":authority", "evil.example"),
        ("x-a\r\nHost", "evil.example"),
        ("x-a", "1\r\nHost: evil.example"),
        ("x-a", "1\nTransfer-Encoding: chunked"),
        ("", "x"),
    ] {
        let request = Request { headers: vec![(name.into(), value.into())], ..get("/") };
        let refused = egress.prepare(&grant, &base, request, None);
        assert!(matches!(refused, Err(HttpError::Denied(_))), "{name:?}: {value:?}");
    }
}

#[tokio::test]
async fn an_answer_in_advance_is_not_taken_for_the_next() {
    let poison = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison";
    let mut first = raw("200 OK", &[], 2, b"ok");
    first.extend_from_slice(poison);
    let server = Server::start(vec![Script::Whole(first), answer("200 OK", &[], b"mine")]).await;
    let (clock, base) = (Arc::new(JumpingClock::default()), server.base());
    let egress = egress(&clock, short(), Table::default());
    let prepared = egress.prepare(&grant(&[], &[base.as_str()]), &base, get("/"), None).unwrap();
    let mut bodies = Vec::new();
    for _ in 0..2 {
        bodies.push(egress.send(&prepared, None, &terms(clock.now())).await.map(|answer| answer.body));
    }
    assert_eq!(bodies, [Ok("ok".into()), Ok("mine".into())]);
}

#[tokio::test]
async fn two_lengths_are_no_length() {
    for head in [
        "content-length: 2\r\ncontent-length: 4",
        "content-length: 2, 4",
        "content-length: +2",
        "content-length: 99999999999999999999999",
    ] {
        let bytes = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\nokok").into_bytes();
        let server = Server::start(vec![Script::Cut(bytes)]).await;
        let (clock, base) = (Arc::new(JumpingClock::default()), server.base());
        let egress = egress(&clock, short(), Table::default());
        let prepared = egress.prepare(&grant(&[], &[base.as_str()]), &base, post("/", ""), None).unwrap();
        let answer = egress.send(&prepared, None, &terms(clock.now())).await;
        assert!(matches!(answer, Err(HttpError::Unanswered(_))), "{head}: {answer:?}");
    }
}

#[tokio::test]
async fn an_account_that_is_answered_drop_by_drop_holds_up_no_other() {
    let clock = Arc::new(JumpingClock::default());
    let egress = egress(&clock, short(), Table::default());
    let (slow, quick) = (egress.governor("slow", &[], None, None), egress.governor("quick", &[], None, None));
    let mut held = Vec::new();
    let moment = Duration::from_millis(1);
    while let Some(place) = slow.place(Lane::Backfill, moment).await {
        held.push(place);
        assert!(held.len() < 1_000, "there is no end of places");
    }
    assert!(quick.place(Lane::Backfill, moment).await.is_some());
    assert!(slow.place(Lane::Outcome, moment).await.is_some(), "an outcome waits for a backfill");
    held.pop();
    assert!(slow.place(Lane::Backfill, moment).await.is_some());
}

#[tokio::test]
async fn a_private_address_needs_a_grant_that_says_so() {
    let names = [
        ("crm.intern", vec!["192.168.7.9".parse().unwrap()]),
        ("meta.intern", vec!["169.254.169.254".parse().unwrap()]),
    ];
    let clock = Arc::new(JumpingClock::default());
    let egress = egress(&clock, short(), Table(names.into()));
    let (open, named) = (grant(&["https://crm.intern"], &[]), |origin: &str| Grant {
        private: vec![Url::parse(origin).unwrap()],
        ..grant(&[], &[])
    });
    let send = async |grant: &Grant, origin: &str| {
        let base = Url::parse(origin).unwrap();
        let prepared = egress.prepare(grant, &base, get("/"), None)?;
        egress.send(&prepared, None, &terms(clock.now())).await.map(|_| ())
    };
    let why = "`crm.intern` leads to `192.168.7.9`, a private address, which only `--allow-private` opens";
    assert_eq!(send(&open, "https://crm.intern").await, Err(HttpError::Denied(why.into())));
    let address = ["192.168.7.9".parse().unwrap()];
    assert_eq!(resolve::checked("crm.intern", &address, Reach::Private), Ok(()));
    let base = Url::parse("https://crm.intern").unwrap();
    assert_eq!(named("https://crm.intern").reach(&base, &base), Some(Reach::Private));
    let meta = send(&named("https://meta.intern"), "https://meta.intern").await;
    assert!(matches!(meta, Err(HttpError::Denied(_))), "{meta:?}");
    let clear = send(&named("http://crm.intern"), "http://crm.intern").await;
    assert!(matches!(clear, Err(HttpError::Denied(_))), "{clear:?}");
}
