//! Builds every plugin of the project as a component and packs it with the host's own command.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::cargo::{self, Profile};

struct Plugin {
    folder: &'static str,
    package: &'static str,
    target: &'static str,
}

const CONNECTOR: &str = "wasm32-wasip2";

/// A mapper imports nothing, and the standard library for WASI always imports something.
const MAPPER: &str = "wasm32-unknown-unknown";

const PLUGINS: [Plugin; 9] = [
    Plugin { folder: "connectors/hubspot", package: "ferry-hubspot", target: CONNECTOR },
    Plugin { folder: "connectors/salesforce", package: "ferry-salesforce", target: CONNECTOR },
    Plugin { folder: "connectors/pipedrive", package: "ferry-pipedrive", target: CONNECTOR },
    Plugin { folder: "connectors/tryton", package: "ferry-tryton", target: CONNECTOR },
    Plugin { folder: "connectors/odoo", package: "ferry-odoo", target: CONNECTOR },
    Plugin { folder: "connectors/field-mapper", package: "ferry-field-mapper", target: MAPPER },
    Plugin { folder: "connectors/script-mapper", package: "ferry-script-mapper", target: MAPPER },
    Plugin { folder: "tests/guests/hostile", package: "ferry-hostile", target: CONNECTOR },
    Plugin { folder: "tests/guests/careless-mapper", package: "ferry-careless-mapper", target: MAPPER },
];

/// Builds the host and all plugins; gives the folder with the packed files, `<id>.wasm` each.
pub(crate) fn build(profile: Profile) -> Result<PathBuf> {
    add_targets()?;
    cargo::build(profile, &[])?;
    let out = cargo::target().join("components");
    std::fs::create_dir_all(&out).with_context(|| format!("`{}` can't be made", out.display()))?;
    for plugin in &PLUGINS {
        plugin.build()?;
        plugin.pack(profile, &out)?;
    }
    Ok(out)
}

/// Plugins that are workspaces of their own, so that what they depend on is apart from what the host does.
const APART: [&str; 1] = ["connectors/script-mapper"];

/// Checks and tests the plugins that the workspace does not hold.
pub(crate) fn test_apart(filter: Option<&str>) -> Result<()> {
    for folder in APART {
        let folder = cargo::root().join(folder);
        let here = |verb: &'static str| {
            let mut command = cargo::cargo();
            command.current_dir(&folder).arg(verb).arg("--target-dir").arg(cargo::target());
            command
        };
        cargo::run(cargo::cargo().current_dir(&folder).args(["fmt", "--check"]))?;
        cargo::run(here("clippy").args(["--all-targets", "--", "-D", "warnings"]))?;
        cargo::run(here("test").args(filter))?;
    }
    Ok(())
}

impl Plugin {
    fn build(&self) -> Result<()> {
        let mut command = cargo::cargo();
        // In its folder, where one with a workspace of its own has its lock file and flags; what is built lies together.
        command.current_dir(cargo::root().join(self.folder)).args(["rustc", "--lib", "--crate-type", "cdylib"]);
        command.arg("--target-dir").arg(cargo::target());
        cargo::run(command.args(["--target", self.target, "--profile", "component"]))
    }

    fn pack(&self, profile: Profile, out: &std::path::Path) -> Result<()> {
        let built = format!("{}.wasm", self.package.replace('-', "_"));
        let built = cargo::target().join(self.target).join("component").join(built);
        let folder = cargo::root().join(self.folder);
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let packed = out.join(format!("{name}.wasm"));
        let mut command = Command::new(cargo::binary(profile, "ferry"));
        command.args(["plugin", "pack"]).arg(built).arg("--manifest").arg(folder.join("plugin.toml"));
        cargo::run(command.arg("--out").arg(packed).stdout(Stdio::null()))
    }
}

/// Adds the targets that are missing, or says what to do.
fn add_targets() -> Result<()> {
    let mut installed = String::new();
    if let Ok(output) = Command::new("rustup").args(["target", "list", "--installed"]).output() {
        installed = String::from_utf8_lossy(&output.stdout).into_owned();
    }
    for target in [CONNECTOR, MAPPER] {
        if installed.lines().any(|line| line == target) || has_standard_library(target) {
            continue;
        }
        let added = Command::new("rustup").args(["target", "add", target]).status();
        if !added.is_ok_and(|status| status.success()) {
            bail!(
                "Rust can't build for {target} here, and plugins are built for it. With rustup, `rustup target add {target}` \
                 adds it (this was just tried and failed, so check the network); without rustup, install the package of your \
                 system that holds Rust's standard library for {target}."
            );
        }
    }
    Ok(())
}

/// For toolchains that rustup does not look after.
fn has_standard_library(target: &str) -> bool {
    let rustc = Command::new("rustc").args(["--print", "target-libdir", "--target", target]).output();
    rustc.is_ok_and(|output| {
        let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success() && std::fs::read_dir(folder).is_ok_and(|mut files| files.any(|file| file.is_ok()))
    })
}
