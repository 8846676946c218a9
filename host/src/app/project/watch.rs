//! Sees whether a project's sources have changed. Looks at names, times and sizes: no file is read.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use super::ProjectError;

/// A plugin has some dozens of files; beyond this another folder was meant.
pub(super) const MOST_FILES: usize = 10_000;

/// What tools make or fetch. Files whose names begin with a dot are left out too.
const NOT_SOURCES: [&str; 5] = ["target", "node_modules", "dist", "venv", "__pycache__"];

/// What the sources looked like: two that are the same mean that nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp(u64);

/// Looks at the sources in `folder`.
pub fn stamp(folder: &Path) -> Result<Stamp, ProjectError> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).map_err(ProjectError::file(&next, "read"))? {
            let entry = entry.map_err(ProjectError::file(&next, "read"))?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') || name.ends_with(".wasm") || NOT_SOURCES.contains(&name.as_ref()) {
                continue;
            }
            // Links are not followed: they may lead in a circle.
            match entry.metadata() {
                Ok(found) if found.is_dir() => folders.push(entry.path()),
                Ok(found) => files.push((entry.path(), found.modified().ok(), found.len())),
                // It has gone since the folder was listed: the next look sees that.
                Err(_) => {}
            }
            if files.len() + folders.len() > MOST_FILES {
                return Err(ProjectError::TooLarge { folder: folder.to_owned() });
            }
        }
    }
    files.sort_by(|one: &(PathBuf, _, _), other| one.0.cmp(&other.0));
    let mut hash = DefaultHasher::new();
    files.hash(&mut hash);
    Ok(Stamp(hash.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_a_source_is_seen_and_what_a_build_makes_is_not() {
        let project = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = project.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let look = || stamp(project.path()).unwrap();
        file("src/lib.rs", "one");
        let first = look();
        for made in ["target/a", "node_modules/b/c.js", "dist/plugin.wasm", "acme.wasm", ".git/index"] {
            file(made, "made");
        }
        assert_eq!(look(), first);
        file("src/lib.rs", "other");
        let second = look();
        assert_ne!(second, first);
        file("cassettes/people.toml", "");
        assert_ne!(look(), second);
    }
}
