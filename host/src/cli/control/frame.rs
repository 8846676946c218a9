//! What goes over the control socket: a length, then the frame as postcard. Knows nothing of what the frames are about.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::cli::console::{Facts, Step};

/// The longest frame: a piece of a file, or a line of a long answer.
const LONGEST: usize = 16 * 1024 * 1024;

/// The most of a file or a stream that goes into one frame.
pub(super) const PIECE: usize = 64 * 1024;

/// Caller and server have to be of one version: a frame has no other one.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the caller wants run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CommandLine {
    /// The arguments as they were typed, the program's name first.
    pub(super) words: Vec<Vec<u8>>,
    /// As the caller understood them, from options and its environment.
    pub(super) workspace: String,
    pub(super) json: bool,
    pub(super) person: String,
    pub(super) facts: Facts,
}

/// From the server. Those that need an answer get exactly one.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
    Progress(Step),
    OpenBrowser(String),
    /// Ctrl-C is told to the server instead of ending the caller.
    CatchInterrupts,
    /// Answered with the line that was typed.
    Ask(String),
    /// Answered with its value.
    Variable(String),
    /// Answered with [`Answer::File`].
    Open(Vec<u8>),
    /// Answered with the next piece; an empty one at the end.
    Read(u32),
    /// Answered with [`Answer::File`].
    Create(Vec<u8>),
    /// Answered when it is written.
    Write(u32, Vec<u8>),
    /// Answered when the file is there whole.
    Keep(u32),
    /// The file is not needed any more.
    Drop(u32),
    /// The last one.
    Exit(u8),
}

/// From the caller.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    Interrupt,
    Answer(Result<Answer, Trouble>),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    Done,
    Text(Option<String>),
    Piece(Vec<u8>),
    File(u32),
}

/// An input-output error on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Trouble {
    code: Option<i32>,
    message: String,
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self { code: error.raw_os_error(), message: error.to_string() }
    }
}

impl From<Trouble> for io::Error {
    fn from(trouble: Trouble) -> Self {
        trouble.code.map_or_else(|| Self::other(trouble.message), Self::from_raw_os_error)
    }
}

pub(super) fn send<T: Serialize>(to: &mut impl Write, frame: &T) -> io::Result<()> {
    let body = postcard::to_stdvec(frame).map_err(io::Error::other)?;
    let length = u32::try_from(body.len()).ok().filter(|length| *length as usize <= LONGEST);
    let length = length.ok_or_else(|| io::Error::other("a frame is too long"))?;
    let mut bytes = Vec::with_capacity(4 + body.len());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&body);
    to.write_all(&bytes)
}

/// # Errors
/// `UnexpectedEof` where the other side has gone.
pub(super) fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is too long"));
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    postcard::from_bytes(&body).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_keeps_its_code_and_its_words() {
        let missing = io::Error::from_raw_os_error(2);
        let words = missing.to_string();
        let arrived = io::Error::from(Trouble::from(missing));
        assert_eq!((arrived.kind(), arrived.to_string()), (io::ErrorKind::NotFound, words));
    }

    #[test]
    fn a_frame_comes_back_as_it_went_and_a_broken_one_is_an_error() {
        let mut bytes = Vec::new();
        send(&mut bytes, &Order::Write(7, b"rows".to_vec())).unwrap();
        let back: Order = receive(&mut bytes.as_slice()).unwrap();
        assert!(matches!(back, Order::Write(7, rows) if rows == b"rows"));
        let cut = receive::<Order>(&mut &bytes[..bytes.len() - 1]).unwrap_err();
        assert_eq!(cut.kind(), io::ErrorKind::UnexpectedEof);
        let huge = receive::<Order>(&mut &[255_u8; 8][..]).unwrap_err();
        assert_eq!(huge.kind(), io::ErrorKind::InvalidData);
    }
}
