//! Why the state could not be read or written.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the state in `{}` is in use by {holder}", dir.display())]
    Held { dir: PathBuf, holder: String },
    #[error("the state was written by a newer version (schema {found}; this one knows {known})")]
    Newer { found: u32, known: u32 },
    #[error("the state directory `{}` can't be used", dir.display())]
    Directory { dir: PathBuf, source: std::io::Error },
    #[error("the disk is full or a write was cut short")]
    DiskFull(#[source] sled::Error),
    #[error("the state could not be read or written")]
    Io(#[source] sled::Error),
    #[error("the state is damaged: {what} can't be read")]
    Corrupt { what: &'static str },
    #[error("a document could not be encoded")]
    Encode(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// A stable code for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Held { .. } => "store-held",
            Self::Newer { .. } => "store-newer",
            Self::Directory { .. } => "store-directory",
            Self::DiskFull(_) => "store-disk-full",
            Self::Io(_) => "store-io",
            Self::Corrupt { .. } => "store-corrupt",
            Self::Encode(_) => "store-encode",
        }
    }

    /// The next step, and whose.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Held { .. } => "wait for it or stop it, or name another directory with --state",
            Self::Newer { .. } => "use the newer version of ferry, or name another directory with --state",
            Self::Directory { .. } => "check that the directory exists and that you may write there",
            Self::DiskFull(_) => "free some space and repeat the command: what was committed is safe",
            Self::Io(_) => "check the disk and repeat the command: what was committed is safe",
            Self::Corrupt { .. } => {
                "restore the state from a backup, and report this with the output of `ferry doctor`"
            }
            Self::Encode(_) => "this is a mistake in ferry: please report it",
        }
    }
}

impl From<sled::Error> for StoreError {
    fn from(error: sled::Error) -> Self {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull, WriteZero};
        match &error {
            // sled tells a failed write again later, by its kind alone.
            sled::Error::Io(io) if matches!(io.kind(), StorageFull | QuotaExceeded | FileTooLarge | WriteZero) => {
                Self::DiskFull(error)
            }
            sled::Error::Corruption { .. } => Self::Corrupt { what: "its log" },
            _ => Self::Io(error),
        }
    }
}
