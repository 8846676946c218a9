//! Plays the browser of a person who agrees: follows redirects on loopback, nothing more.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// Sign-in takes two redirects; more would be a circle.
const MOST_REDIRECTS: usize = 5;

/// Everything is on this machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a server answered: status, the `location` header, the body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// Opens an address and goes where it leads.
pub(crate) fn visit(address: &str) -> Result<()> {
    let mut address = address.to_owned();
    for _ in 0..MOST_REDIRECTS {
        let answer = request("GET", &address, &[], b"")?;
        match (answer.status, answer.location) {
            (300..400, Some(location)) => address = location,
            (200..300, _) => return Ok(()),
            (status, _) => bail!("{address} answered {status}"),
        }
    }
    bail!("{address} leads in a circle")
}

/// One request over a connection of its own.
pub(crate) fn request(method: &str, address: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer> {
    let rest = address.strip_prefix("http://").with_context(|| format!("{address} is not on this machine"))?;
    let (host, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let connection = host.replace("localhost", "127.0.0.1");
    let mut stream = TcpStream::connect(&connection).with_context(|| format!("nobody listens at {host}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("content-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    read(&answer)
}

fn read(answer: &[u8]) -> Result<Answer> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").context("the answer has no end of head")?;
    let head = String::from_utf8_lossy(&answer[..end]);
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).next()
    };
    ensure!(header("transfer-encoding").is_none(), "the answer is in pieces");
    let status = status.context("the answer has no status")?;
    Ok(Answer { status, location: header("location"), body: answer[end + 4..].to_vec() })
}
