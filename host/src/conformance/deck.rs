//! The CRM of a conformance run: answers from a cassette, with trouble at one chosen request.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::likeness;
use super::trouble::Trouble;
use crate::model::http::{HttpError, Outbound, Request, Response};
use crate::trace::{Exchange, Given, Sent};

/// What happens to a request that no exchange fits exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Otherwise {
    /// It is a finding, and the plugin is told that nothing is there.
    Complain,
    /// The answer to another request of the same method and target, else this one: what comes after trouble can't be foreseen.
    Approximate(Given),
}

/// The request, counted from 0, at which trouble comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct At {
    pub(super) request: usize,
    pub(super) trouble: Trouble,
    pub(super) otherwise_answered: Option<Given>,
}

pub(super) struct DeckOptions<'a> {
    pub(super) exchanges: &'a [Exchange],
    pub(super) otherwise: Otherwise,
    pub(super) trouble: Option<At>,
    pub(super) signed: bool,
}

pub(super) struct Deck {
    exchanges: Vec<Exchange>,
    otherwise: Otherwise,
    trouble: Option<At>,
    signed: bool,
    played: Mutex<Played>,
}

/// What has passed.
#[derive(Debug, Clone, Default)]
pub(super) struct Played {
    used: Vec<bool>,
    pub(super) exchanges: Vec<Exchange>,
    /// Requests that no exchange fits, as sentences.
    pub(super) strangers: Vec<String>,
}

impl Deck {
    pub(super) fn new(options: DeckOptions<'_>) -> Self {
        let DeckOptions { exchanges, otherwise, trouble, signed } = options;
        let played = Played { used: vec![false; exchanges.len()], ..Played::default() };
        Self { exchanges: exchanges.to_vec(), otherwise, trouble, signed, played: Mutex::new(played) }
    }

    pub(super) fn played(&self) -> Played {
        self.lock().clone()
    }

    /// Expected requests that were never sent.
    pub(super) fn left(&self) -> Vec<String> {
        let played = self.lock();
        let left = self.exchanges.iter().zip(&played.used).filter(|(_, used)| !**used);
        left.map(|(exchange, _)| exchange.request.line()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Played> {
        self.played.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &Request) -> Result<Response, HttpError> {
        let sent = Sent::from(request);
        let mut played = self.lock();
        let number = played.exchanges.len();
        let given = self.find(&mut played, &sent);
        let given = match &self.trouble {
            Some(at) if at.request == number => at.trouble.instead_of(&given, at.otherwise_answered.as_ref()),
            _ => given,
        };
        played.exchanges.push(Exchange { request: sent, answer: given.clone() });
        given.to_result()
    }

    fn find(&self, played: &mut Played, sent: &Sent) -> Given {
        let fits = |exchange: &Exchange| likeness::of_requests(&exchange.request, sent).is_empty();
        let unused = (0..self.exchanges.len()).filter(|index| !played.used[*index]);
        if let Some(index) = unused.into_iter().find(|index| fits(&self.exchanges[*index])) {
            played.used[index] = true;
            return self.exchanges[index].answer.clone();
        }
        match &self.otherwise {
            Otherwise::Complain => {
                played.strangers.push(self.stranger(played, sent));
                Given::Error { error: HttpError::Unreachable("the cassette has no answer to this request".into()) }
            }
            Otherwise::Approximate(otherwise) => {
                let alike = |exchange: &&Exchange| {
                    exchange.request.method == sent.method && exchange.request.target == sent.target
                };
                self.exchanges.iter().find(alike).map_or_else(|| otherwise.clone(), |near| near.answer.clone())
            }
        }
    }

    fn stranger(&self, played: &Played, sent: &Sent) -> String {
        let line = sent.line();
        if self.exchanges.iter().any(|exchange| likeness::of_requests(&exchange.request, sent).is_empty()) {
            return format!("`{line}` is sent more often than the cassette has it");
        }
        let unused = self.exchanges.iter().zip(&played.used).filter(|(_, used)| !**used);
        let unused: Vec<Exchange> = unused.map(|(exchange, _)| exchange.clone()).collect();
        let among = if unused.is_empty() { &self.exchanges } else { &unused };
        match likeness::nearest(among, sent) {
            Some((near, differences)) => {
                let differences = differences.join("; ");
                format!("no request of the cassette is `{line}`; the nearest is `{}` ({differences})", near.line())
            }
            None => format!("the cassette expects no request, and `{line}` came"),
        }
    }
}

#[async_trait]
impl Outbound for Deck {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        self.answer(&request)
    }

    async fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response, HttpError>> {
        requests.iter().map(|request| self.answer(request)).collect()
    }

    fn verify_hmac_sha256(&self, _: &[u8], _: &[u8]) -> bool {
        self.signed
    }
}
