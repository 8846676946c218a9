//! A whole connector for a CRM that gives its people at `/people`, page by page, and takes notes at `/people/ID/notes`.

use ferry_sdk::connector::*;
use ferry_sdk::http::Request;
use serde::Deserialize;
use serde_json::json;

/// Rows a page: what the CRM gives at most.
const PAGE: u32 = 100;

#[derive(Deserialize)]
struct People {
    people: Vec<Person>,
    /// The id to go on from; none at the end.
    next: Option<String>,
}

#[derive(Deserialize)]
struct Person {
    id: String,
    name: Option<String>,
    email: Option<String>,
}

#[derive(Deserialize)]
struct Me {
    id: String,
    company: String,
}

/// The connector.
pub struct Phonebook;

impl Connector for Phonebook {
    fn check(call: &Call<'_>) -> Result<Account, Failure> {
        let me: Me = get(call, Request::get("/me"))?;
        Ok(Account { id: me.id, name: me.company, time_zone: None, lacking: Vec::new() })
    }

    fn objects(_: &Call<'_>) -> Result<Vec<Object>, Failure> {
        Ok(vec![Object {
            name: "people".into(),
            label: "People".into(),
            custom: false,
            abilities: Abilities::PULL,
            lateness: 0,
        }])
    }

    fn fields(_: &Call<'_>, object: &str) -> Result<Vec<Field>, Failure> {
        known(object)?;
        Ok(vec![field("name", "Name", Kind::Text), field("email", "E-mail", Kind::Email)])
    }

    fn pull(call: &Call<'_>, request: PullRequest) -> Result<Page, Failure> {
        known(&request.object)?;
        if request.slice != Slice::All || !request.filter.is_empty() {
            return Err(Failure::Unsupported("people can only be read whole".into()));
        }
        let mut ask = Request::get("/people").query("limit", request.limit.min(PAGE));
        if let Some(token) = &request.token {
            ask = ask.query("after", token);
        }
        let answer: People = get(call, ask)?;
        let rows = answer.people.into_iter().map(|person| row(person, &request.columns)).collect();
        Ok(Page::of(rows, answer.next))
    }
}

/// One read. What goes wrong on the way is turned into advice by `?`; what the CRM refuses, by its status.
fn get<T: serde::de::DeserializeOwned>(call: &Call<'_>, request: Request) -> Result<T, Failure> {
    let response = call.http.send(request)?;
    match response.status {
        200 => response.json(),
        401 => Err(Failure::Unauthorized("the key is not accepted".into())),
        404 => Err(Failure::Missing("people".into())),
        429 => Err(Failure::RateLimited(None)),
        500.. => Err(Failure::Temporary(format!("the CRM answered with status {}", response.status))),
        status => Err(Failure::Permanent(format!("the CRM answered with status {status}"))),
    }
}

fn known(object: &str) -> Result<(), Failure> {
    if object == "people" { Ok(()) } else { Err(Failure::Missing(object.to_owned())) }
}

fn field(name: &str, label: &str, kind: Kind) -> Field {
    Field {
        name: name.into(),
        label: label.into(),
        kind,
        choices: Vec::new(),
        refers_to: Vec::new(),
        required: false,
        writable: false,
        unique: false,
        custom: false,
        derived: false,
        length: None,
    }
}

/// The values in the order of the columns that were asked for.
fn row(person: Person, columns: &[String]) -> Row {
    let value = |column: &String| match column.as_str() {
        "name" => Value::from(person.name.clone()),
        "email" => Value::from(person.email.clone()),
        _ => Value::Null,
    };
    let values = columns.iter().map(value).collect();
    Row { id: person.id, modified: None, version: None, values }
}

ferry_sdk::connector!(Phonebook);

/// As a program it shows how a test calls it; as a plugin it has no `main`.
fn main() {
    use ferry_sdk::http::Method;
    use ferry_sdk::testing::{FakeHttp, FakeSignature, call, json as answer};

    let page = json!({"people": [{"id": "1", "name": "Ada", "email": null}], "next": "2"});
    let http = FakeHttp::new().expect(Method::Get, "/people", Ok(answer(200, &page)));
    let signature = FakeSignature::default();
    let request = PullRequest {
        object: "people".into(),
        columns: vec!["email".into(), "name".into()],
        filter: Vec::new(),
        segment: None,
        slice: Slice::All,
        token: None,
        limit: 500,
    };
    let pulled = Phonebook::pull(&call("{}", 0, &http, &signature), request);
    let row = Row { id: "1".into(), modified: None, version: None, values: vec![Value::Null, Value::from("Ada")] };
    assert_eq!(pulled, Ok(Page::of(vec![row], Some("2".into()))));
    http.done();
}
