//! Where the control socket lies, however long the path to it is.

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

const NAME: &str = "control.sock";

/// What the system takes as a socket's path, less the zero at its end; 104 on some systems.
const LONGEST_PATH: usize = 103;

/// A path that is short enough, and what has to stay open while it is used.
fn reachable(state_dir: &Path) -> io::Result<(PathBuf, Option<std::fs::File>)> {
    let path = state_dir.join(NAME);
    if path.as_os_str().len() <= LONGEST_PATH {
        return Ok((path, None));
    }
    // The same directory by a short name.
    let dir = std::fs::File::open(state_dir)?;
    let short = PathBuf::from(format!("/proc/self/fd/{}/{NAME}", dir.as_raw_fd()));
    Ok((short, Some(dir)))
}

/// The server of this state, if one runs.
pub(super) fn connect(state_dir: &Path) -> Option<UnixStream> {
    let (path, _open) = reachable(state_dir).ok()?;
    UnixStream::connect(path).ok()
}

/// Only the process that holds the state may call this: what lies there is left from one that died.
pub(super) fn listen(state_dir: &Path) -> io::Result<UnixListener> {
    let (path, _open) = reachable(state_dir)?;
    remove(state_dir);
    let listener = UnixListener::bind(&path)?;
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

pub(super) fn remove(state_dir: &Path) {
    // Not there is as good as removed, and a leftover is replaced by the next server.
    let _ = std::fs::remove_file(state_dir.join(NAME));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_in_a_deep_directory_is_reached_by_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("d".repeat(120));
        std::fs::create_dir(&deep).unwrap();
        assert!(connect(&deep).is_none());
        let first = listen(&deep).unwrap();
        drop(first);
        let _again = listen(&deep).unwrap();
        assert!(connect(&deep).is_some());
        let mode = std::fs::metadata(deep.join(NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        remove(&deep);
        assert!(connect(&deep).is_none());
    }
}
