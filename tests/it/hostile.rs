//! A plugin that means harm, through the program: what it can reach, set and learn, and what becomes of the host.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::rig::{Host, component, said};

const SECRET: &str = "pat-na1-0123456789-very-secret";

/// A CRM that answers everything with what it was sent; gives its address.
fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        // More requests than any of these tests makes: the thread ends with the test's process.
        for stream in listener.incoming().take(1_000) {
            let mut stream = stream.unwrap();
            let mut request = [0; 8192];
            let length = stream.read(&mut request).unwrap_or(0);
            let body = &request[..length];
            let head = format!(
                "HTTP/1.1 200 OK\r\nx-echo: Bearer {SECRET}\r\nset-cookie: a=b\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        }
    });
    address
}

/// A connection through the hostile plugin to the echo, which needs a key.
fn connected(mode: &str) -> (Host, serde_json::Value) {
    let (host, address) = (Host::new(), echo());
    host.install("hostile", Some(&address));
    let token = host.state.path().join("token");
    std::fs::write(&token, SECRET).unwrap();
    let (token, set) = (token.display().to_string(), format!("mode={mode}"));
    let words = ["connection", "add", "bad", "--plugin", "hostile", "--base-url", &address, "--set", &set];
    let said = host.say(&[&words[..], &["--sign-in", "bearer", "--token-file", &token]].concat());
    assert!(!said.stderr.contains(SECRET) && !said.stdout.contains(SECRET), "a secret got out: {said:?}");
    assert_ne!(said.code, Some(0), "{said:?}");
    let error = said.error();
    (host, error)
}

#[test]
fn it_reaches_no_host_that_its_grant_does_not_name() {
    let (_host, error) = connected("forbidden-hosts");
    assert!(error.to_string().contains("through: []"), "{error:#}");
}

#[test]
fn it_sets_no_header_that_is_the_hosts_own() {
    let (_host, error) = connected("forbidden-headers");
    assert!(error.to_string().contains("through: []"), "{error:#}");
}

#[test]
fn a_credential_that_the_crm_sends_back_does_not_reach_it() {
    let (_host, error) = connected("leak");
    assert!(error.to_string().contains("x-echo"), "it saw no answer: {error:#}");
}

#[test]
fn a_redirect_is_not_followed_and_no_credential_goes_along() {
    // Where the redirect leads, nobody is ever seen.
    let (trap, redirecting) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let (target, address) = (trap.local_addr().unwrap(), format!("http://{}", redirecting.local_addr().unwrap()));
    std::thread::spawn(move || {
        for stream in redirecting.incoming().take(10) {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 8192]);
            let head =
                format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{target}/\r\ncontent-length: 0\r\n\r\n");
            let _ = stream.write_all(head.as_bytes());
        }
    });
    // Even where the grant names the other origin too.
    let host = Host::new();
    let (file, other) = (component("hostile").display().to_string(), format!("http://{target}"));
    host.ok(&["plugin", "install", &file, "--yes", "--allow-loopback", &address, "--allow-loopback", &other]);
    let token = host.state.path().join("token");
    std::fs::write(&token, SECRET).unwrap();
    let token = token.display().to_string();
    let words = ["connection", "add", "bad", "--plugin", "hostile", "--base-url", &address, "--set", "mode=leak"];
    let said = host.say(&[&words[..], &["--sign-in", "bearer", "--token-file", &token]].concat());
    assert!(said.error().to_string().contains("location"), "the plugin sees where it was sent: {said:?}");
    trap.set_nonblocking(true).unwrap();
    assert_eq!(trap.accept().err().map(|error| error.kind()), Some(std::io::ErrorKind::WouldBlock));
}

