//! `ferry plugin install`

use serde_json::json;

use super::consent::Choice;
use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;

/// Install a packed plugin, or another version of it
///
/// Shows what the plugin asks for and asks whether to grant it. A grant is for these very bytes: a version that asks for
/// more needs a new one. The version that was installed stays beside it: see `ferry plugin rollback`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The packed plugin: a file, https://…, or oci://REGISTRY/REPOSITORY:TAG (or @sha256:…)
    #[arg(value_name = "FILE or ADDRESS")]
    place: String,

    #[command(flatten)]
    choice: Choice,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let reviewed = args.choice.review(&args.place, &tenant, context)?;
    reviewed.consent(args.choice.yes, &context.output)?;
    let (identity, review) = (reviewed.package.manifest.plugin.clone(), reviewed.review.clone());
    let artifact = reviewed.artifact;
    let placed = context.block_on(async { Ok(tenant.install(reviewed.package, reviewed.terms).await?) })?;
    args.choice.believe(&placed.plugin, &tenant)?;
    context.output.note(&match review.installed {
        _ if review.same => format!("{} {} was installed already", identity.id, identity.version),
        Some(old) => format!("installed {} {} in place of {old}", identity.id, identity.version),
        None => format!("installed {} {}", identity.id, identity.version),
    });
    if context.output.json {
        let mut document = documents::plugin(&placed.plugin);
        document["left_behind"] = json!(placed.left_behind);
        if let Some(artifact) = artifact {
            document["artifact"] = json!(artifact);
        }
        return context.output.document(&document);
    }
    Ok(())
}
