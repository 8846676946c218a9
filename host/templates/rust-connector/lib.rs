//! A connector for a CRM that gives its people at `/people`, page by page, and takes notes at `/people/ID/notes`: put your
//! CRM in its place, verb by verb.

use ferry_sdk::connector::*;
use ferry_sdk::http::{Request, Response};
use serde::Deserialize;
use serde_json::json;

/// Rows a page: what the CRM gives at most.
const PAGE: u32 = 100;

#[derive(Deserialize)]
struct Me {
    id: String,
    company: String,
}

#[derive(Deserialize)]
struct People {
    people: Vec<Person>,
    /// Where the next page starts; none at the end.
    next: Option<String>,
}

#[derive(Deserialize)]
struct Person {
    id: String,
    name: Option<String>,
    email: Option<String>,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

/// The connector.
pub struct Plugin;

impl Connector for Plugin {
    fn check(call: &Call<'_>) -> Result<Account, Failure> {
        let me: Me = accepted(call.http.send(Request::get("/me"))?)?.json()?;
        Ok(Account { id: me.id, name: me.company, time_zone: None, lacking: Vec::new() })
    }

    fn objects(_: &Call<'_>) -> Result<Vec<Object>, Failure> {
        Ok(vec![object("people", "People", Abilities::PULL), object("notes", "Notes", Abilities::CREATE | Abilities::LINKS)])
    }

    fn fields(_: &Call<'_>, object: &str) -> Result<Vec<Field>, Failure> {
        match object {
            "people" => Ok(vec![field("name", "Name", Kind::Text), field("email", "E-mail", Kind::Email)]),
            "notes" => Ok(vec![Field { required: true, writable: true, ..field("text", "Text", Kind::LongText) }]),
            other => Err(Failure::Missing(other.into())),
        }
    }

    fn pull(call: &Call<'_>, request: PullRequest) -> Result<Page, Failure> {
        match request.object.as_str() {
            "people" => {}
            "notes" => return Err(Failure::Unsupported("notes can only be written".into())),
            other => return Err(Failure::Missing(other.into())),
        }
        if request.slice != Slice::All || !request.filter.is_empty() {
            return Err(Failure::Unsupported("people can only be read whole".into()));
        }
        let mut ask = Request::get("/people").query("limit", request.limit.min(PAGE));
        if let Some(token) = &request.token {
            ask = ask.query("after", token);
        }
        let answer: People = accepted(call.http.send(ask)?)?.json()?;
        let rows = answer.people.into_iter().map(|person| row(person, &request.columns)).collect();
        Ok(Page::of(rows, answer.next))
    }

    fn push(call: &Call<'_>, object: &str, writes: Vec<Write>) -> Result<Vec<Outcome>, Failure> {
        match object {
            "notes" => one_by_one(&writes, |write| note(call, write)),
            "people" => Err(Failure::Unsupported("people can only be read".into())),
            other => Err(Failure::Missing(other.into())),
        }
    }
}

/// One note on one person.
fn note(call: &Call<'_>, write: &Write) -> Result<Outcome, Failure> {
    let Some(person) = write.links.iter().find(|link| link.object == "people") else {
        return Ok(Outcome::Rejected(vec![Problem::general("a note needs a person")]));
    };
    let text = write.values.iter().find(|(name, _)| name == "text").map(|(_, value)| value);
    let Some(Value::Text(text)) = text else {
        return Ok(Outcome::Rejected(vec![Problem::of("text", "is missing")]));
    };
    let ask = Request::post(format!("/people/{}/notes", person.id)).json(&json!({ "text": text }));
    let response = call.http.send(ask)?;
    match response.status {
        404 => Ok(Outcome::Rejected(vec![Problem::general("the person is no longer there")])),
        422 => Ok(Outcome::Rejected(vec![Problem::of("text", "the CRM takes no empty note")])),
        _ => {
            let note: Created = accepted(response)?.json()?;
            Ok(Outcome::Written(Written { id: note.id, created: true, modified: None, version: None }))
        }
    }
}

/// What the CRM refuses becomes advice, by its status. Messages never repeat what the CRM said: customers' values are in it.
fn accepted(response: Response) -> Result<Response, Failure> {
    match response.status {
        200..300 => Ok(response),
        401 => Err(Failure::Unauthorized("the key is not accepted".into())),
        403 => Err(Failure::Forbidden(vec!["people".into()])),
        404 => Err(Failure::Missing("people".into())),
        429 => Err(Failure::RateLimited(None)),
        500.. => Err(Failure::Temporary(format!("the CRM answered with status {}", response.status))),
        status => Err(Failure::Permanent(format!("the CRM answered with status {status}"))),
    }
}

fn object(name: &str, label: &str, abilities: Abilities) -> Object {
    Object { name: name.into(), label: label.into(), custom: false, abilities, lateness: 0 }
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

ferry_sdk::connector!(Plugin);

#[cfg(test)]
mod tests {
    use super::*;
    use ferry_sdk::http::{Error, Method};
    use ferry_sdk::testing::{FakeHttp, FakeSignature, answer, call, json as json_answer};

    fn note(text: &str) -> Write {
        Write {
            key: "note-1".into(),
            operation: Operation::Create,
            values: vec![("text".into(), Value::from(text))],
            links: vec![Link { label: None, object: "people".into(), id: "7".into() }],
            version: None,
        }
    }

    #[test]
    fn a_page_has_its_values_in_the_order_of_the_columns() {
        let page = json!({ "people": [{ "id": "1", "name": "Ada", "email": null }], "next": "2" });
        let http = FakeHttp::new().expect(Method::Get, "/people", Ok(json_answer(200, &page)));
        let request = PullRequest {
            object: "people".into(),
            columns: vec!["email".into(), "name".into()],
            filter: Vec::new(),
            segment: None,
            slice: Slice::All,
            token: None,
            limit: 500,
        };
        let pulled = Plugin::pull(&call("{}", 0, &http, &FakeSignature::default()), request);
        let row = Row { id: "1".into(), modified: None, version: None, values: vec![Value::Null, Value::from("Ada")] };
        assert_eq!(pulled, Ok(Page::of(vec![row], Some("2".into()))));
        http.done();
    }

    #[test]
    fn a_crm_that_asks_for_patience_gets_it() {
        let http = FakeHttp::new().expect(Method::Get, "/me", Ok(answer(429, &[], "")));
        assert_eq!(Plugin::check(&call("{}", 0, &http, &FakeSignature::default())), Err(Failure::RateLimited(None)));
    }

    #[test]
    fn each_write_has_its_outcome_and_a_lost_answer_is_unknown() {
        let http = FakeHttp::new()
            .expect(Method::Post, "/people/7/notes", Ok(json_answer(201, &json!({ "id": "n1" }))))
            .expect(Method::Post, "/people/7/notes", Err(Error::Unanswered("cut".into())));
        let writes = vec![note("one"), note("two")];
        let outcomes = Plugin::push(&call("{}", 0, &http, &FakeSignature::default()), "notes", writes).unwrap();
        assert!(matches!(&outcomes[..], [Outcome::Written(_), Outcome::Unknown(_)]), "{outcomes:?}");
        assert_eq!(http.sent_json()[0], json!({ "text": "one" }));
        http.done();
    }
}
