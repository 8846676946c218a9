//! `ferry plugin trust`

use ferry::app::Tenant;
use ferry::app::error::AppError;
use ferry::app::plugins::error::InstallError;
use ferry::model::id::PluginId;
use ferry::model::publisher::{PublisherKey, TrustedPublisher};
use serde_json::{Value as Json, json};

use crate::cli::context::Context;
use crate::cli::failure::CliError;
use crate::cli::table::Table;

/// Say whom this workspace takes a plugin from: while there is one publisher, it takes it from nobody else
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Add(Add),
    List(List),
    SignedOnly(SignedOnly),
    Remove(Remove),
}

/// Trust a publisher for one plugin
#[derive(Debug, clap::Args)]
pub(crate) struct Add {
    /// The plugin's id; it need not be installed yet
    plugin: PluginId,

    /// The publisher's public key, as in ed25519:…
    key: String,

    /// Whose key it is
    #[arg(long, default_value = "unnamed")]
    name: String,
}

/// Show or say whether this workspace takes only plugins that somebody whom it trusts has signed
#[derive(Debug, clap::Args)]
pub(crate) struct SignedOnly {
    /// What is installed stays installed
    #[arg(value_parser = ["on", "off"])]
    want: Option<String>,
}

/// List the publishers that are trusted
#[derive(Debug, clap::Args)]
pub(crate) struct List {}

/// Trust a publisher no longer; what is installed stays installed
#[derive(Debug, clap::Args)]
pub(crate) struct Remove {
    /// The plugin's id
    plugin: PluginId,

    /// The publisher's public key
    key: String,
}

pub(crate) fn run(command: Command, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    match command {
        Command::Add(args) => {
            let publisher = tenant.trust(args.plugin, key(&args.key)?, args.name)?;
            if context.output.json {
                return context.output.document(&document(&publisher));
            }
            let (plugin, name) = (&publisher.plugin, &publisher.name);
            context
                .output
                .note(&format!("`{plugin}` is taken from {name} now, and from nobody who is not trusted for it"));
            Ok(())
        }
        Command::List(_) => list(&tenant.publishers()?, context),
        Command::SignedOnly(args) => signed_only(args.want.as_deref(), &tenant, context),
        Command::Remove(args) => {
            let installed = tenant.distrust(&args.plugin, key(&args.key)?)?;
            if installed {
                context.output.note(&format!(
                    "the installed `{0}` was signed with this key: if the key is in wrong hands, remove the plugin too",
                    args.plugin
                ));
            }
            context.output.removed("trusted publisher", &args.key)
        }
    }
}

fn signed_only(want: Option<&str>, tenant: &Tenant, context: &Context) -> Result<(), CliError> {
    let mut admission = tenant.admission()?;
    if let Some(want) = want {
        admission.signed_only = want == "on";
        for plugin in tenant.set_admission(admission)? {
            context.output.note(&format!("`{plugin}` is installed, and would not be taken any more"));
        }
    }
    let word = if admission.signed_only { "on" } else { "off" };
    context.output.answer(&json!(admission), || Table::sheet(vec![("signed only", word.to_owned())]))
}

fn key(text: &str) -> Result<PublisherKey, CliError> {
    Ok(text.parse::<PublisherKey>().map_err(|error| AppError::from(InstallError::from(error)))?)
}

fn list(publishers: &[TrustedPublisher], context: &Context) -> Result<(), CliError> {
    let documents: Vec<Json> = publishers.iter().map(document).collect();
    context.output.answer(&documents, || {
        let mut table = Table::new(
            &["plugin", "publisher", "key", "since"],
            "nobody is trusted yet: plugins are taken from anybody",
        );
        for publisher in publishers {
            table.row(vec![
                publisher.plugin.to_string(),
                publisher.name.clone(),
                publisher.key.to_string(),
                publisher.since.to_string(),
            ]);
        }
        table
    })
}

fn document(publisher: &TrustedPublisher) -> Json {
    json!({
        "plugin": publisher.plugin, "publisher": publisher.name, "key": publisher.key,
        "since": publisher.since.to_string(),
    })
}
