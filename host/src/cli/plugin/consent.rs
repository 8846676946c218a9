//! What an admin may say of a plugin's file, what they are shown, and what they agree to: the same for every command that
//! puts a version in place.

use std::path::{Path, PathBuf};

use ferry::app::Tenant;
use ferry::app::error::AppError;
use ferry::app::plugins::lock::LockFile;
use ferry::app::plugins::source::{self, Source};
use ferry::app::plugins::{self, Publisher, Review, Terms, is_loopback};
use ferry::model::grant::{Digest, Reach};
use ferry::model::id::PluginId;
use ferry::model::manifest::Manifest;
use ferry::model::sync::InstalledPlugin;
use ferry::plugin::package::Package;

use super::registry;
use crate::cli::context::Context;
use crate::cli::failure::CliError;
use crate::cli::output::Output;

#[derive(Debug, clap::Args)]
pub(super) struct Choice {
    /// Grant what it asks for without asking
    #[arg(long, short)]
    pub(super) yes: bool,

    /// For development: let it reach this origin on this machine, as in http://127.0.0.1:8080
    #[arg(long, value_name = "ORIGIN")]
    allow_loopback: Vec<String>,

    /// Let it also reach this origin, as where your own server of the CRM is: https://crm.example.com
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,

    /// As --allow-origin, for a server whose address is in your own network: https://crm.intern
    #[arg(long, value_name = "ORIGIN")]
    allow_private: Vec<String>,

    /// Take an older version than the installed one, or other bytes under its version
    #[arg(long)]
    allow_downgrade: bool,

    /// Take it only if it is what this lock file holds
    #[arg(long, value_name = "FILE")]
    locked: Option<PathBuf>,

    /// From now on take this plugin only from whoever signed this file
    #[arg(long)]
    trust: bool,

    /// Take it only if its SHA-256 digest is this one
    #[arg(long, value_name = "SHA256")]
    digest: Option<String>,

    /// Holds the user name and password for the registry, as `docker login` and the like write it [env: REGISTRY_AUTH_FILE]
    /// [default: Docker's, then Podman's, where there is one]
    #[arg(long, value_name = "FILE")]
    registry_auth: Option<PathBuf>,

    /// The server that it is fetched from is in your own network
    #[arg(long)]
    from_private: bool,

    /// For development: the server that it is fetched from is on this machine, also without TLS
    #[arg(long, conflicts_with = "from_private")]
    from_loopback: bool,
}

/// A file that was read and may be put in place, once a person agrees.
pub(super) struct Reviewed {
    pub(super) package: Package,
    pub(super) terms: Terms,
    pub(super) review: Review,
    /// The digest of the artifact that it came as.
    pub(super) artifact: Option<Digest>,
}

impl Choice {
    /// Reads or fetches what is at `place`, and looks what it would change.
    pub(super) fn review(&self, place: &str, tenant: &Tenant, context: &Context) -> Result<Reviewed, CliError> {
        let output = &context.output;
        let loopback = self.allow_loopback.iter().map(|text| plugins::loopback_origin(text));
        let open = self.allow_origin.iter().map(|text| plugins::open_origin(text));
        let named = loopback.chain(open).collect::<Result<Vec<_>, _>>()?;
        let private =
            self.allow_private.iter().map(|text| plugins::open_origin(text)).collect::<Result<Vec<_>, _>>()?;
        let lock = self.locked.as_deref().map(|path| Ok::<_, CliError>(LockFile::parse(&output.text_of(path)?)?));
        let terms =
            Terms { named, private, any_version: self.allow_downgrade, lock: lock.transpose()?, trust: self.trust };
        let (bytes, artifact) = self.bytes(place, tenant, context)?;
        let package = plugins::unpack(bytes)?;
        if let Some(wanted) = &self.digest {
            source::held(place, &package.digest, wanted)?;
        }
        if self.trust && package.signed.is_none() {
            let id = &package.manifest.plugin.id;
            let what = format!("the package of `{id}` is not signed, so there is nobody to trust");
            return Err(CliError::content(what, "leave --trust away, or get a signed file"));
        }
        let review = tenant.review(&package, &terms)?;
        Ok(Reviewed { package, terms, review, artifact })
    }

    fn bytes(&self, place: &str, tenant: &Tenant, context: &Context) -> Result<(Vec<u8>, Option<Digest>), CliError> {
        if !source::is_remote(place) {
            return Ok((context.output.bytes_of(Path::new(place))?, None));
        }
        let source: Source = place.parse().map_err(AppError::from)?;
        let reach = match (self.from_private, self.from_loopback) {
            (true, _) => Reach::Private,
            (_, true) => Reach::Loopback,
            _ => Reach::Open,
        };
        let account = registry::account(self.registry_auth.as_deref(), &source, &context.output)?;
        let fetched = context.block_on(async { Ok(tenant.fetch(&source, reach, account).await?) })?;
        if let Some(artifact) = &fetched.artifact {
            context.output.note(&format!("{source} is the artifact sha256:{artifact}"));
        }
        Ok((fetched.bytes, fetched.artifact))
    }

