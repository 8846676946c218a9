//! `ferry hook add`

use ferry::app::hooks::NewHook;
use ferry::model::id::{AudienceId, HookId};
use serde_json::json;
use url::Url;

use crate::cli::context::Context;
use crate::cli::failure::CliError;

/// Post events from now on to an address; the secret that signs them is shown now and never again
///
/// Posts follow Standard Webhooks: `webhook-id` is the same at every try, `webhook-timestamp` is the time of this one, and
/// `webhook-signature` is `v1,` and the base64 of HMAC-SHA256 over id, time and body, parted by dots, with the bytes that the
/// secret has in base64 behind `whsec_`. Answer with 2xx within 15 seconds; anything else is tried again, ten times in all.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to call it
    name: HookId,

    /// Where events are posted to, over https
    #[arg(long)]
    url: Url,

    /// Only events of this audience
    #[arg(long, value_name = "NAME")]
    audience: Option<AudienceId>,

    /// The address is on this machine, over http or https; for development
    #[arg(long)]
    allow_loopback: bool,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<(), CliError> {
    let Args { name: id, url, audience, allow_loopback } = args;
    let new = NewHook { id, url, audience, allow_loopback };
    let tenant = context.tenant()?;
    let (hook, secret) = context.block_on(async { Ok(tenant.add_hook(new).await?) })?;
    if context.output.json {
        return context.output.document(&json!({ "name": hook.id, "url": hook.url, "secret": secret.expose() }));
    }
    context.output.note("the receiver checks posts with this secret; it is not shown again");
    context.output.line(secret.expose())
}
