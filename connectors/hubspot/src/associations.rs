//! How records are linked with others, which HubSpot calls associations: as columns of a pull, and looked up for a write.
//!
//! No stamp moves when a link comes or goes, and a record that is read does not tell its links: they are asked for apart.

use std::collections::{BTreeSet, HashMap};

use ferry_sdk::connector::{Failure, Field, Kind};
use ferry_sdk::http::{Request, Response};
use ferry_sdk::value::{Row, Value};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::api::Api;
use crate::failure;
use crate::objects;
use crate::paging::Paging;

/// What the columns are called: the word, and the other object.
const PREFIX: &str = "associations.";

/// The objects that a column may lead to, and how the search calls them.
const TARGETS: [(&str, &str); 3] = [("contacts", "contact"), ("companies", "company"), ("deals", "deal")];

/// HubSpot tells the links of so many records at once (changelog of 2025-02-10).
const RECORDS_MOST: usize = 1_000;

/// HubSpot tells 500 links of a record at once. Beyond 25,000 of them a list of ids is of no use to anybody.
const ROUNDS_MOST: usize = 50;

/// HubSpot's documentation, "Associations | Association type id values": a contact's and a deal's primary company.
const PRIMARY: [u32; 2] = [1, 5];

/// The links of records by their ids, each as the ids of the other ends: the primary one first, then in the order of the ids.
pub(crate) type Links = HashMap<String, Vec<String>>;

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    results: Vec<LinksOf>,
}

#[derive(Deserialize)]
struct LinksOf {
    from: Id,
    #[serde(default)]
    to: Vec<End>,
    #[serde(default)]
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

/// HubSpot writes this id as a number, unlike all others.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct End {
    to_object_id: Json,
    #[serde(default)]
    association_types: Vec<Type>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Type {
    #[serde(default)]
    category: String,
    type_id: u32,
}

/// The object that a column of links leads to; none for a property.
pub(crate) fn target(column: &str) -> Option<&'static str> {
    known(column).map(|(target, _)| target)
}

/// How the search calls such a column.
pub(crate) fn search_name(column: &str) -> Option<String> {
    known(column).map(|(_, singular)| format!("{PREFIX}{singular}"))
}

fn known(column: &str) -> Option<(&'static str, &'static str)> {
    let name = column.strip_prefix(PREFIX)?;
    TARGETS.into_iter().find(|(target, _)| *target == name)
}

/// A field for each object that records of `object` are linked with. To link is the business of a write's links.
pub(crate) fn fields(object: &str) -> impl Iterator<Item = Field> {
    let own = objects::standard(object).map(|standard| standard.name);
    TARGETS.into_iter().filter(move |(target, _)| own != Some(target)).map(|(target, _)| Field {
        name: format!("{PREFIX}{target}"),
        label: format!("Associated {target} (ids)"),
        kind: Kind::Choices,
        choices: Vec::new(),
        refers_to: vec![target.to_owned()],
        required: false,
        writable: false,
        unique: false,
        custom: false,
        derived: true,
        length: None,
    })
}

