//! A plugin's own project: a folder with a manifest and sources in one of the languages that have an SDK. Made from a
//! template, built by the language's tools, watched for changes.

mod build;
mod scaffold;
mod watch;

use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

pub use build::{Built, build};
pub use scaffold::{NewProject, scaffold};
pub use watch::{Stamp, stamp};

use semver::Version;

use super::advice::{self, Advice, Class, Whose};
use crate::model::manifest::CONTRACT;

/// A language that has an SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Rust,
    Js,
    Python,
}

impl Language {
    pub const ALL: [Self; 3] = [Self::Rust, Self::Js, Self::Python];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Js => "js",
            Self::Python => "python",
        }
    }

    /// The file by which its tools know a project.
    fn marker(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::Js => "package.json",
            Self::Python => "requirements.txt",
        }
    }

    /// The file in which the SDK has its name.
    fn sdk_marker(self) -> &'static str {
        match self {
            Self::Python => "pyproject.toml",
            _ => self.marker(),
        }
    }

    /// The file in which the SDK says, as `CONTRACT`, which contract it speaks.
    fn sdk_contract(self) -> &'static str {
        match self {
            Self::Rust => "src/lib.rs",
            Self::Js => "src/contract.js",
            Self::Python => "ferry_sdk/contract.py",
        }
    }
}

impl FromStr for Language {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|language| language.as_str() == text);
        found.ok_or_else(|| format!("there is no SDK for `{text}`: use {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    #[error("`{}` is there already and is not empty", folder.display())]
    NotEmpty { folder: PathBuf },
    #[error("the SDK for {} is not in this folder nor above it", language.as_str())]
    NoSdk { language: Language },
    #[error("`{}` is not the SDK for {}", folder.display(), language.as_str())]
    NotSdk { folder: PathBuf, language: Language },
    #[error("the SDK in `{}` speaks contract {found}, and this host speaks {CONTRACT}", folder.display())]
    OtherContract { folder: PathBuf, found: Version },
    #[error("`{}` does not say which contract the SDK speaks", file.display())]
    NoContract { file: PathBuf },
    #[error("`{name}` is no name for a project in Rust: it begins with a digit")]
    Name { name: String },
    #[error("`{}` is no plugin's project: it has no `plugin.toml`", folder.display())]
    NoManifest { folder: PathBuf },
    #[error("`{}` has none of {}", folder.display(), Language::ALL.map(Language::marker).join(", "))]
    NoLanguage { folder: PathBuf },
    #[error("`{}` has more than {} files", folder.display(), watch::MOST_FILES)]
    TooLarge { folder: PathBuf },
    #[error("`{program}` could not be started")]
    Program { program: &'static str, source: io::Error },
    #[error("`{command}` failed")]
    Build { command: String },
    #[error("`{command}` made no component")]
    NoComponent { command: String },
    #[error("`{}` can't be {doing}", path.display())]
    File { path: PathBuf, doing: &'static str, source: io::Error },
}

impl ProjectError {
    fn file(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { path: path.to_owned(), doing, source }
    }

    pub(super) fn advice(&self) -> Advice {
        let remedy = match self {
            Self::NotEmpty { .. } => "name a new folder with --dir, or empty that one",
            Self::NoSdk { .. } | Self::NotSdk { .. } => {
                "name it with --sdk DIR: sdk/rust, sdk/js or sdk/python in a checkout of Ferry"
            }
            Self::OtherContract { .. } | Self::NoContract { .. } => {
                "name the SDK of this version of ferry with --sdk DIR, or use the ferry of that SDK"
            }
            Self::Name { .. } => "choose a name that begins with a letter",
            Self::NoManifest { .. } | Self::NoLanguage { .. } => {
                "name the folder of a project, as `ferry plugin new` makes it"
            }
            Self::TooLarge { .. } => "name the folder of the plugin alone",
            Self::Program { program: "cargo", .. } => "install Rust: see https://rustup.rs",
            Self::Program { program: "npm", .. } => "install Node.js 20 or later, with npm",
            Self::Program { .. } => "make the project's `venv`, as its README says",
            Self::Build { .. } => "mend what is told above",
            Self::NoComponent { .. } => "see the project's README for what it needs",
            Self::File { .. } => {
                return advice::disk("file", "check the path, its permissions and the disk");
            }
        };
        let code = match self {
            Self::Build { .. } | Self::NoComponent { .. } => {
                return Advice::new("plugin-build", Whose::Plugin, Class::Plugin, remedy);
            }
            Self::Program { .. } => "tool-missing",
            _ => "project",
        };
        advice::configuration(code, remedy)
    }
}
