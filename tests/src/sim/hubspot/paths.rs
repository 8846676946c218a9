//! Which endpoint a path means, in both styles: classic `/crm/v3/objects/…` and dated `/crm/objects/2026-09/…`.

use crate::sim::server::Request;

/// The dated versions that are served.
const DATED: [&str; 6] = ["2025-09", "2026-03", "2026-09", "2025-09-beta", "2026-03-beta", "2026-09-beta"];

/// What a path leads to. `rest` is what follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Area {
    Authorize,
    Token,
    Introspect,
    Revoke,
    AccessToken { token: String },
    RefreshToken { token: String },
    Objects { object: String, rest: Vec<String> },
    Properties { object: String, rest: Vec<String> },
    Associations { from: String, to: String, rest: Vec<String> },
    Lists { rest: Vec<String> },
    Schemas { rest: Vec<String> },
    Owners { rest: Vec<String> },
    Details,
    Usage,
    Dispositions,
}

fn is_dated(version: &str) -> bool {
    DATED.contains(&version)
}

/// The endpoint of a path; none when there is none.
pub(crate) fn area(segments: &[String]) -> Option<Area> {
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["oauth", "authorize"] => Some(Area::Authorize),
        ["oauth", "v1", "access-tokens", token] => Some(Area::AccessToken { token: (*token).to_owned() }),
        ["oauth", "v1", "refresh-tokens", token] => Some(Area::RefreshToken { token: (*token).to_owned() }),
        ["oauth", version, rest @ ..] => oauth(version, rest),
        ["crm", "v3" | "v4", "objects", object, rest @ ..] => Some(objects(object, rest)),
        ["crm", "objects", version, object, rest @ ..] if is_dated(version) => Some(objects(object, rest)),
        ["crm", "v3", "properties", object, rest @ ..] => Some(properties(object, rest)),
        ["crm", "properties", version, object, rest @ ..] if is_dated(version) => Some(properties(object, rest)),
        ["crm", "v4", "associations", from, to, rest @ ..] => Some(associations(from, to, rest)),
        ["crm", "associations", version, from, to, rest @ ..] if is_dated(version) => {
            Some(associations(from, to, rest))
        }
        ["crm", "v3", "lists", rest @ ..] => Some(Area::Lists { rest: owned(rest) }),
        ["crm", "lists", version, rest @ ..] if is_dated(version) => Some(Area::Lists { rest: owned(rest) }),
        ["crm", "v3", "schemas", rest @ ..] => Some(Area::Schemas { rest: owned(rest) }),
        ["crm-object-schemas", version, "schemas", rest @ ..] if is_dated(version) || *version == "v3" => {
            Some(Area::Schemas { rest: owned(rest) })
        }
        ["crm", "v3", "owners", rest @ ..] => Some(Area::Owners { rest: owned(rest) }),
        ["crm", "owners", version, rest @ ..] if is_dated(version) => Some(Area::Owners { rest: owned(rest) }),
        ["account-info", version, "details"] if is_dated(version) || *version == "v3" => Some(Area::Details),
        ["account-info", version, "api-usage", "daily", "private-apps"] if is_dated(version) || *version == "v3" => {
            Some(Area::Usage)
        }
        ["calling", "v1", "dispositions"] => Some(Area::Dispositions),
        _ => None,
    }
}

fn oauth(version: &str, rest: &[&str]) -> Option<Area> {
    if !matches!(version, "v1" | "v3") && !is_dated(version) {
        return None;
    }
    match rest {
        ["token"] => Some(Area::Token),
        ["token", "introspect"] | ["introspect"] => Some(Area::Introspect),
        ["token", "revoke"] | ["revoke"] => Some(Area::Revoke),
        _ => None,
    }
}

fn owned(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|part| (*part).to_owned()).collect()
}

fn objects(object: &str, rest: &[&str]) -> Area {
    Area::Objects { object: object.to_owned(), rest: owned(rest) }
}

fn properties(object: &str, rest: &[&str]) -> Area {
    Area::Properties { object: object.to_owned(), rest: owned(rest) }
}

fn associations(from: &str, to: &str, rest: &[&str]) -> Area {
    Area::Associations { from: from.to_owned(), to: to.to_owned(), rest: owned(rest) }
}