/// Fills the columns of links, named by their places.
pub(crate) fn fill(
    api: &Api<'_>,
    object: &str,
    columns: &[(usize, &'static str)],
    rows: &mut [Row],
) -> Result<(), Failure> {
    if columns.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let links = columns.iter().map(|(at, target)| Ok((*at, read(api, object, target, &ids)?)));
    let links: Vec<(usize, Links)> = links.collect::<Result<_, Failure>>()?;
    for row in rows {
        for (at, links) in &links {
            // What has no links is as empty as a property without a value.
            let value = links.get(&row.id).map_or(Value::Null, |ends| Value::Texts(ends.clone()));
            if let Some(held) = row.values.get_mut(*at) {
                *held = value;
            }
        }
    }
    Ok(())
}

/// The links of these records of `from` with records of `to`; records without any are left out.
///
/// # Errors
/// `temporary` where HubSpot leaves out a record and does not say that it has none: "no links" is not to be guessed.
pub(crate) fn read(api: &Api<'_>, from: &str, to: &str, ids: &[&str]) -> Result<Links, Failure> {
    let mut found: HashMap<String, Vec<(bool, String)>> = HashMap::with_capacity(ids.len());
    // Each once, for HubSpot answers each once.
    let ids: BTreeSet<&str> = ids.iter().copied().collect();
    let mut asked: Vec<Json> = ids.iter().map(|id| json!({"id": id})).collect();
    for _ in 0..ROUNDS_MOST {
        if asked.is_empty() {
            return Ok(found.into_iter().map(|(id, ends)| (id, in_order(ends))).collect());
        }
        let requests = asked.chunks(RECORDS_MOST).map(|inputs| {
            let body = json!({ "inputs": inputs });
            Request::post(api.associations(from, to, "/batch/read")).json(&body).repeatable()
        });
        let answers = api.send_all(requests.collect(), to)?;
        let mut more = Vec::new();
        for (inputs, response) in asked.chunks(RECORDS_MOST).zip(&answers) {
            for LinksOf { from, to, paging } in whole(response, inputs.len())? {
                if let Some(after) = paging.and_then(Paging::after) {
                    more.push(json!({"id": from.id, "after": after}));
                }
                found.entry(from.id).or_default().extend(to.into_iter().map(End::place));
            }
        }
        asked = more;
    }
    Err(Failure::Unsupported(format!("a record has too many links with {to}: leave the column `{PREFIX}{to}` out")))
}

/// The results, if every input has one or an error that says that there are no links.
fn whole(response: &Response, inputs: usize) -> Result<Vec<LinksOf>, Failure> {
    let answer: Answer = response.json()?;
    if answer.results.len() + failure::absent(response, "left links out of a batch")? < inputs {
        return Err(Failure::malformed("it leaves out the links of some records, without a reason"));
    }
    Ok(answer.results)
}

impl End {
    fn place(self) -> (bool, String) {
        let is_primary = |kind: &Type| kind.category == "HUBSPOT_DEFINED" && PRIMARY.contains(&kind.type_id);
        let id = match self.to_object_id {
            Json::String(id) => id,
            other => other.to_string(),
        };
        (self.association_types.iter().any(is_primary), id)
    }
}

/// Always the same order, so that a row which says the same is the same.
fn in_order(mut ends: Vec<(bool, String)>) -> Vec<String> {
    ends.sort_by_cached_key(|(is_primary, id)| (!is_primary, id.parse::<u64>().ok(), id.clone()));
    let mut ids: Vec<String> = ends.into_iter().map(|(_, id)| id).collect();
    ids.dedup();
    ids
}

#[cfg(test)]
mod tests {
    use ferry_sdk::http::Method;
    use ferry_sdk::testing::{FakeHttp, FakeSignature, call, json as respond};

    use super::*;

    const COMPANIES: &str = "/crm/v4/associations/contacts/companies/batch/read";

    fn ask(http: &FakeHttp, ids: &[&str]) -> Result<Links, Failure> {
        let signature = FakeSignature::default();
        let links = read(&Api::open(&call("{}", 0, http, &signature)).unwrap(), "contacts", "companies", ids);
        http.done();
        links
    }

    fn end(id: u64, kinds: &[u32]) -> Json {
        let kind = |id: &u32| json!({"category": "HUBSPOT_DEFINED", "typeId": id, "label": null});
        json!({"toObjectId": id, "associationTypes": kinds.iter().map(kind).collect::<Vec<_>>()})
    }

    fn none(id: &str) -> Json {
        json!({"category": "OBJECT_NOT_FOUND", "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND", "context": {"fromObjectId": [id]}})
    }

    #[test]
    fn the_primary_one_is_first_and_the_others_are_in_order() {
        let answer = json!({"results": [
            {"from": {"id": "1"}, "to": [end(20, &[279]), end(7, &[279]), end(30, &[279, 1])]},
            {"from": {"id": "3"}, "to": [end(5, &[279])]},
        ], "errors": [none("2")]});
        let http = FakeHttp::new().expect(Method::Post, COMPANIES, Ok(respond(207, &answer)));
        let links = ask(&http, &["1", "2", "3"]).unwrap();
        let of = |id: &str| links.get(id).map(|ends| ends.join(" "));
        assert_eq!((of("1"), of("2"), of("3")), (Some("30 7 20".into()), None, Some("5".into())));
        assert_eq!(http.sent_json()[0], json!({"inputs": [{"id": "1"}, {"id": "2"}, {"id": "3"}]}));
    }

    #[test]
    fn what_does_not_fit_on_a_page_is_asked_for_again() {
        let first = json!({"results": [
            {"from": {"id": "1"}, "to": [end(8, &[])], "paging": {"next": {"after": "8"}}},
            {"from": {"id": "2"}, "to": [end(8, &[])]},
        ]});
        let second = json!({"results": [{"from": {"id": "1"}, "to": [end(9, &[])]}]});
        let http = FakeHttp::new().expect(Method::Post, COMPANIES, Ok(respond(200, &first))).expect(
            Method::Post,
            COMPANIES,
            Ok(respond(200, &second)),
        );
        let links = ask(&http, &["1", "2"]).unwrap();
        assert_eq!((links["1"].join(" "), links["2"].join(" ")), ("8 9".into(), "8".into()));
        assert_eq!(http.sent_json()[1], json!({"inputs": [{"id": "1", "after": "8"}]}));
    }

    #[test]
    fn a_record_that_is_left_out_without_a_reason_is_not_taken_for_one_without_links() {
        let one = json!({"results": [{"from": {"id": "1"}, "to": [end(8, &[])]}]});
        let late = json!({"results": [], "errors": [none("1"), {"category": "TIMEOUT"}]});
        for (status, body) in [(200, &one), (207, &late), (200, &json!({"status": "COMPLETE", "results": []}))] {
            let http = FakeHttp::new().expect(Method::Post, COMPANIES, Ok(respond(status, body)));
            assert!(matches!(ask(&http, &["1", "2"]), Err(Failure::Temporary(_))), "{body}");
        }
    }

    #[test]
    fn an_object_has_columns_for_the_others() {
        let names = |object| fields(object).map(|field| field.name).collect::<Vec<_>>();
        assert_eq!(names("contacts"), ["associations.companies", "associations.deals"]);
        assert_eq!(names("0-3"), ["associations.contacts", "associations.companies"]);
        assert_eq!(names("2-77").len(), 3);
        assert_eq!(
            (target("associations.deals"), target("associations.cars"), target("deals")),
            (Some("deals"), None, None)
        );
        assert_eq!(search_name("associations.companies").as_deref(), Some("associations.company"));
    }
}
