//! `ferry connection sign-in`, and what it shares with `add`: from options, files and a browser to a credential.

use std::path::PathBuf;

use clap::ValueEnum as _;
use ferry::app::Tenant;
use ferry::app::error::AppError;
use ferry::app::sign_in::{SignInRequest, ways};
use ferry::model::id::{ConnectionId, PluginId};
use ferry::vault::{Application, Credential, JwtKey, Keys, OAuth2Keys, Secret, SessionKeys, TokenSource};
use url::Url;

use crate::cli::context::Context;
use crate::cli::failure::CliError;
use crate::cli::output::Output;
use crate::cli::redirect::{PATIENCE, Redirect};
use crate::cli::secrets::{self, Tokens};

/// Sign in again, in place of a sign-in that the CRM no longer accepts
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The connection
    connection: ConnectionId,

    #[command(flatten)]
    options: SignInOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Way {
    Oauth2,
    ClientCredentials,
    JwtBearer,
    Bearer,
    Header,
    Basic,
    Session,
    None,
}

impl Way {
    /// As a plugin offers it.
    fn name(self) -> &'static str {
        match self {
            Self::Oauth2 => "oauth2",
            Self::ClientCredentials => "client-credentials",
            Self::JwtBearer => "jwt-bearer",
            Self::Bearer => "bearer",
            Self::Header => "header",
            Self::Basic => "basic",
            Self::Session => "session",
            Self::None => "none",
        }
    }
}

/// Secrets come from files, from stdin or from the environment: on a command line every process could read them.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Sign-in")]
pub(crate) struct SignInOptions {
    /// How to sign in, where the plugin offers several ways
    #[arg(long, value_enum, value_name = "WAY")]
    sign_in: Option<Way>,

    /// The OAuth 2 application's id (else FERRY_CLIENT_ID)
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,

    /// Holds the OAuth 2 application's secret (else FERRY_CLIENT_SECRET); `-` is stdin
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,

    /// Holds the key, password or OAuth 2 refresh token (else FERRY_TOKEN); `-` is stdin
    ///
    /// For OAuth 2 it may also be JSON with `access_token`, `refresh_token` or both; then no browser is needed.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// The user name of a sign-in with a password, or the user that a JWT signs in for
    #[arg(long, value_name = "NAME")]
    user: Option<String>,

    /// Holds the application's private key (else FERRY_JWT_KEY), RSA in PEM, with which a JWT is signed; `-` is stdin
    #[arg(long, value_name = "FILE")]
    jwt_key_file: Option<PathBuf>,

    /// Whom a JWT is for, instead of the plugin's own, as for a sandbox of the CRM
    #[arg(long, value_name = "AUDIENCE")]
    audience: Option<String>,

    /// Holds what the CRM signs webhooks with, if not the client secret (else FERRY_SIGNING_SECRET); `-` is stdin
    #[arg(long, value_name = "FILE")]
    signing_secret_file: Option<PathBuf>,

    /// The port on this machine to which the CRM sends the browser back; 0 for any
    ///
    /// The CRM's application must know `http://localhost:PORT/callback` as a redirect address.
    #[arg(long, default_value_t = 8371, value_name = "PORT")]
    redirect_port: u16,

    /// Sign in at this address instead of the plugin's own, as for a sandbox of the CRM
    #[arg(long, value_name = "URL")]
    authorize_url: Option<Url>,

    /// Ask for OAuth 2 tokens at this address instead of the plugin's own; the grant must cover it
    #[arg(long, value_name = "URL")]
    token_url: Option<Url>,

    /// Do not open a browser: only print the address
    #[arg(long)]
    no_browser: bool,
}

/// What is signed in to.
pub(super) struct Account<'a> {
    pub(super) connection: &'a ConnectionId,
    pub(super) plugin: &'a PluginId,
    pub(super) base: Option<&'a Url>,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<(), CliError> {
    let tenant = context.tenant()?;
    let connection = context.block_on(async {
        let old = tenant.connection(&args.connection)?;
        let account = Account { connection: &old.id, plugin: &old.plugin, base: old.base.as_ref() };
        let credential = args.options.credential(&tenant, &account, &context.output).await?;
        Ok(tenant.sign_in_again(&args.connection, credential).await?)
    })?;
    super::answer(&connection, &tenant, context)
}

