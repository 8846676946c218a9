//! The rules that hold for every connector, tried on the calls of its cassettes.

use std::sync::{Arc, Mutex, PoisonError};

use super::bench::{Bench, Ran};
use super::cassette::{Cassette, Expect, Recorded};
use super::deck::{At, Deck, DeckOptions, Otherwise};
use super::likeness;
use super::report::{Check, Measure};
use super::trouble::{self, CANARY, Trouble, Troubled};
use crate::model::connector::{Collected, Operation, PullRequest, Slice, WriteOutcome};
use crate::model::failure::{CallError, FaultKind};
use crate::model::http::{HttpError, Method};
use crate::model::value::Value;
use crate::plugin::LoadedPlugin;
use crate::trace::{Answer, Call, Ending, Given};

/// Names that no CRM has.
const NO_OBJECT: &str = "ferry_no_such_object";
const NO_FIELD: &str = "ferry_no_such_field";

/// All checks of a connector.
struct Checks {
    answers: Check,
    contract: Check,
    limits: Check,
    pages: Check,
    tokens: Check,
    unknown_object: Check,
    unknown_field: Check,
    writes: Check,
    lost_replies: Check,
    signatures: Check,
    discretion: Check,
    troubles: Vec<(Trouble, Check)>,
}

impl Checks {
    fn new() -> Self {
        Self {
            answers: Check::new("answers", "each call sends what its cassette expects, and answers as it says"),
            contract: Check::new("contract", "no call crashes, and every answer keeps the contract's rules"),
            limits: Check::new("limits", "every call keeps to the limits that the manifest asks for"),
            pages: Check::new("pages", "a slice that is walked twice gives the same rows"),
            tokens: Check::new("tokens", "a walk never gets the same page token twice"),
            unknown_object: Check::new("unknown-object", "an object that is not there is `missing`"),
            unknown_field: Check::new("unknown-field", "a field that is not there is `missing`, `invalid` or null"),
            writes: Check::new("writes", "each write has its result, in order"),
            lost_replies: Check::new("lost-replies", "`resolve` finds the writes whose reply was lost"),
            signatures: Check::new("signatures", "a webhook whose signature does not hold is `unauthorized`"),
            discretion: Check::new("discretion", "no message and no line of the log repeats what the CRM said"),
            troubles: Trouble::ALL.map(|trouble| (trouble, Check::new(trouble.check().0, trouble.check().1))).to_vec(),
        }
    }

    fn into_list(self) -> Vec<Check> {
        let Self { answers, contract, limits, pages, tokens, .. } = self;
        let troubles = self.troubles.into_iter().map(|(_, check)| check);
        [answers, contract, limits, pages, tokens, self.unknown_object, self.unknown_field]
            .into_iter()
            .chain(troubles)
            .chain([self.writes, self.lost_replies, self.signatures, self.discretion])
            .collect()
    }
}

/// One call of a cassette, with what it did when nothing was wrong.
struct Usual<'a> {
    place: String,
    settings: &'a str,
    cassette: &'a Cassette,
    recorded: &'a Recorded,
    ran: Ran,
}

/// Tries everything.
pub(super) async fn check(plugin: &LoadedPlugin, cassettes: &[(String, Cassette)]) -> (Vec<Check>, Vec<Measure>) {
    let connection = plugin.manifest().plugin.id.as_str().parse();
    let Ok(connection) = connection else { return (Vec::new(), Vec::new()) };
    let bench = Bench { plugin, connection, measures: Mutex::default() };
    let mut checks = Checks::new();
    let settings: Vec<String> = cassettes.iter().map(|(_, cassette)| cassette.settings.to_string()).collect();
    let mut usual = Vec::new();
    for ((name, cassette), settings) in cassettes.iter().zip(&settings) {
        for (number, recorded) in cassette.calls.iter().enumerate() {
            let place = format!("{name}, call {} ({})", number + 1, recorded.ask.verb());
            let ran = plain(&bench, &mut checks, &place, settings, recorded).await;
            usual.push(Usual { place, settings, cassette, recorded, ran });
        }
    }
    for it in &usual {
        troubled(&bench, &mut checks, it).await;
        unknown_field(&bench, &mut checks, it).await;
        unsigned(&bench, &mut checks, it).await;
        lost_reply(&bench, &mut checks, it, &usual).await;
    }
    unknown_object(&bench, &mut checks, cassettes).await;
    let measures = std::mem::take(&mut *bench.measures.lock().unwrap_or_else(PoisonError::into_inner));
    (checks.into_list(), measures)
}

