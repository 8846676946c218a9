//! Makes a project of a template: it builds, packs and passes its tests as it is. Templates are files of the repository;
//! where an SDK has a worked example, that is the template.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Language, ProjectError};
use crate::model::id::PluginId;
use crate::model::manifest::{CONTRACT, PluginKind, speaks};

/// One file of a template: where it goes, and its text with `{{placeholders}}`.
type File = (&'static str, &'static str);

macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("../../../templates/", $path))
    };
}

macro_rules! example {
    ($path:literal) => {
        include_str!(concat!("../../../../sdk/", $path))
    };
}

const OF_CONNECTORS: [File; 2] = [
    ("plugin.toml", template!("connector/plugin.toml")),
    ("cassettes/people.toml", template!("connector/cassettes/people.toml")),
];

const OF_MAPPERS: [File; 2] = [
    ("plugin.toml", template!("mapper/plugin.toml")),
    ("cassettes/names.toml", template!("mapper/cassettes/names.toml")),
];

const RUST_CONNECTOR: [File; 5] = [
    ("Cargo.toml", template!("rust-connector/Cargo.toml")),
    (".cargo/config.toml", template!("rust-connector/cargo-config.toml")),
    ("src/lib.rs", template!("rust-connector/lib.rs")),
    ("README.md", template!("rust-connector/README.md")),
    (".gitignore", template!("rust-gitignore")),
];

const RUST_MAPPER: [File; 5] = [
    ("Cargo.toml", template!("rust-mapper/Cargo.toml")),
    (".cargo/config.toml", template!("rust-mapper/cargo-config.toml")),
    ("src/lib.rs", template!("rust-mapper/lib.rs")),
    ("README.md", template!("rust-mapper/README.md")),
    (".gitignore", template!("rust-gitignore")),
];

const JS_CONNECTOR: [File; 5] = [
    ("package.json", template!("js-connector/package.json")),
    ("src/plugin.js", example!("js/examples/phonebook/src/plugin.js")),
    ("test/plugin.test.js", example!("js/examples/phonebook/test/plugin.test.js")),
    ("README.md", template!("js-connector/README.md")),
    (".gitignore", template!("js-gitignore")),
];

const JS_MAPPER: [File; 5] = [
    ("package.json", template!("js-mapper/package.json")),
    ("src/plugin.js", example!("js/examples/people-mapper/src/plugin.js")),
    ("test/plugin.test.js", example!("js/examples/people-mapper/test/plugin.test.js")),
    ("README.md", template!("js-mapper/README.md")),
    (".gitignore", template!("js-gitignore")),
];

const PYTHON_CONNECTOR: [File; 5] = [
    ("requirements.txt", template!("python-requirements.txt")),
    ("src/plugin.py", example!("python/examples/phonebook/src/plugin.py")),
    ("tests/test_plugin.py", example!("python/examples/phonebook/tests/test_plugin.py")),
    ("README.md", template!("python-connector/README.md")),
    (".gitignore", template!("python-gitignore")),
];

const PYTHON_MAPPER: [File; 5] = [
    ("requirements.txt", template!("python-requirements.txt")),
    ("src/plugin.py", example!("python/examples/people-mapper/src/plugin.py")),
    ("tests/test_plugin.py", example!("python/examples/people-mapper/tests/test_plugin.py")),
    ("README.md", template!("python-mapper/README.md")),
    (".gitignore", template!("python-gitignore")),
];

/// A project that is to be made.
#[derive(Debug, Clone)]
pub struct NewProject {
    pub name: PluginId,
    pub kind: PluginKind,
    pub language: Language,
    /// Where it goes; made where it is not there, and else empty.
    pub folder: PathBuf,
    /// The SDK's folder; none looks for one in the current directory and above it.
    pub sdk: Option<PathBuf>,
}

