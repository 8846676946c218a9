//! A file that is there whole or not at all. What is no file, as a device or a pipe, is written into and never replaced.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::Draft;

const OWNER_ONLY: u32 = 0o600;

pub(super) enum LocalDraft {
    Device(File),
    File { draft: PathBuf, path: PathBuf, to: BufWriter<File>, kept: bool },
}

impl LocalDraft {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        if path.metadata().is_ok_and(|there| !there.is_file()) {
            return Ok(Self::Device(File::options().write(true).open(path)?));
        }
        // Behind a link lies the file that is meant.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let mut name = path.as_os_str().to_owned();
        name.push(".partial");
        let draft = PathBuf::from(name);
        // Exports and traces hold customers' records: a new file is its owner's alone, an old one keeps its rights.
        let mode = path.metadata().map_or(OWNER_ONLY, |there| there.permissions().mode() & 0o777);
        // What a program that was killed has left may have other rights.
        let _ = std::fs::remove_file(&draft);
        let file = File::options().write(true).create_new(true).mode(mode).open(&draft)?;
        let to = BufWriter::new(file);
        Ok(Self::File { draft, path, to, kept: false })
    }
}

impl Write for LocalDraft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Device(to) => to.write(bytes),
            Self::File { to, .. } => to.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Device(to) => to.flush(),
            Self::File { to, .. } => to.flush(),
        }
    }
}

impl Draft for LocalDraft {
    fn keep(mut self: Box<Self>) -> io::Result<()> {
        self.flush()?;
        if let Self::File { draft, path, to, kept } = &mut *self {
            to.get_ref().sync_all()?;
            std::fs::rename(draft, path)?;
            *kept = true;
        }
        Ok(())
    }
}

impl Drop for LocalDraft {
    fn drop(&mut self) {
        if let Self::File { draft, kept: false, .. } = self {
            // Half a file is worse than none.
            let _ = std::fs::remove_file(draft);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(path: &Path, bytes: &[u8]) -> Box<LocalDraft> {
        let mut draft = Box::new(LocalDraft::create(path).unwrap());
        draft.write_all(bytes).unwrap();
        draft
    }

    #[test]
    fn a_file_is_replaced_only_by_a_whole_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("out.csv"), folder.path().join("link.csv"));
        std::fs::write(&path, "old").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        drop(fill(&path, b"half"));
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        fill(&link, b"new").keep().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "no draft is left");
    }

    #[test]
    fn a_new_file_is_its_owners_alone_and_an_old_one_keeps_its_rights() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        fill(&path, b"one").keep().unwrap();
        assert_eq!(mode(), 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        fill(&path, b"two").keep().unwrap();
        assert_eq!(mode(), 0o640);
    }

    #[test]
    fn a_pipe_or_a_device_is_written_into_and_not_replaced() {
        use std::os::unix::fs::FileTypeExt;
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::read(pipe).unwrap()
        });
        fill(&pipe, b"rows").keep().unwrap();
        assert_eq!(reader.join().unwrap(), b"rows");
        assert!(std::fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
    }
}
