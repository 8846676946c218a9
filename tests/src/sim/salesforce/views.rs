//! List views: saved filters over one object, which people keep in the CRM.

use serde_json::{Value, json};

use super::errors::{ApiError, Outcome};
use super::id::Id;
use super::org::{At, Org};
use super::soql;
use crate::sim::server::{Reply, Request};

/// Rows of one page of results, unless told.
const RESULTS: usize = 25;
const RESULTS_MAX: usize = 2_000;

/// A list view as an admin made it.
struct View {
    object: &'static str,
    name: &'static str,
    label: &'static str,
    columns: &'static str,
    /// `mine`, or everything.
    scope: &'static str,
    condition: &'static str,
    /// A query can give the same records.
    is_soql: bool,
}

const fn view(object: &'static str, name: &'static str, label: &'static str, condition: &'static str) -> View {
    View { object, name, label, columns: "Name, Email", scope: "everything", condition, is_soql: true }
}

const VIEWS: [View; 8] = [
    view("Contact", "AllContacts", "All Contacts", ""),
    View { scope: "mine", ..view("Contact", "MyContacts", "My Contacts", "") },
    View { is_soql: false, ..view("Contact", "RecentlyViewedContacts", "Recently Viewed Contacts", "") },
    view("Contact", "Vips", "VIPs", "VIP__c = true"),
    view(
        "Contact",
        "WebOrFair",
        "Web or fair, where written to",
        "(LeadSource = 'Web' OR LeadSource = 'Trade Show') AND Email != null",
    ),
    view("Lead", "AllOpenLeads", "All Open Leads", "IsConverted = false"),
    view("Lead", "Hot", "Hot \"where\" it 'matters'", "Rating = 'Hot' AND Company != ' WHERE x ORDER BY y'"),
    View { columns: "Name, Industry", ..view("Account", "AllAccounts", "All Accounts", "") },
];

impl View {
    fn soql(&self) -> String {
        let Self { object, columns, condition, .. } = self;
        let scope = if self.scope == "mine" { " USING SCOPE mine" } else { "" };
        let filter = if condition.is_empty() { String::new() } else { format!(" WHERE {condition}") };
        let order = "ORDER BY Name ASC NULLS FIRST, Id ASC NULLS FIRST";
        format!(
            "SELECT {columns}, Id, CreatedDate, LastModifiedDate, SystemModstamp FROM {object}{scope}{filter} {order}"
        )
    }
}

fn id(place: usize) -> Id {
    Id::new(*b"00B", 1_000 + u64::try_from(place).unwrap_or(0))
}

/// Answers `/sobjects/X/listviews…`; `rest` are the parts of the path behind it, `base` is `/services/data/vXX.0`.
pub(crate) fn route(org: &Org, at: At, request: &Request, rest: &[&str], base: &str) -> Outcome {
    let object = org.kind(at).name.clone();
    let own = VIEWS.iter().enumerate().filter(|(_, view)| view.object == object);
    let base = format!("{base}/sobjects/{object}/listviews");
    if request.method != "GET" {
        return Err(ApiError::no_method(&request.method, "GET"));
    }
    let [named, what @ ..] = rest else {
        let limit = request.query("limit").map_or(Some(RESULTS), |text| text.parse().ok());
        let limit = limit.filter(|limit| (1..=RESULTS_MAX).contains(limit));
        let limit = limit.ok_or_else(|| ApiError::bad("INVALID_INPUT", "limit is a number of list views"))?;
        let views: Vec<Value> = own.take(limit).map(|(place, view)| summary(place, view, &base)).collect();
        let body = json!({"done": true, "listviews": views, "nextRecordsUrl": null, "size": views.len(), "sobjectType": object});
        return Ok(Reply::json(200, &body));
    };
    let is_named = |(place, view): &(usize, &View)| Id::parse(named) == Some(id(*place)) || view.name == *named;
    let (place, view) = own.into_iter().find(is_named).ok_or_else(ApiError::not_found)?;
    match what {
        [] => Ok(Reply::json(200, &summary(place, view, &base))),
        ["describe"] if view.is_soql => Ok(Reply::json(200, &describe(place, view))),
        ["describe"] => Err(ApiError::bad("INVALID_INPUT", "this list view is not SOQL compatible")),
        ["results"] => results(org, place, view, request),
        _ => Err(ApiError::not_found()),
    }
}

fn summary(place: usize, view: &View, base: &str) -> Value {
    let url = format!("{base}/{}", id(place));
    json!({"id": id(place), "developerName": view.name, "label": view.label, "soqlCompatible": view.is_soql, "url": url,
        "describeUrl": format!("{url}/describe"), "resultsUrl": format!("{url}/results")})
}

fn describe(place: usize, view: &View) -> Value {
    let column = |name: &str| {
        json!({"ascendingLabel": null, "descendingLabel": null, "fieldNameOrPath": name, "hidden": false, "label": name,
            "searchable": false, "selectListItem": name, "sortDirection": null, "sortIndex": null, "sortable": true, "type": "string"})
    };
    let order = |name: &str| json!({"fieldNameOrPath": name, "nullsPosition": "first", "sortDirection": "ascending"});
    json!({"id": id(place), "sobjectType": view.object, "query": view.soql(), "scope": view.scope,
        "columns": view.columns.split(", ").map(column).collect::<Vec<_>>(), "orderBy": [order("Name"), order("Id")],
        "whereCondition": null})
}

fn results(org: &Org, place: usize, view: &View, request: &Request) -> Outcome {
    let number = |name: &str, otherwise: usize| request.query(name).map_or(Some(otherwise), |text| text.parse().ok());
    let bad = || ApiError::bad("INVALID_INPUT", "limit and offset are numbers of rows");
    let limit = number("limit", RESULTS).filter(|limit| (1..=RESULTS_MAX).contains(limit)).ok_or_else(bad)?;
    let offset = number("offset", 0).ok_or_else(bad)?;
    let bound = soql::bind(org, &soql::parse(&view.soql())?, false)?;
    let found = soql::find(org, &bound);
    let row = |number: &u64| {
        let record = org.table(bound.at).get(*number)?;
        let cell = |column: &soql::Column| {
            let cell = soql::cell(org, bound.at, record, column);
            json!({"fieldNameOrPath": column.name, "value": if cell.is_null() { Value::Null } else { cell.csv().into() }})
        };
        Some(json!({"columns": bound.columns.iter().map(cell).collect::<Vec<_>>()}))
    };
    let records: Vec<Value> = found.iter().skip(offset).take(limit).filter_map(row).collect();
    let done = offset + records.len() >= found.len();
    let columns = &describe(place, view)["columns"];
    Ok(Reply::json(
        200,
        &json!({"id": id(place), "developerName": view.name, "label": view.label, "columns": columns, "records": records,
            "size": records.len(), "done": done}),
    ))
}