#[test]
fn no_secret_is_in_what_the_state_keeps_or_an_environment_shows() {
    let (host, _) = connected("leak");
    let mut files = vec![host.state.path().to_owned()];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.file_name().is_some_and(|name| name != "token") {
            let bytes = std::fs::read(&path).unwrap_or_default();
            assert!(!bytes.windows(SECRET.len()).any(|piece| piece == SECRET.as_bytes()), "{}", path.display());
        }
    }
    // A new key for all of it, and the old one opens nothing.
    let key = host.state.path().join("sealing.key");
    let old = std::fs::read(&key).unwrap();
    let rotated = host.ok(&["vault", "rotate"]).document();
    assert_eq!(rotated["credentials"], 1);
    assert_ne!(std::fs::read(&key).unwrap(), old);
    assert_eq!(host.fails(&["connection", "check", "bad"], "crm-permanent")["whose"], "crm");
    std::fs::write(&key, &old).unwrap();
    host.fails(&["connection", "check", "bad"], "vault-key");
}

#[test]
fn a_state_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let host = Host::new();
    let state = host.state.path().join("deep/er");
    let say = |words: &[&str]| said(host.command(words).env("FERRY_STATE", &state).output().unwrap());
    assert_eq!(say(&["plugin", "list"]).code, Some(0));
    let mode = || std::fs::metadata(&state).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o700);
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o750)).unwrap();
    assert!(say(&["doctor"]).stdout.contains("state-open"));
}

#[test]
fn no_picture_of_the_hosts_memory_is_written_and_nobody_reads_it() {
    use std::os::unix::fs::MetadataExt;
    let mut host = Host::new();
    host.serve();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", host.pid())).unwrap();
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().take(2).collect::<Vec<_>>(), ["0", "0"]);
    // What may not be looked into is root's in /proc, whoever runs it.
    assert_eq!(std::fs::metadata(format!("/proc/{}/environ", host.pid())).unwrap().uid(), 0);
}

#[test]
fn whatever_it_does_the_error_names_it_and_the_host_lives_on() {
    for (mode, code) in [
        ("trap", "plugin-trap"),
        ("spin", "plugin-deadline"),
        ("allocate", "plugin-memory"),
        ("overflow-stack", "plugin-stack-overflow"),
        ("many-calls", "plugin-host-calls"),
    ] {
        let (host, error) = connected(mode);
        assert_eq!(error["code"], code, "{mode}: {error:#}");
        assert_eq!(error["whose"], "plugin", "{mode}: {error:#}");
        assert!(error.to_string().contains("hostile"), "{mode}: {error:#}");
        host.ok(&["plugin", "list"]);
    }
}

#[test]
fn each_breach_of_a_limit_is_counted_under_its_code_and_no_workspace_sees_another() {
    let mut host = Host::new();
    host.serve();
    host.install("hostile", None);
    let key = host.state.path().join("key").display().to_string();
    std::fs::write(&key, "any text").unwrap();
    let connect = |mode: &str| {
        let set = format!("mode={mode}");
        let add = ["connection", "add", mode, "--plugin", "hostile", "--set", &set, "--sign-in", "bearer"];
        host.say(&[&add[..], &["--token-file", &key]].concat())
    };
    assert_eq!(connect("allocate").error()["code"], "plugin-memory");
    // A line that is too long ends nothing.
    assert_eq!(connect("long-log-line").code, Some(0));
    assert_eq!(connect("flood-log").error()["code"], "plugin-host-calls");
    let page = host.metrics();
    for line in [
        "ferry_plugin_faults_total{code=\"plugin-memory\"} 1",
        "ferry_plugin_faults_total{code=\"plugin-host-calls\"} 1",
        "ferry_plugin_faults_total{code=\"plugin-trap\"} 0",
        "ferry_plugin_excesses_total{code=\"plugin-log-lines\"} 0",
        "ferry_plugin_excesses_total{code=\"plugin-log-bytes\"} 1",
    ] {
        assert!(page.lines().any(|it| it == line), "{line}: {page}");
    }
    assert!(!page.contains("hostile") && !page.contains("default"), "it names somebody: {page}");
    // What a token of a workspace opens does not show them.
    let token = host.ok(&["token", "create", "t"]).document()["token"].as_str().unwrap().to_owned();
    assert_eq!(crate::web::Web::new(&host).with_token(&token).get("/metrics").status, 404);
}
