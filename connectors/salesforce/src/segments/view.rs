//! List views. Salesforce tells the query behind one; its condition and its scope narrow our own queries, so that a view's
//! records come in pages that lose nothing.

use ferry_sdk::connector::{Failure, Segment};
use ferry_sdk::http::Request;
use serde::{Deserialize, Serialize};

use crate::api::{Api, is_id, is_name};
use crate::failure;

/// The most that Salesforce lists at once.
const MOST: usize = 2_000;

/// A condition goes along in each page's token, which has no room for more bytes.
const CONDITION_MOST: usize = 4_000;

/// Ids of list views begin so.
const PREFIX: &str = "00B";

/// Which records of an object are meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct View {
    /// `mine`, for the records of who signed in; empty for everybody's.
    #[serde(rename = "s")]
    pub(crate) scope: String,
    /// Empty where all are meant.
    #[serde(rename = "w")]
    pub(crate) condition: String,
}

#[derive(Deserialize)]
struct Listed {
    listviews: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    id: String,
    label: String,
    soql_compatible: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    query: String,
    sobject_type: String,
}

pub(super) fn is_view(segment: &str) -> bool {
    segment.starts_with(PREFIX)
}

/// The list views of an object that a query can give the records of.
pub(super) fn list(api: &Api<'_>, object: &str) -> Result<Vec<Segment>, Failure> {
    let request = Request::get(api.object(object, "/listviews")).query("limit", MOST);
    let response = api.ask(request)?;
    // Some objects have no list views.
    if response.status == 400 && !failure::is_session_over(&response) {
        return Ok(Vec::new());
    }
    let listed: Listed = failure::checked(response, object)?.json()?;
    let views =
        listed.listviews.into_iter().filter(|view| view.soql_compatible && is_view(&view.id) && is_id(&view.id));
    let segment = |view: Entry| Segment { id: view.id, name: view.label, size: None, changes_by_itself: true };
    Ok(views.map(segment).collect())
}

/// # Errors
/// `missing` where there is no such view of this object, `unsupported` where its query is none that can be narrowed further.
pub(super) fn read(api: &Api<'_>, object: &str, id: &str) -> Result<View, Failure> {
    let described: Described = api.json(Request::get(api.object(object, &format!("/listviews/{id}/describe"))), id)?;
    if described.sobject_type != object {
        return Err(Failure::Missing(id.to_owned()));
    }
    let view = View::of(&described.query).filter(|view| view.condition.len() <= CONDITION_MOST);
    view.ok_or_else(|| Failure::Unsupported(format!("the list view `{id}` has a query that can't be narrowed further")))
}

impl View {
    /// The scope and the condition of a query.
    fn of(query: &str) -> Option<Self> {
        let scope =
            clause(query, "USING SCOPE").map(|(_, behind)| behind.split_whitespace().next().unwrap_or_default());
        let scope = scope.filter(|scope| !scope.eq_ignore_ascii_case("everything")).unwrap_or_default();
        if !scope.is_empty() && !is_name(scope) {
            return None;
        }
        let condition = clause(query, "WHERE").map_or("", |(_, behind)| behind);
        let ends = ["ORDER BY", "LIMIT", "GROUP BY"].map(|word| clause(condition, word));
        let condition =
            ends.iter().flatten().map(|(before, _)| *before).min_by_key(|before| before.len()).unwrap_or(condition);
        Some(Self { scope: scope.to_owned(), condition: condition.trim().to_owned() })
    }
}

/// What stands before and behind a keyword of the query itself: not inside of a text, nor of an inner query.
fn clause<'a>(query: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let (mut depth, mut in_text, mut is_escaped, mut is_inside) = (0_usize, false, false, false);
    for (at, letter) in query.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if in_text => is_escaped = true,
            '\'' => in_text = !in_text,
            _ if in_text => {}
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 && !is_inside => {
                let found = query.get(at..at + word.len()).is_some_and(|text| text.eq_ignore_ascii_case(word));
                let behind = query.get(at + word.len()..).unwrap_or_default();
                if found && behind.starts_with(char::is_whitespace) {
                    return Some((&query[..at], behind));
                }
            }
            _ => {}
        }
        is_inside = letter.is_alphanumeric() || letter == '_' || letter == '.';
    }
    None
}

#[cfg(test)]
mod tests {
    use ferry_sdk::http::Method;
    use ferry_sdk::testing::{FakeHttp, FakeSignature, call, json};
    use serde_json::json;

    use super::*;

    #[test]
    fn the_condition_of_a_query_ends_where_its_order_begins_and_not_inside_of_a_text() {
        for (query, scope, condition) in [
            ("SELECT Id FROM Contact ORDER BY Name", "", ""),
            ("SELECT Id FROM Contact USING SCOPE mine WHERE A = 1 ORDER BY Name ASC NULLS FIRST", "mine", "A = 1"),
            ("SELECT Id FROM Contact USING SCOPE everything", "", ""),
            (
                "select Id from Contact where (A = 1 OR B__c = 'x') and C != null limit 5",
                "",
                "(A = 1 OR B__c = 'x') and C != null",
            ),
            (
                r"SELECT Id FROM Lead WHERE A != ' it\'s WHERE x ORDER BY y' ORDER BY Id",
                "",
                r"A != ' it\'s WHERE x ORDER BY y'",
            ),
            (
                "SELECT Id FROM Lead WHERE Id IN (SELECT A FROM B WHERE C = 1 ORDER BY D LIMIT 1) ORDER BY Id",
                "",
                "Id IN (SELECT A FROM B WHERE C = 1 ORDER BY D LIMIT 1)",
            ),
            ("SELECT Where__c, X.Where FROM Lead WHERE Order__c = 1", "", "Order__c = 1"),
        ] {
            let expected = View { scope: scope.into(), condition: condition.into() };
            assert_eq!(View::of(query), Some(expected), "{query}");
        }
        assert_eq!(View::of("SELECT Id FROM Contact USING SCOPE x'y WHERE A = 1"), None);
    }

    #[test]
    fn a_view_of_another_object_is_none_of_this_one() {
        let id = "00B000000000001AAA";
        let target = format!("/services/data/v67.0/sobjects/Contact/listviews/{id}/describe");
        let described = json!({"query": "SELECT Id FROM Lead", "sobjectType": "Lead"});
        let http = FakeHttp::new().expect(Method::Get, &target, Ok(json(200, &described)));
        let signature = FakeSignature::default();
        let api = Api::open(&call("{}", 0, &http, &signature)).unwrap();
        assert_eq!(read(&api, "Contact", id), Err(Failure::Missing(id.into())));
    }
}