fn deck(recorded: &Recorded, otherwise: Otherwise, trouble: Option<At>) -> Arc<Deck> {
    let (exchanges, signed) = (&recorded.exchanges[..], recorded.signed);
    Arc::new(Deck::new(DeckOptions { exchanges, otherwise, trouble, signed }))
}

/// Nothing wrong: the answer, what was sent, and for pages the same once more.
async fn plain(bench: &Bench<'_>, checks: &mut Checks, place: &str, settings: &str, recorded: &Recorded) -> Ran {
    let here = || place.to_owned();
    let deck_of = || deck(recorded, Otherwise::Complain, None);
    let first = deck_of();
    let ran = bench.run(settings, recorded, &recorded.ask, Arc::clone(&first)).await;
    let mut problems = ran.played.strangers.clone();
    problems.extend(first.left().into_iter().map(|line| format!("`{line}` is expected and was not sent")));
    problems.extend(unexpected(&recorded.expect, &ran));
    checks.answers.tried(here, (!problems.is_empty()).then(|| problems.join("; ")));
    faults(checks, place, recorded, &ran);
    if matches!(recorded.ask, Call::Pull(_) | Call::Gone { .. }) {
        checks.tokens.tried(here, ran.repeated.as_ref().map(|token| format!("`{token}` came twice in one walk")));
        let again = bench.run(settings, recorded, &recorded.ask, deck_of()).await;
        let differs = again.result != ran.result;
        checks.pages.tried(here, differs.then(|| "the second walk gives other rows than the first".to_owned()));
    }
    ran
}

fn unexpected(expect: &Expect, ran: &Ran) -> Vec<String> {
    let ended = || match &ran.result {
        Ok(_) => "it answers".to_owned(),
        Err(error) => format!("it fails ({error})"),
    };
    match (expect, Ending::of(&ran.result)) {
        (Expect::Answer(expected), Ending::Answer(found)) => likeness::differences(expected, &found),
        (Expect::Failure(kind), Ending::Failure(failure)) if kind == failure.kind() => Vec::new(),
        (Expect::Failure(kind), _) => vec![format!("{}, and `{kind}` is expected", ended())],
        (Expect::Answer(_), _) => vec![format!("{}, and an answer is expected", ended())],
    }
}

/// What the sandbox stopped, or what broke the contract, goes to the check whose rule it is.
fn faults(checks: &mut Checks, place: &str, recorded: &Recorded, ran: &Ran) {
    let here = || place.to_owned();
    let is_push = matches!(recorded.ask, Call::Push { .. } | Call::Resolve { .. } | Call::Collect { .. });
    let (mut contract, mut limits, mut writes) = (None, None, None);
    if let Err(CallError::Fault(fault)) = &ran.result {
        let told = Some(fault.kind.to_string());
        match &fault.kind {
            FaultKind::Deadline { .. }
            | FaultKind::Memory { .. }
            | FaultKind::HostCalls { .. }
            | FaultKind::AnswerSize { .. } => limits = told,
            FaultKind::BadAnswer(_) if is_push => writes = told,
            _ => contract = told,
        }
    }
    checks.contract.tried(here, contract);
    checks.limits.tried(here, limits);
    if is_push {
        checks.writes.tried(here, writes);
    }
    discreet(checks, place, ran);
}

