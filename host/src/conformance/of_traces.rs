//! Makes a cassette of traces: what was recorded once is tried for ever.

use serde_json::Value as Json;

use super::cassette::{Cassette, CassetteError, Expect, Recorded, Troubles, no_settings};
use super::likeness::NOTHING;
use crate::trace::{Body, Call, Ending, Event, Exchange, Given, Received, Trace};

impl Cassette {
    /// Pages that follow one another become one walk.
    pub fn of_traces(title: &str, traces: &[Trace]) -> Result<Self, CassetteError> {
        let settings = traces.first().map(|trace| trace.settings.clone()).unwrap_or_default();
        if traces.iter().any(|trace| trace.settings != settings) {
            return Err(CassetteError::Settings);
        }
        let mut calls: Vec<Recorded> = Vec::new();
        let mut walked = None;
        for trace in traces {
            match calls.last_mut() {
                Some(last) if continues(walked, trace) => append(last, trace),
                _ => calls.push(recorded(trace)),
            }
            walked = Some(trace);
        }
        let settings = if settings.is_null() { no_settings() } else { without_nulls(settings) };
        Ok(Self { title: title.to_owned(), settings, trouble: Troubles::default(), calls, mappings: Vec::new() })
    }
}

fn next(trace: &Trace) -> Option<&str> {
    match &trace.ending {
        Ending::Answer(answer) => answer.get("next").and_then(Json::as_str),
        _ => None,
    }
}

/// Whether `trace` is the page after the one before it.
fn continues(before: Option<&Trace>, trace: &Trace) -> bool {
    let Some(before) = before else { return false };
    let (mut first, mut second) = (before.call.clone(), trace.call.clone());
    let token = match (&mut first, &mut second) {
        (Call::Pull(first), Call::Pull(second)) => {
            first.token = None;
            second.token.take()
        }
        (Call::Gone { token: first, .. }, Call::Gone { token: second, .. }) => {
            *first = None;
            second.take()
        }
        _ => return false,
    };
    first == second && token.is_some() && token.as_deref() == next(before)
}

fn recorded(trace: &Trace) -> Recorded {
    let signed = !trace.events.iter().any(|event| matches!(event, Event::Signature { holds: false, .. }));
    // A page from the middle of a walk, or one that was not walked on from, stands alone.
    let follow = matches!(trace.call, Call::Pull(_) | Call::Gone { .. }) && next(trace).is_none();
    let is_walk = matches!(trace.call, Call::Pull(_) | Call::Gone { .. });
    let expect = match &trace.ending {
        Ending::Answer(answer) => Expect::Answer(without_nulls(answer.clone())),
        Ending::Failure(failure) => Expect::Failure(failure.kind().to_owned()),
        Ending::Fault { code, .. } => Expect::Failure(code.clone()),
    };
    let exchanges = trace.exchanges().cloned().map(shortened).collect();
    let now = trace.clock.first().copied();
    Recorded {
        ask: readable(trace.call.clone()),
        now,
        follow: follow || !is_walk,
        signed,
        expect,
        prepares: Vec::new(),
        exchanges,
    }
}

fn append(walk: &mut Recorded, trace: &Trace) {
    walk.exchanges.extend(trace.exchanges().cloned().map(shortened));
    walk.follow = next(trace).is_none();
    match (&mut walk.expect, &trace.ending) {
        (Expect::Answer(all), Ending::Answer(page)) => {
            let page = without_nulls(page.clone());
            for list in ["rows", "gone"] {
                if let (Some(Json::Array(all)), Some(Json::Array(more))) = (all.get_mut(list), page.get(list)) {
                    all.extend(more.iter().cloned());
                }
            }
            if let Some(all) = all.as_object_mut() {
                match page.get("next") {
                    Some(next) => all.insert("next".into(), next.clone()),
                    None => all.remove("next"),
                };
            }
        }
        (expect, Ending::Failure(failure)) => *expect = Expect::Failure(failure.kind().to_owned()),
        _ => {}
    }
}

/// What is not compared is left out.
fn shortened(mut exchange: Exchange) -> Exchange {
    exchange.request.headers.clear();
    exchange.request.body = exchange.request.body.map(pretty);
    if let Given::Answer { headers, body, .. } = &mut exchange.answer {
        // The host's own, and what differs from one server to the next.
        headers.retain(|(name, _)| !matches!(name.as_str(), "date" | "content-length" | "connection" | "server"));
        *body = body.take().map(pretty);
    }
    exchange
}