    /// Trusts who signed it, if that was asked for.
    pub(super) fn believe(&self, plugin: &InstalledPlugin, tenant: &Tenant) -> Result<(), CliError> {
        if let (true, Some(key)) = (self.trust, plugin.publisher) {
            tenant.trust(plugin.manifest.plugin.id.clone(), key, plugin.manifest.plugin.publisher.clone())?;
        }
        Ok(())
    }
}

impl Reviewed {
    /// Shows what it is and what it asks.
    pub(super) fn show(&self, output: &Output) {
        asks(&self.package.manifest, &self.review, &self.terms).iter().for_each(|line| output.note(line));
    }

    /// Shows what it asks; an error where nobody agrees.
    pub(super) fn consent(&self, yes: bool, output: &Output) -> Result<(), CliError> {
        self.show(output);
        let asks_nothing = self.review.asks_nothing() && self.terms.named.is_empty() && self.terms.private.is_empty();
        if asks_nothing { Ok(()) } else { agree(yes, &self.package.manifest.plugin.id, output) }
    }
}

/// An error where nobody agrees to what was shown.
pub(super) fn agree(yes: bool, plugin: &PluginId, output: &Output) -> Result<(), CliError> {
    if yes {
        return Ok(());
    }
    if !output.interactive() {
        let what = format!("plugin `{plugin}` asks for a grant, and nobody can be asked");
        return Err(CliError::content(what, "read what it asks for (`ferry plugin inspect FILE`), then add --yes"));
    }
    if output.ask("Grant this?")? {
        return Ok(());
    }
    Err(CliError::content("the grant was refused, so nothing was installed", "install a plugin that asks for less"))
}

/// What the plugin is and what it asks for, in lines for the person who grants it.
fn asks(manifest: &Manifest, review: &Review, terms: &Terms) -> Vec<String> {
    let identity = &manifest.plugin;
    let mut lines =
        vec![format!("{} {} by {}: {}", identity.id, identity.version, identity.publisher, identity.description)];
    lines.push(match &review.publisher {
        Publisher::Trusted(publisher) => format!("  is signed by {}, whom you trust for it", publisher.name),
        Publisher::Unknown(key) => format!("  is signed by {key}; --trust takes it from nobody else from now on"),
        Publisher::Unsigned => "  is not signed: who made it can't be known".to_owned(),
    });
    let because = |origin: &str| manifest.reasons.get(origin).map(|it| format!(": {it}")).unwrap_or_default();
    let mut ask = |text: String| lines.push(format!("  asks to {text}"));
    for host in manifest.network.iter().flat_map(|network| &network.hosts) {
        let new = if review.installed.is_some() && review.new_hosts.contains(host) { " (new)" } else { "" };
        let origin = host.origin().ascii_serialization();
        ask(format!("reach {origin}{new}{}", because(&origin)));
    }
    for family in manifest.network.iter().flat_map(|network| &network.accounts) {
        let new = if review.installed.is_some() && review.new_accounts.contains(family) { " (new)" } else { "" };
        ask(format!(
            "reach the one address of {family} that a connection's account has{new}{}",
            because(&family.to_string())
        ));
    }
    for origin in &terms.named {
        let place = if is_loopback(origin) { " on this machine" } else { "" };
        ask(format!("reach {}{place} (you named it)", origin.origin().ascii_serialization()));
    }
    for origin in &terms.private {
        ask(format!(
            "reach {} at an address of your own network (you named it)",
            origin.origin().ascii_serialization()
        ));
    }
    for origin in &review.kept {
        ask(format!("go on reaching {} (you named it before)", origin.origin().ascii_serialization()));
    }
    let limits = &manifest.limits;
    ask(format!(
        "use up to {} MiB of memory and {} s per call{}",
        limits.memory_mib,
        limits.call_seconds,
        if review.installed.is_some() && review.more_limits { " (more than before)" } else { "" }
    ));
    let told = review.changes.iter().map(|change| {
        let more = if change.asks_more { "it asks more: " } else { "" };
        format!("  is different: {more}{}", change.what)
    });
    lines.extend(told);
    for connection in &review.left_behind {
        lines.push(format!(
            "  does not take the settings of connection `{connection}`, which stays with the version before"
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use ferry::app::plugins::difference::{Area, Change};

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
            changes: vec![Change { area: Area::Rights, what: "sign in by basic".into(), asks_more: true }],
            left_behind: vec!["hub".parse().unwrap()],
            kept: vec!["https://crm.example".parse().unwrap()],
        };
        assert_eq!(
            asks(
                &manifest,
                &review,
                &Terms {
                    named: vec!["http://127.0.0.1:9".parse().unwrap()],
                    private: vec!["https://crm.intern".parse().unwrap()],
                    ..Terms::default()
                }
            ),
            [
                "demo 2.0.0 by Acme: a demo",
                "  is not signed: who made it can't be known",
                "  asks to reach https://a.example",
                "  asks to reach https://b.example (new)",
                "  asks to reach the one address of https://*.c.example that a connection's account has",
                "  asks to reach http://127.0.0.1:9 on this machine (you named it)",
                "  asks to reach https://crm.intern at an address of your own network (you named it)",
                "  asks to go on reaching https://crm.example (you named it before)",
                "  asks to use up to 64 MiB of memory and 60 s per call (more than before)",
                "  is different: it asks more: sign in by basic",
                "  does not take the settings of connection `hub`, which stays with the version before",
            ]
        );
    }
}
