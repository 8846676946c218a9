//! A connector that speaks HTTP and breaks one rule of the contract at a time, so that the conformance kit can be tried: it must
//! find each of them. With mode `careful` it breaks none.

use std::collections::HashMap;

use ferry_sdk::connector::*;
use ferry_sdk::http::{Error, Request, Response};
use serde::Deserialize;

use crate::behaved;

#[derive(Deserialize)]
struct Person {
    id: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

#[derive(Deserialize, Default)]
struct People {
    people: Vec<Person>,
    next: Option<String>,
}

/// A page from the CRM, as the mode takes what comes.
pub(crate) fn pull(call: &Call<'_>, mode: &str, request: &PullRequest) -> Result<Page, Failure> {
    if request.object != "contacts" {
        return Err(Failure::Missing(request.object.clone()));
    }
    let ask = Request::get("/people").query("after", request.token.as_deref().unwrap_or("0"));
    let answer = call.http.send(ask);
    let people = match mode {
        // Whatever goes wrong is as if the CRM had nobody.
        "deaf" => answer.ok().and_then(|response| response.json::<People>().ok()).unwrap_or_default(),
        // Whatever goes wrong is for good.
        "hopeless" => accepted(answer)
            .and_then(|response| response.json())
            .map_err(|_| Failure::Permanent("it did not work".into()))?,
        // Whatever the CRM says is passed on.
        "talkative" => {
            let text = answer.as_ref().map(|response| String::from_utf8_lossy(&response.body).into_owned());
            let told = |failure| match failure {
                Failure::Temporary(_) => Failure::Temporary(text.clone().unwrap_or_default()),
                other => other,
            };
            accepted(answer.clone()).and_then(|response| response.json()).map_err(told)?
        }
        _ => accepted(answer)?.json::<People>()?,
    };
    let next = match (mode, &people.next) {
        // There and back again, for ever.
        ("circling", None) => Some("0".to_owned()),
        (_, next) => next.clone(),
    };
    Ok(Page::of(people.people.into_iter().map(|person| row(mode, person, &request.columns)).collect(), next))
}

fn row(mode: &str, person: Person, columns: &[String]) -> Row {
    let value = |column: &String| match (column.as_str(), mode) {
        ("first_name", "moody") => Value::from(moment()),
        ("first_name", _) => Value::from(person.name.clone()),
        // It has something to say about every field.
        (_, "inventive") => Value::from("anything"),
        _ => Value::Null,
    };
    Row { id: person.id.clone(), modified: None, version: None, values: columns.iter().map(value).collect() }
}

/// Never the same twice.
fn moment() -> String {
    format!("{:?}", std::time::Instant::now())
}

fn accepted(answer: Result<Response, Error>) -> Result<Response, Failure> {
    let response = answer?;
    match response.status {
        200..300 => Ok(response),
        401 => Err(Failure::Unauthorized("the key is not accepted".into())),
        404 => Err(Failure::Missing("people".into())),
        429 => Err(Failure::RateLimited(None)),
        500.. => Err(Failure::Temporary("the CRM is out of order".into())),
        _ => Err(Failure::Permanent("the CRM refuses it".into())),
    }
}

/// One request per write.
pub(crate) fn push(call: &Call<'_>, mode: &str, writes: &[Write]) -> Result<Vec<Outcome>, Failure> {
    let one = |write: &Write| {
        let answer = call.http.send(Request::post("/people").json(&HashMap::from([("key", &write.key)])));
        let refused = || Outcome::Rejected(vec![Problem::general("the CRM refuses it")]);
        match (mode, accepted(answer).and_then(|response| response.json::<Created>())) {
            (_, Ok(created)) => written(created.id),
            // What it can't know it takes for done, or for refused, or for not done.
            ("hopeful", Err(_)) => written("1".into()),
            ("harsh", Err(_)) => refused(),
            ("hasty", Err(_)) => Outcome::Later(None),
            (_, Err(_)) => Outcome::Unknown("the answer was lost".into()),
        }
    };
    Ok(writes.iter().map(one).collect())
}

fn written(id: String) -> Outcome {
    Outcome::Written(Written { id, created: true, modified: None, version: None })
}

/// With mode `forgetful` it never finds anything.
pub(crate) fn resolve(call: &Call<'_>, mode: &str, writes: &[Write]) -> Result<Vec<Option<Written>>, Failure> {
    accepted(call.http.send(Request::get("/people/written")))?;
    let found = (mode != "forgetful").then(|| Written { id: "1".into(), created: true, modified: None, version: None });
    Ok(vec![found; writes.len()])
}

/// With mode `trusting` it looks at no signature.
pub(crate) fn receive(call: &Call<'_>, mode: &str, request: &Webhook) -> Result<Vec<Hint>, Failure> {
    if !call.signature.hmac_sha256(&request.body, b"mac") && mode != "trusting" {
        return Err(Failure::Unauthorized("the signature is bad".into()));
    }
    Ok(vec![Hint { object: behaved::object().name, ids: vec!["1".into()], gone: false }])
}
