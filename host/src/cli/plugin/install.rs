//! `ferry plugin install`

use std::path::PathBuf;

use ferry::app::plugins::lock::LockFile;
use ferry::app::plugins::{self, Publisher, Review, Terms, is_loopback};
use ferry::model::manifest::Manifest;
use url::Url;

use crate::cli::context::Context;
use crate::cli::documents;
use crate::cli::failure::CliError;
use crate::cli::output::Output;

/// Install a packed plugin, or another version of it
///
/// Shows what the plugin asks for and asks whether to grant it. A grant is for these very bytes: a version that asks for
/// more needs a new one.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The packed plugin
    file: PathBuf,

    /// Grant what it asks for without asking
    #[arg(long, short)]
    yes: bool,

    /// For development: let it reach this origin on this machine, as in http://127.0.0.1:8080
    #[arg(long, value_name = "ORIGIN")]
    allow_loopback: Vec<String>,

    /// Let it also reach this origin, as where your own server of the CRM is: https://crm.example.com
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,

    /// Take an older version than the installed one, or other bytes under its version
    #[arg(long)]
    allow_downgrade: bool,

    /// Take it only if it is what this lock file holds
    #[arg(long, value_name = "FILE")]
    locked: Option<PathBuf>,

    /// From now on take this plugin only from whoever signed this file
    #[arg(long)]
    trust: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), CliError> {
    let loopback = args.allow_loopback.iter().map(|text| plugins::loopback_origin(text));
    let open = args.allow_origin.iter().map(|text| plugins::open_origin(text));
    let named = loopback.chain(open).collect::<Result<Vec<_>, _>>()?;
    let lock = args.locked.as_deref().map(|path| Ok::<_, CliError>(LockFile::parse(&context.output.text_of(path)?)?));
    let terms = Terms { named, any_version: args.allow_downgrade, lock: lock.transpose()? };
    let package = plugins::unpack(context.output.bytes_of(&args.file)?)?;
    let tenant = context.tenant()?;
    let review = tenant.review(&package, &terms)?;
    if args.trust && package.signed.is_none() {
        let what =
            format!("the package of `{}` is not signed, so there is nobody to trust", package.manifest.plugin.id);
        return Err(CliError::content(what, "leave --trust away, or get a signed file"));
    }
    consent(args.yes, &context.output, &package.manifest, &review, &terms.named)?;
    let plugin = context.block_on(async { Ok(tenant.install(package, terms).await?) })?;
    if let (true, Some(key)) = (args.trust, plugin.publisher) {
        tenant.trust(plugin.manifest.plugin.id.clone(), key, plugin.manifest.plugin.publisher.clone())?;
    }
    let identity = &plugin.manifest.plugin;
    context.output.note(&match review.installed {
        _ if review.same => format!("{} {} was installed already", identity.id, identity.version),
        Some(old) => format!("installed {} {} in place of {old}", identity.id, identity.version),
        None => format!("installed {} {}", identity.id, identity.version),
    });
    if context.output.json { context.output.document(&documents::plugin(&plugin)) } else { Ok(()) }
}

fn consent(yes: bool, output: &Output, manifest: &Manifest, review: &Review, named: &[Url]) -> Result<(), CliError> {
    for line in asks(manifest, review, named) {
        output.note(&line);
    }
    if yes || (review.asks_nothing() && named.is_empty()) {
        return Ok(());
    }
    if !output.interactive() {
        let what = format!("plugin `{}` asks for a grant, and nobody can be asked", manifest.plugin.id);
        return Err(CliError::content(what, "read what it asks for (`ferry plugin inspect FILE`), then add --yes"));
    }
    if output.ask("Grant this?")? {
        return Ok(());
    }
    Err(CliError::content("the grant was refused, so nothing was installed", "install a plugin that asks for less"))
}

/// What the plugin is and what it asks for, in lines for the person who grants it.
fn asks(manifest: &Manifest, review: &Review, named: &[Url]) -> Vec<String> {
    let identity = &manifest.plugin;
    let mut lines =
        vec![format!("{} {} by {}: {}", identity.id, identity.version, identity.publisher, identity.description)];
    lines.push(match &review.publisher {
        Publisher::Trusted(publisher) => format!("  is signed by {}, whom you trust for it", publisher.name),
        Publisher::Unknown(key) => format!("  is signed by {key}; --trust takes it from nobody else from now on"),
        Publisher::Unsigned => "  is not signed: who made it can't be known".to_owned(),
    });
    let mut ask = |text: String| lines.push(format!("  asks to {text}"));
    for host in manifest.network.iter().flat_map(|network| &network.hosts) {
        let new = if review.installed.is_some() && review.new_hosts.contains(host) { " (new)" } else { "" };
        ask(format!("reach {}{new}", host.origin().ascii_serialization()));
    }
    for family in manifest.network.iter().flat_map(|network| &network.accounts) {
        let new = if review.installed.is_some() && review.new_accounts.contains(family) { " (new)" } else { "" };
        ask(format!("reach the one address of {family} that a connection's account has{new}"));
    }
    for origin in named {
        let place = if is_loopback(origin) { " on this machine" } else { "" };
        ask(format!("reach {}{place} (you named it)", origin.origin().ascii_serialization()));
    }
    let limits = &manifest.limits;
    ask(format!(
        "use up to {} MiB of memory and {} s per call{}",
        limits.memory_mib,
        limits.call_seconds,
        if review.installed.is_some() && review.more_limits { " (more than before)" } else { "" }
    ));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_upgrade_marks_what_is_new() {
        let manifest: Manifest = serde_json::from_value(json!({
            "plugin": { "id": "demo", "name": "Demo", "version": "2.0.0", "kind": "connector", "contract": "0.1.0",
                "publisher": "Acme", "description": "a demo", "license": "MIT" },
            "network": {
                "base": "https://a.example", "hosts": ["https://a.example", "https://b.example"],
                "accounts": ["https://*.c.example"],
            }
        }))
        .unwrap();
        let review = Review {
            publisher: Publisher::Unsigned,
            installed: Some(semver::Version::new(1, 0, 0)),
            same: false,
            new_hosts: vec!["https://b.example".parse().unwrap()],
            new_accounts: Vec::new(),
            more_limits: true,
        };
        assert_eq!(
            asks(&manifest, &review, &["http://127.0.0.1:9".parse().unwrap()]),
            [
                "demo 2.0.0 by Acme: a demo",
                "  is not signed: who made it can't be known",
                "  asks to reach https://a.example",
                "  asks to reach https://b.example (new)",
                "  asks to reach the one address of https://*.c.example that a connection's account has",
                "  asks to reach http://127.0.0.1:9 on this machine (you named it)",
                "  asks to use up to 64 MiB of memory and 60 s per call (more than before)",
            ]
        );
    }
}
