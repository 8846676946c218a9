//! Reads secrets from files, stdin and the environment; never from the command line, where every process can see them.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use ferry::vault::Secret;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::failure::CliError;
use super::output::Output;

/// The longest secret: tokens have up to some KiB.
const LONGEST: u64 = 64 * 1024;

/// The secret in `file`, else in the variable; none where neither is given.
pub(super) fn read(file: Option<&Path>, variable: &str, output: &Output) -> Result<Option<Secret>, CliError> {
    let text = match file {
        Some(path) => Some(contents(path, output)?),
        None => output.console.variable(variable).map_err(CliError::Output)?,
    };
    let Some(text) = text else { return Ok(None) };
    let trimmed = text.trim();
    if trimmed.is_empty() {
        let place = file.map_or_else(|| variable.to_owned(), |path| path.display().to_string());
        return Err(CliError::content(format!("the secret in `{place}` is empty"), "put the secret there"));
    }
    Ok(Some(Secret::new(trimmed.to_owned())))
}

pub(super) fn contents(path: &Path, output: &Output) -> Result<Zeroizing<String>, CliError> {
    let mut text = Zeroizing::new(String::new());
    let read = output.open(path)?.take(LONGEST).read_to_string(&mut text);
    read.map_err(|source| CliError::Read { path: path.to_owned(), source })?;
    Ok(text)
}

/// What a token endpoint answers, perhaps with the application's own data.
#[derive(Default, Deserialize)]
pub(super) struct Tokens {
    #[serde(default, rename = "access_token")]
    pub(super) access: Option<String>,
    #[serde(default, rename = "refresh_token")]
    pub(super) refresh: Option<String>,
    #[serde(default)]
    pub(super) client_id: Option<String>,
    #[serde(default)]
    pub(super) client_secret: Option<String>,
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

impl Tokens {
    /// A field that only some CRMs have.
    pub(super) fn text(&self, field: &str) -> Option<String> {
        self.rest.get(field)?.as_str().map(str::to_owned)
    }

    /// Whether this is a token endpoint's answer and not a bare key.
    pub(super) fn looks_like(secret: &Secret) -> bool {
        secret.expose().starts_with('{')
    }

    /// A JSON object, or a bare refresh token.
    pub(super) fn parse(secret: &Secret) -> Result<Self, CliError> {
        let text = secret.expose();
        if !Self::looks_like(secret) {
            return Ok(Self { refresh: Some(text.to_owned()), ..Self::default() });
        }
        // The parser's own words could quote the token.
        let tokens: Self = serde_json::from_str(text).map_err(|_| unreadable())?;
        if tokens.access.is_none() && tokens.refresh.is_none() { Err(unreadable()) } else { Ok(tokens) }
    }
}

fn unreadable() -> CliError {
    CliError::content(
        "the token file holds no token",
        "put a refresh token there, or JSON with `access_token`, `refresh_token` or both",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_from_its_file_without_the_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let output = Output::local(false);
        let read = |path| read(path, "FERRY_NOT_SET", &output);
        std::fs::write(&path, "pat-na1-0000\n").unwrap();
        assert_eq!(read(Some(&path)).unwrap(), Some("pat-na1-0000".into()));
        assert_eq!(read(None).unwrap(), None);
        std::fs::write(&path, "\n").unwrap();
        assert_eq!(read(Some(&path)).unwrap_err().exit_code(), 3);
        assert_eq!(read(Some(&folder.path().join("none"))).unwrap_err().exit_code(), 3);
    }

    #[test]
    fn tokens_are_json_or_a_bare_refresh_token() {
        let parsed = |text: &str| Tokens::parse(&text.into()).map(|tokens| (tokens.access, tokens.refresh)).ok();
        assert_eq!(parsed("abc"), Some((None, Some("abc".into()))));
        assert_eq!(
            parsed(r#"{"access_token":"a","refresh_token":"r","expires_in":1800}"#),
            Some((Some("a".into()), Some("r".into())))
        );
        assert_eq!(parsed(r#"{"client_id":"x"}"#), None);
        assert_eq!(parsed("{broken"), None);
    }
}
