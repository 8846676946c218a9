//! `ferry connection add`

use std::path::PathBuf;

use ferry::app::connections::NewConnection;
use ferry::model::id::{ConnectionId, PluginId};
use serde_json::{Map, Value};
use url::Url;

use super::sign_in::{Account, SignInOptions};
use crate::cli::context::Context;
use crate::cli::failure::CliError;
use crate::cli::output::Output;

/// Connect a CRM account: settings, sign-in, check
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to call it
    name: ConnectionId,

    /// The connector to use
    #[arg(long)]
    plugin: PluginId,

    /// Where the CRM is, if not at the plugin's own address; the grant must cover it
    #[arg(long, value_name = "URL")]
    base_url: Option<Url>,

    /// A JSON file with the plugin's settings
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,

    /// One setting; the value is JSON, or else text
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    set: Vec<(String, Value)>,

    #[command(flatten)]
    options: SignInOptions,
}

fn setting(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok((name.to_owned(), value))
}

pub(crate) fn run(args: Args, context: &Context) -> Result<(), CliError> {
    let settings = settings(&args, &context.output)?;
    let tenant = context.tenant()?;
    // Before a person is sent to a browser.
    tenant.check_new_connection(&args.name)?;
    let Args { name, plugin, base_url, options, .. } = args;
    let connection = context.block_on(async {
        let account = Account { connection: &name, plugin: &plugin, base: base_url.as_ref() };
        let credential = options.credential(&tenant, &account, &context.output).await?;
        let new = NewConnection { id: name.clone(), plugin: plugin.clone(), base: base_url, settings, credential };
        Ok(tenant.add_connection(new).await?)
    })?;
    super::answer(&connection, &tenant, context)
}

fn settings(args: &Args, output: &Output) -> Result<Value, CliError> {
    let mut settings = match &args.settings {
        Some(path) => {
            serde_json::from_slice(&output.bytes_of(path)?).map_err(ferry::app::error::AppError::SettingsText)?
        }
        None => Value::Object(Map::new()),
    };
    for (name, value) in &args.set {
        let object = settings.as_object_mut().ok_or_else(|| {
            CliError::content("the settings file is not a JSON object", "write it as in {\"name\": \"value\"}")
        })?;
        object.insert(name.clone(), value.clone());
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_setting_is_json_or_else_text() {
        for (text, value) in [
            ("a=1", json!(1)),
            ("a=true", json!(true)),
            ("a=eu", json!("eu")),
            ("a=\"1\"", json!("1")),
            ("a=x=y", json!("x=y")),
            ("a=", json!("")),
        ] {
            assert_eq!(setting(text), Ok(("a".to_owned(), value)), "{text}");
        }
        assert!(setting("a").is_err());
    }
}