/// Writes the project; gives its files, in the order in which they were written.
pub fn scaffold(new: &NewProject) -> Result<Vec<PathBuf>, ProjectError> {
    if new.language == Language::Rust && new.name.as_str().starts_with(|first: char| first.is_ascii_digit()) {
        return Err(ProjectError::Name { name: new.name.to_string() });
    }
    let sdk = sdk(new)?;
    fs::create_dir_all(&new.folder).map_err(ProjectError::file(&new.folder, "made"))?;
    let mut there = fs::read_dir(&new.folder).map_err(ProjectError::file(&new.folder, "read"))?;
    if there.next().is_some() {
        return Err(ProjectError::NotEmpty { folder: new.folder.clone() });
    }
    let folder = new.folder.canonicalize().map_err(ProjectError::file(&new.folder, "found"))?;
    let placeholders = [
        ("{{name}}", new.name.to_string()),
        ("{{module}}", new.name.as_str().replace('-', "_")),
        ("{{title}}", title(new.name.as_str())),
        ("{{contract}}", CONTRACT.to_string()),
        ("{{sdk}}", path_from(&folder, &sdk).display().to_string()),
    ];
    let mut written = Vec::new();
    for (name, text) in files(new.language, new.kind) {
        let path = new.folder.join(name);
        let filled = placeholders.iter().fold((*text).to_owned(), |text, (mark, value)| text.replace(mark, value));
        let parent = path.parent().unwrap_or(&new.folder);
        fs::create_dir_all(parent).map_err(ProjectError::file(parent, "made"))?;
        fs::write(&path, filled).map_err(ProjectError::file(&path, "written"))?;
        written.push(path);
    }
    Ok(written)
}

fn files(language: Language, kind: PluginKind) -> impl Iterator<Item = &'static File> {
    let (own, shared): (&[File], &[File]) = match (language, kind) {
        (Language::Rust, PluginKind::Connector) => (&RUST_CONNECTOR, &OF_CONNECTORS),
        (Language::Rust, PluginKind::Mapper) => (&RUST_MAPPER, &OF_MAPPERS),
        (Language::Js, PluginKind::Connector) => (&JS_CONNECTOR, &OF_CONNECTORS),
        (Language::Js, PluginKind::Mapper) => (&JS_MAPPER, &OF_MAPPERS),
        (Language::Python, PluginKind::Connector) => (&PYTHON_CONNECTOR, &OF_CONNECTORS),
        (Language::Python, PluginKind::Mapper) => (&PYTHON_MAPPER, &OF_MAPPERS),
    };
    own.iter().chain(shared)
}

/// Whether the folder is the SDK: the file by which the language's tools know it names it.
fn is_sdk(folder: &Path, language: Language) -> bool {
    fs::read_to_string(folder.join(language.sdk_marker())).is_ok_and(|text| text.contains("\"ferry-sdk\""))
}

/// The SDK, which makes plugins that this host can load.
fn sdk(new: &NewProject) -> Result<PathBuf, ProjectError> {
    let folder = found_sdk(new)?;
    let file = folder.join(new.language.sdk_contract());
    let Some(found) = contract(&file) else { return Err(ProjectError::NoContract { file }) };
    if speaks(&found) { Ok(folder) } else { Err(ProjectError::OtherContract { folder, found }) }
}

/// The version that stands in quotes behind `CONTRACT` and an equals sign, in whatever language.
fn contract(file: &Path) -> Option<semver::Version> {
    let text = fs::read_to_string(file).ok()?;
    let quoted = |line: &str| {
        let (name, value) = line.split_once('=')?;
        let value = value.trim().trim_end_matches(';').trim_matches(['"', '\'']);
        name.split([' ', ':']).any(|word| word == "CONTRACT").then(|| value.parse().ok()).flatten()
    };
    text.lines().find_map(quoted)
}

fn found_sdk(new: &NewProject) -> Result<PathBuf, ProjectError> {
    let language = new.language;
    if let Some(folder) = &new.sdk {
        let not_sdk = || ProjectError::NotSdk { folder: folder.clone(), language };
        return folder.canonicalize().ok().filter(|found| is_sdk(found, language)).ok_or_else(not_sdk);
    }
    let here = Path::new(".").canonicalize().map_err(ProjectError::file(Path::new("."), "found"))?;
    let mut places = here.ancestors().map(|folder| folder.join("sdk").join(language.as_str()));
    places.find(|folder| is_sdk(folder, language)).ok_or(ProjectError::NoSdk { language })
}

/// `to` as it is written in a file of `from`: relative, so that a checkout can be moved, unless they have nothing in common.
fn path_from(from: &Path, to: &Path) -> PathBuf {
    let common = from.components().zip(to.components()).take_while(|(one, other)| one == other).count();
    // The root is common to all.
    if common < 2 {
        return to.to_owned();
    }
    let up = from.components().skip(common).map(|_| Path::new("..").as_os_str());
    let path: PathBuf = up.chain(to.components().skip(common).map(|part| part.as_os_str())).collect();
    if path.as_os_str().is_empty() { PathBuf::from(".") } else { path }
}

