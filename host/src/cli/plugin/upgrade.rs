//! `ferry plugin upgrade`

use ferry::app::error::AppError;
use ferry::app::plugins::difference::Change;
use ferry::app::plugins::error::InstallError;
use serde_json::json;

use super::consent::Choice;
use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;

/// Put another version in the place of an installed plugin, showing every difference
///
/// One that asks for no more than was granted is installed at once. One that asks for more waits, with --propose, until
/// somebody grants that: `ferry plugin approve`. The version before stays beside it: `ferry plugin rollback`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The packed plugin: a file, https://…, or oci://REGISTRY/REPOSITORY:TAG (or @sha256:…)
    #[arg(value_name = "FILE or ADDRESS")]
    place: String,

    /// Where it asks for more, keep it for `ferry plugin approve` and go on with the installed version
    #[arg(long, conflicts_with = "yes")]
    propose: bool,

    /// Only show what is different
    #[arg(long, conflicts_with_all = ["yes", "propose"])]
    dry_run: bool,

    #[command(flatten)]
    choice: Choice,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let reviewed = args.choice.review(&args.place, &tenant, context)?;
    let identity = reviewed.package.manifest.plugin.clone();
    let Some(old) = reviewed.review.installed.clone() else {
        return Err(AppError::from(InstallError::NotInstalled { plugin: identity.id }).into());
    };
    let changes: Vec<Change> = reviewed.review.changes.clone();
    if args.dry_run {
        // Shown as for consent; nothing is asked, so nothing can be refused.
        reviewed.show(&context.output);
        return told(context, json!({ "from": old, "to": identity.version, "changes": changes }));
    }
    if args.propose && !reviewed.review.asks_nothing() {
        reviewed.show(&context.output);
        let plugin = context.block_on(async { Ok(tenant.propose(reviewed.package, reviewed.terms).await?) })?;
        context.output.note(&format!(
            "{0} {1} waits: `ferry plugin approve {0}` grants it; {old} goes on",
            identity.id, identity.version
        ));
        let mut document = documents::plugin(&plugin);
        (document["state"], document["changes"]) = (json!("proposed"), json!(changes));
        return told(context, document);
    }
    reviewed.consent(args.choice.yes, &context.output)?;
    let placed = context.block_on(async { Ok(tenant.install(reviewed.package, reviewed.terms).await?) })?;
    args.choice.believe(&placed.plugin, &tenant)?;
    context.output.note(&format!("{} {} is in place of {old}", identity.id, identity.version));
    let mut document = documents::plugin(&placed.plugin);
    (document["changes"], document["left_behind"]) = (json!(changes), json!(placed.left_behind));
    told(context, document)
}

fn told(context: &Context, document: serde_json::Value) -> Result<(), CliError> {
    if context.output.json { context.output.document(&document) } else { Ok(()) }
}