impl SignInOptions {
    /// Everything secret about the connection; may take a person and a browser.
    pub(super) async fn credential(
        &self,
        tenant: &Tenant,
        account: &Account<'_>,
        output: &Output,
    ) -> Result<Credential, CliError> {
        let token = secrets::read(self.token_file.as_deref(), "FERRY_TOKEN", output)?;
        let signing_secret = secrets::read(self.signing_secret_file.as_deref(), "FERRY_SIGNING_SECRET", output)?;
        let manifest = tenant.plugin(account.plugin)?.manifest;
        let lacks = |by, lacks, remedy| CliError::App(AppError::SignInIncomplete { by, lacks, remedy });
        let key = "put it into a file for --token-file, or into FERRY_TOKEN";
        let client_id = self.client_id(output)?;
        let knows_client = client_id.is_some();
        let mut keys = match self.way(account.plugin, &ways(&manifest.sign_in), token.as_ref(), knows_client)? {
            Way::None => Keys::None,
            Way::Oauth2 => Keys::OAuth2(self.oauth2(tenant, account, client_id, token, output).await?),
            Way::ClientCredentials => Keys::OAuth2(self.client_credentials(client_id, output)?),
            Way::JwtBearer => Keys::OAuth2(self.jwt_bearer(client_id, output)?),
            Way::Bearer => Keys::Bearer(token.ok_or_else(|| lacks("bearer", "a key", key))?),
            Way::Header => Keys::Header {
                name: manifest.sign_in.header.map(|header| header.name).unwrap_or_default(),
                value: token.ok_or_else(|| lacks("header", "a key", key))?,
            },
            Way::Basic => Keys::Basic {
                user: self.user.clone().ok_or_else(|| lacks("basic", "a user name", "give it with --user"))?,
                password: token.ok_or_else(|| lacks("basic", "a password", key))?,
            },
            Way::Session => Keys::Session(SessionKeys {
                user: self.user.clone().ok_or_else(|| lacks("session", "a user name", "give it with --user"))?,
                password: token.ok_or_else(|| lacks("session", "a password", key))?,
                open: None,
            }),
        };
        if let (Keys::OAuth2(keys), Some(address)) = (&mut keys, &self.token_url) {
            keys.token_url = Some(address.to_string());
        }
        Ok(Credential { keys, signing_secret })
    }

    fn client_id(&self, output: &Output) -> Result<Option<String>, CliError> {
        match &self.client_id {
            Some(id) => Ok(Some(id.clone())),
            None => Ok(output.console.variable("FERRY_CLIENT_ID").map_err(CliError::Output)?.map(|id| id.to_string())),
        }
    }

