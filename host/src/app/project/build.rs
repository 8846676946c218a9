//! Builds a project with its language's own tools. What they say goes to stderr as they say it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Language, ProjectError};

/// What a build made, ready to be packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The component, or the core module that becomes one.
    pub component: PathBuf,
    pub manifest: PathBuf,
    /// As the manifest names it.
    pub id: String,
}

/// Builds the project in `folder`; takes as long as the tools do.
pub fn build(folder: &Path) -> Result<Built, ProjectError> {
    let manifest = folder.join("plugin.toml");
    let text = fs::read_to_string(&manifest).map_err(|_| ProjectError::NoManifest { folder: folder.to_owned() })?;
    let named = |name: &str| -> Option<String> {
        let table = toml::from_str::<toml::Table>(&text).ok()?;
        Some(table.get("plugin")?.get(name)?.as_str()?.to_owned())
    };
    let id = named("id").unwrap_or_else(|| "plugin".to_owned());
    let component = match language(folder)? {
        Language::Rust => cargo(folder, named("kind").as_deref() == Some("mapper"))?,
        Language::Js => made(folder, "npm", Command::new("npm").args(["run", "--silent", "build"]))?,
        Language::Python => made(folder, "ferry-build", &mut ferry_build(folder))?,
    };
    Ok(Built { component, manifest, id })
}

fn language(folder: &Path) -> Result<Language, ProjectError> {
    let found = Language::ALL.into_iter().find(|language| folder.join(language.marker()).exists());
    found.ok_or_else(|| ProjectError::NoLanguage { folder: folder.to_owned() })
}

fn cargo(folder: &Path, mapper: bool) -> Result<PathBuf, ProjectError> {
    // A mapper imports nothing, and the standard library for WASI always imports something.
    let target = if mapper { "wasm32-unknown-unknown" } else { "wasm32-wasip2" };
    let mut command = Command::new("cargo");
    command.args(["rustc", "--release", "--lib", "--crate-type", "cdylib", "--target", target]);
    command.arg("--message-format=json-render-diagnostics");
    let told = run("cargo", command.current_dir(folder))?;
    let messages = serde_json::Deserializer::from_slice(&told).into_iter::<serde_json::Value>().map_while(Result::ok);
    let files = messages.filter_map(|message| {
        let files = message.get("filenames")?.as_array()?;
        files.iter().filter_map(|file| file.as_str()).find(|file| file.ends_with(".wasm")).map(PathBuf::from)
    });
    files.last().ok_or_else(|| ProjectError::NoComponent { command: "cargo rustc".to_owned() })
}

/// What a project's own environment has, else what is on the path.
fn ferry_build(folder: &Path) -> Command {
    match folder.join("venv/bin/ferry-build").canonicalize() {
        Ok(own) => Command::new(own),
        Err(_) => Command::new("ferry-build"),
    }
}

/// Where the builds of the SDKs put the component.
fn made(folder: &Path, program: &'static str, command: &mut Command) -> Result<PathBuf, ProjectError> {
    run(program, command.current_dir(folder))?;
    let component = folder.join("dist/plugin.wasm");
    let made = component.exists();
    made.then_some(component).ok_or_else(|| ProjectError::NoComponent { command: program.to_owned() })
}

/// Runs a tool; gives what it wrote to stdout.
fn run(program: &'static str, command: &mut Command) -> Result<Vec<u8>, ProjectError> {
    let ended = command.stdin(Stdio::null()).stderr(Stdio::inherit()).stdout(Stdio::piped()).spawn();
    let ended = ended.and_then(std::process::Child::wait_with_output);
    let output = ended.map_err(|source| ProjectError::Program { program, source })?;
    let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
    let words = words.filter(|word| !word.starts_with('-')).take(if program == "npm" { 2 } else { 1 });
    let command = std::iter::once(program.to_owned()).chain(words).collect::<Vec<_>>().join(" ");
    if output.status.success() { Ok(output.stdout) } else { Err(ProjectError::Build { command }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_no_project_is_told_what_it_lacks() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(build(folder.path()), Err(ProjectError::NoManifest { .. })));
        fs::write(folder.path().join("plugin.toml"), "").unwrap();
        assert!(matches!(build(folder.path()), Err(ProjectError::NoLanguage { .. })));
    }
}