impl Area {
    /// `METHOD /path` in the classic form with `{id}` for whatever differs from record to record: the name by which
    /// requests are counted and faults are aimed.
    pub(crate) fn endpoint(&self, method: &str) -> String {
        let path = match self {
            Self::Authorize => "/oauth/authorize".to_owned(),
            Self::Token => "/oauth/v1/token".to_owned(),
            Self::Introspect => "/oauth/v1/introspect".to_owned(),
            Self::Revoke => "/oauth/v1/revoke".to_owned(),
            Self::AccessToken { .. } => "/oauth/v1/access-tokens/{id}".to_owned(),
            Self::RefreshToken { .. } => "/oauth/v1/refresh-tokens/{id}".to_owned(),
            Self::Objects { object, rest } => format!("/crm/v3/objects/{object}{}", generic(rest)),
            Self::Properties { object, rest } => format!("/crm/v3/properties/{object}{}", generic(rest)),
            Self::Associations { from, to, rest } => format!("/crm/v4/associations/{from}/{to}{}", generic(rest)),
            Self::Lists { rest } => format!("/crm/v3/lists{}", generic(rest)),
            Self::Schemas { rest } => format!("/crm/v3/schemas{}", generic(rest)),
            Self::Owners { rest } => format!("/crm/v3/owners{}", generic(rest)),
            Self::Details => "/account-info/v3/details".to_owned(),
            Self::Usage => "/account-info/v3/api-usage/daily/private-apps".to_owned(),
            Self::Dispositions => "/calling/v1/dispositions".to_owned(),
        };
        format!("{method} {path}")
    }

    /// Sign-in itself: no bearer token, no rate limit.
    pub(crate) fn is_oauth(&self) -> bool {
        matches!(
            self,
            Self::Authorize
                | Self::Token
                | Self::Introspect
                | Self::Revoke
                | Self::AccessToken { .. }
                | Self::RefreshToken { .. }
        )
    }

    pub(crate) fn is_search(&self) -> bool {
        matches!(self, Self::Objects { rest, .. } if rest.first().is_some_and(|part| part == "search"))
    }

    /// A batch that creates, updates or upserts records.
    pub(crate) fn is_batch_write(&self) -> bool {
        matches!(self, Self::Objects { rest, .. }
            if rest.first().is_some_and(|part| part == "batch") && rest.get(1).is_some_and(|verb| matches!(verb.as_str(), "create" | "update" | "upsert")))
    }

    /// Whether a request changes something.
    pub(crate) fn is_write(&self, request: &Request) -> bool {
        let last = match self {
            Self::Objects { rest, .. }
            | Self::Associations { rest, .. }
            | Self::Lists { rest }
            | Self::Properties { rest, .. } => rest.last().map(String::as_str),
            _ => None,
        };
        request.method != "GET" && !matches!(last, Some("search" | "read")) && !matches!(self, Self::Introspect)
    }
}

/// The words that stand for themselves in an endpoint's name; all else is an id.
const WORDS: [&str; 23] = [
    "search",
    "batch",
    "read",
    "create",
    "update",
    "upsert",
    "archive",
    "merge",
    "gdpr-delete",
    "associations",
    "associate",
    "default",
    "labels",
    "memberships",
    "join-order",
    "add",
    "remove",
    "add-and-remove",
    "groups",
    "records",
    "object-type-id",
    "name",
    "contacts",
];

fn generic(rest: &[String]) -> String {
    let part = |part: &String| if WORDS.contains(&part.as_str()) { format!("/{part}") } else { "/{id}".to_owned() };
    rest.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(path: &str) -> Option<String> {
        area(&Request::new("GET", path, "").segments()).map(|area| area.endpoint("GET"))
    }

    #[test]
    fn both_styles_lead_to_the_same_endpoint() {
        let pairs = [
            ("/crm/v3/objects/contacts/12", "/crm/objects/2026-09/contacts/12"),
            ("/crm/v3/properties/deals", "/crm/properties/2026-03/deals"),
            (
                "/crm/v4/associations/contacts/companies/batch/read",
                "/crm/associations/2025-09/contacts/companies/batch/read",
            ),
            ("/crm/v3/lists/7/memberships", "/crm/lists/2026-09-beta/7/memberships"),
            ("/crm/v3/schemas", "/crm-object-schemas/2026-09/schemas"),
            ("/crm/v3/owners", "/crm/owners/2026-09/"),
            ("/account-info/v3/details", "/account-info/2026-09/details"),
            ("/oauth/v1/token", "/oauth/2026-09/token"),
        ];
        for (classic, dated) in pairs {
            assert!(endpoint(classic).is_some(), "{classic}");
            assert_eq!(endpoint(classic), endpoint(dated));
        }
        assert_eq!(endpoint("/crm/v3/objects/contacts/12").as_deref(), Some("GET /crm/v3/objects/contacts/{id}"));
        assert_eq!(endpoint("/crm/objects/2019-01/contacts"), None);
    }
}
