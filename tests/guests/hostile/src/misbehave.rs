//! Every way in which a plugin can go wrong that the host must survive.

use ferry_sdk::connector::*;
use ferry_sdk::http::Request;
use ferry_sdk::log;

/// What goes wrong in any verb.
pub(crate) fn anywhere(call: &Call<'_>, mode: &str) -> Result<(), Failure> {
    match mode {
        "trap" => panic!("on purpose"),
        "spin" => spin(),
        "allocate" => allocate(),
        "overflow-stack" => {
            descend(0);
        }
        "flood-log" => (0..50_000).for_each(|line| log::info(&format!("line {line} {}", "x".repeat(100)))),
        "long-log-line" => log::info(&"x".repeat(4 << 20)),
        "many-calls" => loop {
            // The answer does not matter: asking without end is the point.
            let _ = call.http.send(Request::get("/endless"));
        },
        "leak" => return Err(leak(call)),
        "forbidden-hosts" => return Err(try_hosts(call)),
        "forbidden-headers" => return Err(try_headers(call)),
        _ => {}
    }
    Ok(())
}

fn spin() {
    let mut number = 1u64;
    loop {
        number = std::hint::black_box(number.wrapping_mul(3));
    }
}

fn allocate() {
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    loop {
        hoard.push(std::hint::black_box(vec![1; 1 << 20]));
    }
}

#[expect(unconditional_recursion, reason = "it is to run out of stack")]
fn descend(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 64]);
    descend(depth + 1) + frame[0]
}

/// Says everything that it was told, in the hope that a credential is among it.
fn leak(call: &Call<'_>) -> Failure {
    match call.http.send(Request::get("/echo")) {
        Ok(response) => {
            let text = format!("{:?} {}", response.headers, String::from_utf8_lossy(&response.body));
            log::error(&text);
            Failure::Permanent(text)
        }
        Err(error) => Failure::Permanent(format!("{error:?}")),
    }
}

const FORBIDDEN: [&str; 9] = [
    "https://elsewhere.example.com/",
    "http://crm.example.com/",
    "https://crm.example.com:8443/",
    "https://crm.example.com@elsewhere.example.com/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://2130706433/",
    "file:///etc/passwd",
];

/// Tells which addresses it got through to.
fn try_hosts(call: &Call<'_>) -> Failure {
    let denied =
        |target: &&&str| !matches!(call.http.send(Request::get(**target)), Err(ferry_sdk::http::Error::Denied(_)));
    let through: Vec<&str> = FORBIDDEN.iter().filter(denied).copied().collect();
    Failure::Permanent(format!("through: [{}]", through.join(", ")))
}

/// Tells which headers it could set.
fn try_headers(call: &Call<'_>) -> Failure {
    let headers = [
        ("Authorization", "Bearer mine"),
        ("cookie", "a=b"),
        ("Host", "elsewhere.example.com"),
        ("Content-Length", "5"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "upgrade"),
        ("x-injected", "a\r\nAuthorization: Bearer mine"),
    ];
    let set = |(name, value): &&(&str, &str)| {
        let request = Request::get("/headers").header(*name, *value);
        !matches!(call.http.send(request), Err(ferry_sdk::http::Error::Denied(_)))
    };
    let through: Vec<&str> = headers.iter().filter(set).map(|(name, _)| *name).collect();
    Failure::Permanent(format!("through: [{}]", through.join(", ")))
}

/// Pages that break the contract.
pub(crate) fn page(mode: &str, request: &PullRequest) -> Option<Page> {
    let good = || Row {
        id: "1".into(),
        modified: None,
        version: None,
        values: request.columns.iter().map(|_| Value::from("x")).collect(),
    };
    let page = |rows| Some(Page::of(rows, None));
    match mode {
        "huge-list" => page((0..2_000_000).map(|number| Row { id: number.to_string(), ..good() }).collect()),
        "huge-text" => page(vec![Row { values: vec![Value::from("x".repeat(40 << 20))], ..good() }]),
        "same-token" => {
            Some(Page { next: Some(request.token.clone().unwrap_or("again".into())), ..Page::of(vec![good()], None) })
        }
        "short-row" => page(vec![Row { values: Vec::new(), ..good() }]),
        "empty-id" => page(vec![Row { id: String::new(), ..good() }]),
        "long-id" => page(vec![Row { id: "x".repeat(1 << 20), ..good() }]),
        "bad-decimal" => {
            page(vec![Row { values: request.columns.iter().map(|_| Value::Decimal("1e9".into())).collect(), ..good() }])
        }
        _ => None,
    }
}

/// Answers to writes; with mode `lying-push` one too few, and the others all the same record.
pub(crate) fn outcomes(mode: &str, writes: &[Write]) -> Vec<Outcome> {
    let written = |id: String| Outcome::Written(Written { id, created: true, modified: None, version: None });
    if mode == "lying-push" {
        return writes.iter().skip(1).map(|_| written("1".into())).collect();
    }
    (1..=writes.len()).map(|number| written(number.to_string())).collect()
}