    /// The way that was asked for, or the only one there is, or the one that the given options belong to.
    fn way(
        &self,
        plugin: &PluginId,
        offers: &[&'static str],
        token: Option<&Secret>,
        knows_client: bool,
    ) -> Result<Way, CliError> {
        if let Some(way) = self.sign_in {
            // Before anything is asked for that belongs to a way which does not lead there.
            if way != Way::None && !offers.is_empty() && !offers.contains(&way.name()) {
                let (plugin, offers) = (plugin.clone(), offers.to_vec());
                return Err(AppError::SignInNotOffered { plugin, given: way.name(), offers }.into());
            }
            return Ok(way);
        }
        let guess = match offers {
            [] => Some("none"),
            [only] => Some(*only),
            _ if self.jwt_key_file.is_some() && offers.contains(&"jwt-bearer") => Some("jwt-bearer"),
            _ if knows_client || token.is_some_and(Tokens::looks_like) => Some("oauth2"),
            _ if self.user.is_some() => offers.iter().copied().find(|way| matches!(*way, "basic" | "session")),
            _ => None,
        };
        let way = guess.and_then(|name| Way::value_variants().iter().copied().find(|way| way.name() == name));
        way.ok_or_else(|| AppError::SignInMissing { plugin: plugin.clone(), offers: offers.to_vec() }.into())
    }

    async fn oauth2(
        &self,
        tenant: &Tenant,
        account: &Account<'_>,
        client_id: Option<String>,
        token: Option<Secret>,
        output: &Output,
    ) -> Result<OAuth2Keys, CliError> {
        let tokens = token.as_ref().map(Tokens::parse).transpose()?.unwrap_or_default();
        let client_id = needed("oauth2", client_id.or(tokens.client_id.clone()))?;
        let client_secret = secrets::read(self.client_secret_file.as_deref(), "FERRY_CLIENT_SECRET", output)?;
        let client_secret = client_secret.or(tokens.client_secret.clone().map(Secret::new));
        if tokens.access.is_none() && tokens.refresh.is_none() {
            return self.by_browser(tenant, account, client_id, client_secret, output).await;
        }
        let instance = tenant.instance(account.plugin, account.base, |field| tokens.text(field))?;
        let source = TokenSource::Person { refresh: tokens.refresh.map(Secret::new) };
        let unsigned = OAuth2Keys::unsigned(client_id, client_secret, source);
        Ok(match tokens.access {
            Some(access) => OAuth2Keys { access: Secret::new(access), expires_at: None, instance, ..unsigned },
            None => OAuth2Keys { instance, ..unsigned },
        })
    }

    fn client_credentials(&self, client_id: Option<String>, output: &Output) -> Result<OAuth2Keys, CliError> {
        let by = "client-credentials";
        let secret = secrets::read(self.client_secret_file.as_deref(), "FERRY_CLIENT_SECRET", output)?;
        let secret = secret.ok_or(AppError::SignInIncomplete {
            by,
            lacks: "the application's secret",
            remedy: "put it into a file for --client-secret-file, or into FERRY_CLIENT_SECRET",
        })?;
        Ok(OAuth2Keys::unsigned(needed(by, client_id)?, Some(secret), TokenSource::ClientCredentials))
    }

    fn jwt_bearer(&self, client_id: Option<String>, output: &Output) -> Result<OAuth2Keys, CliError> {
        let by = "jwt-bearer";
        let pem = secrets::read(self.jwt_key_file.as_deref(), "FERRY_JWT_KEY", output)?;
        let pem = pem.ok_or(AppError::SignInIncomplete {
            by,
            lacks: "the application's private key",
            remedy: "name its file with --jwt-key-file, or put it into FERRY_JWT_KEY",
        })?;
        let subject = self.user.clone().ok_or(AppError::SignInIncomplete {
            by,
            lacks: "the user to sign in for",
            remedy: "give the user name with --user",
        })?;
        let key = JwtKey { pem, subject, audience: self.audience.clone() };
        Ok(OAuth2Keys::unsigned(needed(by, client_id)?, None, TokenSource::JwtBearer(key)))
    }

    async fn by_browser(
        &self,
        tenant: &Tenant,
        account: &Account<'_>,
        client_id: String,
        client_secret: Option<Secret>,
        output: &Output,
    ) -> Result<OAuth2Keys, CliError> {
        let redirect = Redirect::listen(self.redirect_port).await?;
        let token_url = self.token_url.as_ref().map(Url::to_string);
        let application = Application { client_id, client_secret, redirect: redirect.address()?, token_url };
        let begun = tenant.begin_sign_in(SignInRequest {
            connection: account.connection,
            plugin: account.plugin,
            base: account.base,
            application,
            authorize: self.authorize_url.clone(),
        })?;
        output.tell(&format!("open this address to sign in: {}", begun.address));
        if !self.no_browser {
            output.console.open_browser(&begun.address);
        }
        let brought = tokio::select! {
            brought = redirect.wait(&begun.state, PATIENCE) => brought?,
            () = output.console.gone() => return Err(CliError::Stopped),
        };
        Ok(tenant.finish_sign_in(begun, brought.code, &brought.state).await?)
    }
}

/// The application's id, without which no way of OAuth 2 begins.
fn needed(by: &'static str, client_id: Option<String>) -> Result<String, AppError> {
    let lacks = "the id of an application that is registered with the CRM";
    client_id.ok_or(AppError::SignInIncomplete { by, lacks, remedy: "give it with --client-id" })
}