fn discreet(checks: &mut Checks, place: &str, ran: &Ran) {
    let message = match &ran.result {
        Err(error) => error.to_string(),
        Ok(Answer::Outcomes(outcomes) | Answer::Collected(Collected::Outcomes(outcomes))) => format!("{outcomes:?}"),
        Ok(_) => String::new(),
    };
    let told = message.contains(CANARY) || ran.lines.iter().any(|line| line.contains(CANARY));
    let problem = told.then(|| "a message repeats what the CRM's answer said of a record".to_owned());
    checks.discretion.tried(|| place.to_owned(), problem);
}

/// Each kind of trouble at each request of the call.
async fn troubled(bench: &Bench<'_>, checks: &mut Checks, usual: &Usual<'_>) {
    let Usual { place, settings, cassette, recorded, ran } = usual;
    let nothing_there = Given::Error { error: HttpError::Unreachable("nothing is there".into()) };
    for (index, exchange) in ran.played.exchanges.iter().enumerate() {
        for at in 0..checks.troubles.len() {
            let trouble = checks.troubles[at].0;
            if !trouble.befalls(&exchange.answer) {
                continue;
            }
            let otherwise_answered = trouble.own_form(&cassette.trouble).cloned();
            let trial = At { request: index, trouble, otherwise_answered };
            let deck = deck(recorded, Otherwise::Approximate(nothing_there.clone()), Some(trial));
            let now = bench.run(settings, recorded, &recorded.ask, deck).await;
            let judged = Troubled {
                call: &recorded.ask,
                prepares: &recorded.prepares,
                trouble,
                at: index,
                played: &now.played.exchanges,
                usual: &ran.result,
                now: &now.result,
            };
            let here = format!("{place}, request {} ({})", index + 1, exchange.request.line());
            checks.troubles[at].1.tried(|| here.clone(), judged.complaint());
            discreet(checks, &here, &now);
        }
    }
}

/// A pull with one more column, which the CRM does not have.
async fn unknown_field(bench: &Bench<'_>, checks: &mut Checks, usual: &Usual<'_>) {
    let (Call::Pull(request), true) = (&usual.recorded.ask, usual.ran.result.is_ok()) else { return };
    // A token is of the columns that it was made for.
    if request.token.is_some() {
        return;
    }
    let mut request = request.clone();
    request.columns.push(NO_FIELD.to_owned());
    let not_there = trouble::status(400, &[]);
    let deck = deck(usual.recorded, Otherwise::Approximate(not_there), None);
    let ran = bench.run(usual.settings, usual.recorded, &Call::Pull(request), deck).await;
    let problem = match &ran.result {
        Ok(Answer::Page(page)) => page
            .rows
            .iter()
            .any(|row| row.values.last().is_some_and(|value| *value != Value::Null))
            .then(|| "it gives a value for a field that is not there".to_owned()),
        Err(CallError::Advice(failure)) if matches!(failure.kind(), "missing" | "invalid" | "unsupported") => None,
        Err(error) => Some(format!("its advice is not right: {error}")),
        Ok(_) => None,
    };
    checks.unknown_field.tried(|| usual.place.clone(), problem);
}

/// The same webhook with a signature that does not hold.
async fn unsigned(bench: &Bench<'_>, checks: &mut Checks, usual: &Usual<'_>) {
    let recorded = usual.recorded;
    if !matches!(recorded.ask, Call::Receive(_)) || !recorded.signed {
        return;
    }
    let forged = Recorded { signed: false, ..recorded.clone() };
    let deck = deck(&forged, Otherwise::Complain, None);
    let ran = bench.run(usual.settings, &forged, &forged.ask, deck).await;
    let problem = match &ran.result {
        Err(CallError::Advice(failure)) if failure.kind() == "unauthorized" => None,
        Err(error) => Some(format!("its advice is not right: {error}")),
        Ok(_) => Some("it believes a webhook whose signature does not hold".to_owned()),
    };
    checks.signatures.tried(|| usual.place.clone(), problem);
}

