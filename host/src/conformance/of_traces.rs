//! Makes a cassette of traces: what was recorded once is tried for ever.

use serde_json::Value as Json;

use super::cassette::{Cassette, CassetteError, Expect, Recorded, Troubles};
use super::likeness::NOTHING;
use crate::trace::{Body, Call, Ending, Event, Exchange, Trace};

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
        Ending::Answer(answer) => Expect::Answer(writable(answer.clone())),
        Ending::Failure(failure) => Expect::Failure(failure.kind().to_owned()),
        Ending::Fault { code, .. } => Expect::Failure(code.clone()),
    };
    let exchanges = trace.exchanges().cloned().map(shortened).collect();
    let now = trace.clock.first().copied();
    Recorded {
        ask: trace.call.clone(),
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
            let page = writable(page.clone());
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

/// What is not compared is left out, and JSON is written so that people can read it.
fn shortened(mut exchange: Exchange) -> Exchange {
    exchange.request.headers.clear();
    let readable = |body: &mut Option<Body>| {
        if let Some(text) = body.as_ref().and_then(Body::to_json).filter(|json| json.is_object() || json.is_array())
            && let Ok(pretty) = serde_json::to_string_pretty(&text)
        {
            *body = Some(Body::Text(pretty));
        }
    };
    readable(&mut exchange.request.body);
    if let crate::trace::Given::Answer { headers, body, .. } = &mut exchange.answer {
        // The host's own, and what differs from one server to the next.
        headers.retain(|(name, _)| !matches!(name.as_str(), "date" | "content-length" | "connection" | "server"));
        readable(body);
    }
    exchange
}

/// TOML has no null: members are left out, items of lists written as a placeholder.
fn writable(json: Json) -> Json {
    match json {
        Json::Object(members) => {
            let kept = members.into_iter().filter(|(_, value)| !value.is_null());
            Json::Object(kept.map(|(name, value)| (name, writable(value))).collect())
        }
        Json::Array(items) => Json::Array(
            items.into_iter().map(|item| if item.is_null() { NOTHING.into() } else { writable(item) }).collect(),
        ),
        other => other,
    }
}
