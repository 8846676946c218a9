//! `ferry plugin new`

use std::path::PathBuf;

use ferry::app::error::AppError;
use ferry::app::project::{Language, NewProject, scaffold};
use ferry::model::id::PluginId;
use ferry::model::manifest::PluginKind;
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// Make a project for a plugin; it builds, packs and passes its tests as it is
///
/// The SDKs are not published yet: the project takes its own from a checkout of Ferry, found in the current directory and
/// above it, or named with --sdk. The README in the project says what to change once they are.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The plugin's id
    name: PluginId,

    /// What it is: connector or mapper
    #[arg(long, value_parser = kind)]
    kind: PluginKind,

    /// The language: rust, js or python
    #[arg(long, value_name = "LANGUAGE")]
    lang: Language,

    /// Where it goes; must be empty or not there [default: a folder of that name]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// The SDK's folder, as sdk/rust in a checkout of Ferry
    #[arg(long, value_name = "DIR")]
    sdk: Option<PathBuf>,
}

fn kind(text: &str) -> Result<PluginKind, String> {
    match text {
        "connector" => Ok(PluginKind::Connector),
        "mapper" => Ok(PluginKind::Mapper),
        _ => Err(format!("`{text}` is no kind of plugin: use connector or mapper")),
    }
}

pub(crate) fn run(args: Args, context: &Context) -> Result<(), CliError> {
    let Args { name, kind, lang: language, dir, sdk } = args;
    let folder = dir.unwrap_or_else(|| PathBuf::from(name.as_str()));
    let new = NewProject { name, kind, language, folder, sdk };
    let files = scaffold(&new).map_err(AppError::from)?;
    if context.output.json {
        return context.output.document(&json!({ "folder": new.folder, "files": files }));
    }
    for file in &files {
        context.output.note(&format!("wrote {}", file.display()));
    }
    context.output.note(&format!("next: see {}", new.folder.join("README.md").display()));
    Ok(())
}
