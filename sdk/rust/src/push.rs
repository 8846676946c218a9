//! Writes to a CRM that takes one with each request.

use std::collections::HashMap;

use crate::connector::{Failure, Operation, Outcome, Problem, Write};
use crate::http::{Error, Request, Response};

/// One outcome per write, in order. Writes of different records go side by side, those of one record one behind the other.
///
/// `request` makes a write's request, or says why it can't be one; `send` gives one answer per request, in order; `judge` says
/// what an answer means. An answer that did not come, or could not be taken in, leaves it unknown whether the write arrived.
///
/// # Errors
/// Where all writes failed, the first one's failure: that of a call promises that no write took effect.
pub fn one_each(
    writes: &[Write],
    request: impl Fn(&Write) -> Result<Request, Vec<Problem>>,
    send: impl Fn(Vec<Request>) -> Vec<Result<Response, Error>>,
    judge: impl Fn(&Write, Response) -> Result<Outcome, Failure>,
) -> Result<Vec<Outcome>, Failure> {
    let mut results: Vec<Result<Outcome, Failure>> = Vec::with_capacity(writes.len());
    results.resize_with(writes.len(), || Ok(Outcome::Later(None)));
    for wave in waves(writes) {
        let (mut sent, mut requests) = (Vec::new(), Vec::new());
        for at in wave {
            match request(&writes[at]) {
                Ok(request) => {
                    sent.push(at);
                    requests.push(request);
                }
                Err(problems) => results[at] = Ok(Outcome::Rejected(problems)),
            }
        }
        for (at, answer) in sent.into_iter().zip(send(requests)) {
            results[at] = match answer {
                Ok(response) => judge(&writes[at], response),
                Err(Error::Unanswered(why)) => Ok(Outcome::Unknown(why)),
                Err(Error::TooLarge(_)) => Ok(Outcome::Unknown("the answer was too large to be read".into())),
                Err(error) => Err(error.into()),
            };
        }
    }
    finish(results)
}

/// The failure of all, where all have failed.
fn finish(results: Vec<Result<Outcome, Failure>>) -> Result<Vec<Outcome>, Failure> {
    if !results.is_empty() && results.iter().all(Result::is_err) {
        return results.into_iter().collect();
    }
    let later = |failure| match failure {
        Failure::RateLimited(wait) => Outcome::Later(wait),
        _ => Outcome::Later(None),
    };
    Ok(results.into_iter().map(|result| result.unwrap_or_else(later)).collect())
}

/// Places of writes that may go side by side.
fn waves(writes: &[Write]) -> Vec<Vec<usize>> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut waves: Vec<Vec<usize>> = vec![Vec::new()];
    for (at, write) in writes.iter().enumerate() {
        let wave = match &write.operation {
            Operation::Update(id) | Operation::Delete(id) => {
                let count = seen.entry(id).or_default();
                *count += 1;
                *count - 1
            }
            Operation::Create | Operation::Upsert(_) => 0,
        };
        if waves.len() <= wave {
            waves.resize_with(wave + 1, Vec::new);
        }
        waves[wave].push(at);
    }
    waves
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn write(key: &str, operation: Operation) -> Write {
        Write { key: key.into(), operation, values: Vec::new(), links: Vec::new(), version: None }
    }

    fn update(key: &str, id: &str) -> Write {
        write(key, Operation::Update(id.into()))
    }

    /// Each write's request is to `/<its key>`; none for the key `bad`.
    fn request(write: &Write) -> Result<Request, Vec<Problem>> {
        if write.key == "bad" {
            return Err(vec![Problem::general("no")]);
        }
        Ok(Request::post(format!("/{}", write.key)))
    }

    fn unknown(write: &Write, _: Response) -> Result<Outcome, Failure> {
        Ok(Outcome::Unknown(write.key.clone()))
    }

    #[test]
    fn a_wave_holds_each_record_once() {
        let writes = [update("a", "1"), update("b", "2"), update("c", "1"), write("d", Operation::Create)];
        assert_eq!(waves(&writes), [vec![0, 1, 3], vec![2]]);
    }

    #[test]
    fn writes_of_one_record_go_one_behind_the_other() {
        let writes = [update("a", "1"), update("b", "2"), update("c", "1"), update("bad", "2")];
        let waves = RefCell::new(Vec::new());
        let send = |requests: Vec<Request>| {
            waves.borrow_mut().push(requests.iter().map(|request| request.target.clone()).collect::<Vec<_>>());
            requests.iter().map(|_| Ok(Response { status: 200, headers: Vec::new(), body: Vec::new() })).collect()
        };
        let outcomes = one_each(&writes, request, send, unknown).unwrap();
        assert_eq!(waves.into_inner(), [vec!["/a", "/b"], vec!["/c"]]);
        let told = |key: &str| Outcome::Unknown(key.into());
        assert_eq!(outcomes, [told("a"), told("b"), told("c"), Outcome::Rejected(vec![Problem::general("no")])]);
    }

    #[test]
    fn a_failure_stands_for_the_call_only_where_all_writes_have_it() {
        let down = || Error::Unreachable("no route".into());
        let one =
            |answer: fn() -> Error| move |requests: Vec<Request>| requests.iter().map(|_| Err(answer())).collect();
        let writes = [update("a", "1"), update("b", "2")];
        let all = one_each(&writes, request, one(|| Error::Unreachable("no route".into())), unknown);
        assert_eq!(all, Err(Failure::from(down())));
        let lost = one_each(&writes, request, one(|| Error::Unanswered("gone".into())), unknown).unwrap();
        assert_eq!(lost, [Outcome::Unknown("gone".into()), Outcome::Unknown("gone".into())]);
        let half = |requests: Vec<Request>| {
            requests.iter().enumerate().map(|(at, _)| Err(if at == 0 { down() } else { Error::TooLarge(9) })).collect()
        };
        let outcomes = one_each(&writes, request, half, unknown).unwrap();
        assert_eq!(outcomes, [Outcome::Later(None), Outcome::Unknown("the answer was too large to be read".into())]);
    }
}
