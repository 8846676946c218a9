//! Plugins from a registry that asks who comes: Debian's registry server, by a password of its own and by tokens of a server beside
//! it, with what `docker login` leaves on a machine.
#![allow(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rsa::RsaPrivateKey;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::EncodePublicKey as _;
use rsa::signature::{SignatureEncoding as _, Signer as _};
use serde_json::json;
use sha2::Sha256;

use crate::registry::{Registry, install};
use crate::rig::{Host, component, said};

const USER: &str = "acme-bot";
const PASSWORD: &str = "very-secret";

/// Of the password, by bcrypt, which is all that the registry takes.
const HASHED: &str = "$2y$05$abcdefghijklmnopqrstuuJlu1J7SD3rRuYlURnyVnj8wXy7Tqiui";

fn both(password: &str) -> String {
    STANDARD.encode(format!("{USER}:{password}"))
}

/// What `docker login` leaves, in a folder as Docker has it.
fn login(host: &Host, registry: &str, password: &str) -> PathBuf {
    let folder = host.state.path().join(format!("docker-{password}"));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("config.json");
    std::fs::write(&path, json!({ "auths": { registry: { "auth": both(password) } } }).to_string()).unwrap();
    path
}

fn with_password() -> Registry {
    let auth = |home: &Path| {
        let file = home.join("htpasswd");
        std::fs::write(&file, format!("{USER}:{HASHED}\n")).unwrap();
        format!("auth: {{htpasswd: {{realm: test, path: {}}}}}\n", file.display())
    };
    Registry::guarded(auth, Some(format!("Basic {}", both(PASSWORD))))
}

/// Without a login, with a wrong one, and with the right one in each place where it may lie.
fn asks_who_comes(registry: &Registry) {
    let host = Host::new();
    let place = registry.plugin("1.0.0", &std::fs::read(component("hostile")).unwrap());
    host.fails(&install(&place, &[]), "plugin-fetch-sign-in");
    let (right, wrong) = (login(&host, &registry.address, PASSWORD), login(&host, &registry.address, "no-such-word"));
    let error = host.fails(&install(&place, &["--registry-auth", wrong.to_str().unwrap()]), "plugin-fetch-refused");
    assert!(error.to_string().contains(USER) && !error.to_string().contains("no-such-word"), "{error:#}");
    let elsewhere = login(&host, "registry.example.com", "of-another");
    host.fails(&install(&place, &["--registry-auth", elsewhere.to_str().unwrap()]), "plugin-fetch-sign-in");
    host.fails(&install(&place, &["--registry-auth", "/no/such/file"]), "file-read");

    host.ok(&install(&place, &["--registry-auth", right.to_str().unwrap()]));
    for (variable, value) in [("REGISTRY_AUTH_FILE", right.as_path()), ("DOCKER_CONFIG", right.parent().unwrap())] {
        let answer = said(host.command(&install(&place, &[])).env(variable, value).output().unwrap());
        assert_eq!(answer.code, Some(0), "{variable}: {answer:?}");
        assert!(!answer.stderr.contains(PASSWORD) && !answer.stdout.contains(PASSWORD), "{answer:?}");
    }
}

#[test]
fn a_registry_that_wants_a_password_is_given_what_a_login_left() {
    asks_who_comes(&with_password());
}

#[test]
fn a_registry_that_wants_a_token_gets_one_that_was_given_for_the_password() {
    let issuer = Issuer::new();
    let realm = issuer.clone().serve();
    let auth = |home: &Path| {
        let file = home.join("root.pem");
        std::fs::write(&file, issuer.certificate_pem()).unwrap();
        let bundle = file.display();
        format!("auth: {{token: {{realm: '{realm}', service: reg, issuer: {ISSUER}, rootcertbundle: {bundle}}}}}\n")
    };
    asks_who_comes(&Registry::guarded(auth, Some(format!("Bearer {}", issuer.token(&["pull", "push"])))));
}

const ISSUER: &str = "ferry-test";

/// Gives tokens for a registry to whoever knows the password.
#[derive(Clone)]
struct Issuer {
    key: RsaPrivateKey,
}

impl Issuer {
    fn new() -> Self {
        Self { key: RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2_048).unwrap() }
    }

    fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        SigningKey::<Sha256>::new(self.key.clone()).sign(bytes).to_vec()
    }

    /// A JSON web token that allows these actions in the tests' repository.
    fn token(&self, actions: &[&str]) -> String {
        let now = jiff::Timestamp::now().as_second();
        let header = json!({ "typ": "JWT", "alg": "RS256", "x5c": [STANDARD.encode(self.certificate())] });
        let claims = json!({
            "iss": ISSUER, "sub": USER, "aud": "reg", "jti": "1", "iat": now, "nbf": now - 60, "exp": now + 600,
            "access": [{ "type": "repository", "name": "acme/hostile", "actions": actions }],
        });
        let part = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// Answers on a free port; gives the address.
    fn serve(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/token", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            // More requests than a test makes: the thread ends with the test's process.
            for stream in listener.incoming().take(1_000) {
                let mut stream = stream.unwrap();
                let mut head = String::new();
                let mut lines = BufReader::new(stream.try_clone().unwrap());
                while lines.read_line(&mut head).is_ok_and(|length| length > 2) {}
                let known = head.contains(&format!("authorization: Basic {}\r\n", both(PASSWORD)));
                let asks = head.starts_with("GET /token?service=reg&scope=repository%3Aacme%2Fhostile%3Apull ");
                let (status, body) = match known && asks {
                    true => ("200 OK", json!({ "token": self.token(&["pull"]) }).to_string()),
                    false => ("401 Unauthorized", "{}".to_owned()),
                };
                let length = body.len();
                let answer =
                    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        address
    }

    fn certificate_pem(&self) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(self.certificate()))
    }

    /// Of its own key, signed by itself: X.509 in DER, as far as the registry looks.
    fn certificate(&self) -> Vec<u8> {
        const RSA_WITH_SHA_256: &[u8] = &[0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b, 5, 0];
        const COMMON_NAME: &[u8] = &[6, 3, 0x55, 4, 3];
        let (sequence, set, text, time) = (0x30, 0x31, 0x0c, 0x17);
        let named = der(sequence, &[COMMON_NAME, &der(text, &[ISSUER.as_bytes()])]);
        let name = der(sequence, &[&der(set, &[&named])]);
        let validity = der(sequence, &[&der(time, &[b"200101000000Z"]), &der(time, &[b"491231235959Z"])]);
        let public = self.key.to_public_key().to_public_key_der().unwrap();
        let serial = der(2, &[&[1]]);
        let signed = der(sequence, &[&serial, RSA_WITH_SHA_256, &name, &validity, &name, public.as_bytes()]);
        der(sequence, &[&signed, RSA_WITH_SHA_256, &der(3, &[&[0], &self.sign(&signed)])])
    }
}

/// A value in DER: its kind, its length, and its parts.
fn der(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let head: Vec<u8> = match length {
        [0, short @ 0..128] => vec![kind, short],
        [0, one] => vec![kind, 0x81, one],
        [high, low] => vec![kind, 0x82, high, low],
    };
    [head, content].concat()
}