/// The answers to all writes of a push are lost: whatever is unknown then and would be doubled if it were sent again, `resolve`
/// finds. The others do no harm when they are sent twice.
async fn lost_reply(bench: &Bench<'_>, checks: &mut Checks, usual: &Usual<'_>, all: &[Usual<'_>]) {
    let Call::Push { object, writes } = &usual.recorded.ask else { return };
    let keys = |writes: &[crate::model::connector::Write]| writes.iter().map(|it| it.key.clone()).collect::<Vec<_>>();
    let answers = |other: &&Usual<'_>| {
        matches!(&other.recorded.ask, Call::Resolve { object: of, writes: asked }
            if of == object && keys(asked) == keys(writes))
    };
    let Some(resolved) = all.iter().find(answers) else { return };
    let Ok(Answer::Resolved(found)) = &resolved.ran.result else { return };
    for (index, exchange) in usual.ran.played.exchanges.iter().enumerate() {
        if matches!(exchange.request.method, Method::Get | Method::Head)
            || usual.recorded.prepares.contains(&exchange.request.line())
        {
            continue;
        }
        let trial = At { request: index, trouble: Trouble::Unanswered, otherwise_answered: None };
        let nothing_there = Given::Error { error: HttpError::Unreachable("nothing is there".into()) };
        let deck = deck(usual.recorded, Otherwise::Approximate(nothing_there), Some(trial));
        let ran = bench.run(usual.settings, usual.recorded, &usual.recorded.ask, deck).await;
        let (Ok(Answer::Outcomes(outcomes)), Ok(Answer::Outcomes(taken))) = (&ran.result, &usual.ran.result) else {
            continue;
        };
        let hidden = writes.iter().zip(outcomes).zip(found).zip(taken);
        let lost = hidden.filter(|(((write, outcome), found), taken)| {
            let would_be_doubled = write.operation == Operation::Create && !matches!(taken, WriteOutcome::Rejected(_));
            would_be_doubled && matches!(outcome, WriteOutcome::Unknown(_)) && found.is_none()
        });
        let lost: Vec<&str> = lost.map(|(((write, _), _), _)| write.key.as_str()).collect();
        let problem = (!lost.is_empty()).then(|| format!("it finds no trace of `{}`", lost.join("`, `")));
        checks.lost_replies.tried(|| format!("{}, then {}", usual.place, resolved.place), problem);
    }
}

/// Every verb about an object that the CRM does not have.
async fn unknown_object(bench: &Bench<'_>, checks: &mut Checks, cassettes: &[(String, Cassette)]) {
    let own = cassettes.iter().find_map(|(_, cassette)| cassette.trouble.unknown_object.clone());
    let not_there = own.unwrap_or_else(|| trouble::status(404, &[]));
    let settings = cassettes.first().map_or_else(|| "{}".to_owned(), |(_, cassette)| cassette.settings.to_string());
    let object = NO_OBJECT.to_owned();
    let request = PullRequest {
        object: object.clone(),
        columns: vec!["name".into()],
        filter: Vec::new(),
        segment: None,
        slice: Slice::All,
        token: None,
        limit: 100,
    };
    for call in [Call::Fields { object: object.clone() }, Call::Segments { object }, Call::Pull(request)] {
        let recorded = Recorded {
            ask: call.clone(),
            now: None,
            follow: true,
            signed: true,
            expect: Expect::Failure("missing".into()),
            prepares: Vec::new(),
            exchanges: Vec::new(),
        };
        let deck = deck(&recorded, Otherwise::Approximate(not_there.clone()), None);
        let ran = bench.run(&settings, &recorded, &call, deck).await;
        let problem = match &ran.result {
            // A CRM that has no lists has none for this object either.
            Ok(Answer::Segments(list)) if list.is_empty() => None,
            Err(CallError::Advice(failure)) if matches!(failure.kind(), "missing" | "unsupported") => None,
            Ok(_) => Some("it answers as if there were such an object".to_owned()),
            Err(error) => Some(format!("its advice is not right: {error}")),
        };
        let place = format!("`{}` of an object that is not there", call.verb());
        checks.unknown_object.tried(|| place.clone(), problem);
        discreet(checks, &place, &ran);
    }
}