fn readable(call: Call) -> Call {
    match call {
        // Its bytes are what was signed.
        Call::Receive(received) => Call::Receive(Received { body: as_text(received.body), ..received }),
        other => other,
    }
}

/// JSON so that people can read it. As a text it keeps its nulls.
fn pretty(body: Body) -> Body {
    let json = body.to_json().filter(|json| json.is_object() || json.is_array());
    match json.and_then(|json| serde_json::to_string_pretty(&json).ok()) {
        Some(pretty) => Body::Text(pretty),
        None => as_text(body),
    }
}

fn as_text(body: Body) -> Body {
    match body {
        Body::Json(json) => Body::Text(json.to_string()),
        other => other,
    }
}

/// TOML has no null: members are left out, and what stands by itself or in a list is written as a placeholder.
fn without_nulls(json: Json) -> Json {
    match json {
        Json::Null => NOTHING.into(),
        Json::Object(members) => {
            let kept = members.into_iter().filter(|(_, value)| !value.is_null());
            Json::Object(kept.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Json::Array(items) => Json::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::conformance::likeness::differences;

    fn trace(call: Json, events: Json, ending: Json) -> Trace {
        let plugin = json!({"id": "acme", "version": "1.0.0", "digest": format!("sha256:{}", "0".repeat(64))});
        let trace = json!({"ferry-trace": 1, "plugin": plugin, "connection": "crm", "call": call, "clock": [0], "seed": 1,
            "settings": {"label": null, "list": [null, 1], "object": "x"}, "events": events, "ending": ending, "removed": []});
        serde_json::from_value(trace).unwrap()
    }

    /// What a file made of it holds.
    fn read_back(trace: &Trace) -> Cassette {
        let text = Cassette::of_traces("Nothing", std::slice::from_ref(trace)).unwrap().to_toml().unwrap();
        toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    #[test]
    fn whatever_an_answer_has_no_value_for_a_cassette_can_say() {
        let write =
            json!({"key": "k", "operation": "create", "values": [["name", "null"]], "links": [], "version": null});
        for (call, answer) in [
            (json!({"verb": "submit", "object": "people", "name": "s", "writes": [write]}), json!(null)),
            (json!({"verb": "least", "object": "people"}), json!(null)),
            (json!({"verb": "resolve", "object": "people", "writes": [write]}), json!([null])),
            (
                json!({"verb": "gone", "object": "people", "window": {"since": 0, "before": 1}, "token": null}),
                json!({"rows": [], "gone": [{"id": "1", "at": null, "into": null}], "next": null, "wait": null}),
            ),
        ] {
            let trace = trace(call, json!([]), json!({"answer": answer}));
            let cassette = read_back(&trace);
            assert_eq!(cassette.calls[0].ask, trace.call);
            let Expect::Answer(expected) = &cassette.calls[0].expect else { panic!("{cassette:?}") };
            assert_eq!(differences(expected, &answer), Vec::<String>::new(), "{expected}");
            assert_ne!(differences(expected, &json!("other")), Vec::<String>::new(), "{expected} fits anything");
            assert_eq!(cassette.settings, json!({"list": ["<nothing>", 1], "object": "x"}));
        }
    }

    #[test]
    fn a_body_with_nulls_comes_back_as_it_was() {
        let given = json!({"name": null, "list": [null, {"deep": null}]});
        for body in
            [json!({"json": given}), json!({"text": given.to_string()}), json!({"json": null}), json!({"text": "null"})]
        {
            let request = json!({"method": "POST", "target": "/people", "body": body});
            let exchange = json!({"event": "exchange", "request": request, "answer": {"status": 200, "body": body}});
            let webhook = json!({"verb": "receive", "method": "POST", "target": "/", "headers": [], "body": body});
            let trace = trace(webhook, json!([exchange]), json!({"answer": []}));
            let cassette = read_back(&trace);
            let json_of = |body: &Body| body.to_json();
            let wanted = json_of(&serde_json::from_value(body.clone()).unwrap());
            let call = &cassette.calls[0];
            let Given::Answer { body: answered, .. } = &call.exchanges[0].answer else { panic!("{call:?}") };
            assert_eq!(answered.as_ref().and_then(json_of), wanted, "{body}");
            assert_eq!(call.exchanges[0].request.body.as_ref().and_then(json_of), wanted, "{body}");
            let Call::Receive(received) = &call.ask else { panic!("{call:?}") };
            assert_eq!(json_of(&received.body), wanted, "{body}");
        }
    }
}