/// `acme-crm` as people write it: `Acme crm`.
fn title(name: &str) -> String {
    let words = name.replace('-', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(folder: &Path, sdk: Option<PathBuf>) -> NewProject {
        let name = "acme-crm".parse().unwrap();
        NewProject { name, kind: PluginKind::Connector, language: Language::Rust, folder: folder.to_owned(), sdk }
    }

    fn checkout(folder: &Path) -> PathBuf {
        let sdk = folder.join("sdk/rust");
        for language in Language::ALL {
            let file = sdk.join(language.sdk_contract());
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, format!("pub const CONTRACT: &str = \"{CONTRACT}\";\n")).unwrap();
        }
        fs::write(sdk.join("Cargo.toml"), "[package]\nname = \"ferry-sdk\"\n").unwrap();
        sdk
    }

    #[test]
    fn no_placeholder_is_left_and_the_manifest_is_one() {
        let root = tempfile::tempdir().unwrap();
        let sdk = checkout(root.path());
        for language in Language::ALL {
            fs::write(sdk.join(language.sdk_marker()), "name = \"ferry-sdk\"").unwrap();
            for kind in [PluginKind::Connector, PluginKind::Mapper] {
                let folder = root.path().join(format!("{}-{kind:?}", language.as_str()));
                let new = NewProject { kind, language, ..project(&folder, Some(sdk.clone())) };
                for path in scaffold(&new).unwrap() {
                    let text = fs::read_to_string(&path).unwrap();
                    assert!(!text.contains("{{"), "{}: {text}", path.display());
                }
                let manifest = fs::read_to_string(folder.join("plugin.toml")).unwrap();
                let manifest: toml::Table = toml::from_str(&manifest).unwrap();
                assert_eq!(manifest["plugin"]["contract"].as_str(), Some(CONTRACT.to_string().as_str()));
            }
        }
    }

    #[test]
    fn every_template_is_embedded() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let mut count = 0;
        let mut folders = vec![root];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                count += 1;
                let text = fs::read_to_string(&path).unwrap();
                let embedded = Language::ALL.into_iter().any(|language| {
                    [PluginKind::Connector, PluginKind::Mapper]
                        .into_iter()
                        .any(|kind| files(language, kind).any(|(_, embedded)| *embedded == text))
                });
                assert!(embedded, "{}", path.display());
            }
        }
        assert!(count > 10, "only {count} files");
    }

    #[test]
    fn a_folder_with_something_in_it_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let sdk = checkout(root.path());
        let error = scaffold(&project(root.path(), Some(sdk))).unwrap_err();
        assert!(matches!(error, ProjectError::NotEmpty { .. }), "{error}");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_sdk_is_told_before_anything_is_written() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("new");
        let error = scaffold(&project(&folder, Some(root.path().to_owned()))).unwrap_err();
        assert!(matches!(error, ProjectError::NotSdk { .. }), "{error}");
        assert!(!folder.exists());
    }

    #[test]
    fn an_sdk_of_another_contract_is_told_before_anything_is_written() {
        let root = tempfile::tempdir().unwrap();
        let (sdk, folder) = (checkout(root.path()), root.path().join("new"));
        let refused = || scaffold(&project(&folder, Some(sdk.clone()))).unwrap_err();
        fs::write(sdk.join("src/lib.rs"), "pub const CONTRACT: &str = \"9.0.0\";\n").unwrap();
        let error = refused();
        assert!(matches!(&error, ProjectError::OtherContract { found, .. } if found.major == 9), "{error}");
        fs::write(sdk.join("src/lib.rs"), "pub struct Sdk;\n").unwrap();
        let error = refused();
        assert!(matches!(error, ProjectError::NoContract { .. }), "{error}");
        assert!(!folder.exists());
    }

    #[test]
    fn each_sdk_of_this_repository_says_which_contract_it_speaks() {
        for language in Language::ALL {
            let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk").join(language.as_str());
            assert_eq!(contract(&sdk.join(language.sdk_contract())), Some(CONTRACT), "{}", language.as_str());
        }
    }

    #[test]
    fn the_sdk_is_named_from_the_project() {
        for (from, to, expected) in [
            ("/home/a/plugins/acme", "/home/a/ferry/sdk/rust", "../../ferry/sdk/rust"),
            ("/home/a/ferry/sdk/rust/acme", "/home/a/ferry/sdk/rust", ".."),
            ("/tmp/acme", "/home/a/ferry/sdk/rust", "/home/a/ferry/sdk/rust"),
        ] {
            assert_eq!(path_from(Path::new(from), Path::new(to)), PathBuf::from(expected));
        }
    }
}
