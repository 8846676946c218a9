//! World `connector-plugin`: what a connector answers for one CRM account. An author implements [`Connector`] and names it
//! to [`connector!`](crate::connector!).

use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use crate::bindings::connector::exports::ferry::crm::{bulk, connector as exports};
use crate::http::{HostHttp, Http};
use crate::value::Instant;

pub use crate::bindings::connector::exports::ferry::crm::bulk::Collected;
pub use crate::bindings::connector::exports::ferry::crm::connector::{
    Abilities, Account, Choice, Comparison, Condition, Field, Hint, Kind, Link, Object, Operation, Outcome, Page,
    PullRequest, Segment, Slice, Webhook, Window, Write, Written,
};
pub use crate::failure::Failure;
pub use crate::value::{Problem, Row, Successor, Tombstone, Value};

impl Condition {
    /// Checks that it has as many values as its comparison needs.
    ///
    /// # Errors
    /// `invalid` where it has not.
    pub fn counted(&self) -> Result<(), Failure> {
        let fits = match self.comparison {
            Comparison::Present | Comparison::Absent => self.values.is_empty(),
            Comparison::OneOf | Comparison::NoneOf => true,
            _ => self.values.len() == 1,
        };
        let wrong = || Failure::invalid(&self.field, "the condition has another number of values than it needs");
        fits.then_some(()).ok_or_else(wrong)
    }
}

/// Checks signatures with a secret that stays with the host.
pub trait Signature {
    /// Whether `mac` is the HMAC-SHA256 of `message` under the connection's signing secret.
    fn hmac_sha256(&self, message: &[u8], mac: &[u8]) -> bool;
}

/// What a call gets beside its arguments.
pub struct Call<'a> {
    /// The admin's settings as JSON.
    pub settings: &'a str,
    /// The host's clock at the start of the call.
    pub now: Instant,
    pub http: &'a dyn Http,
    pub signature: &'a dyn Signature,
}

impl Call<'_> {
    /// The settings as a type of the plugin's own.
    ///
    /// # Errors
    /// `invalid` where they don't fit it.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(self.settings).map_err(|error| Failure::invalid("settings", error.to_string()))
    }
}

fn unsupported<T>(verb: &str) -> Result<T, Failure> {
    Err(Failure::Unsupported(format!("this connector has no `{verb}`")))
}

/// A connector. Each call stands alone, in an instance of its own: there is nothing to remember between two of them. See the
/// contract for what each verb promises; those with a body here are optional.
pub trait Connector: 'static {
    fn check(call: &Call<'_>) -> Result<Account, Failure>;

    fn objects(call: &Call<'_>) -> Result<Vec<Object>, Failure>;

    fn fields(call: &Call<'_>, object: &str) -> Result<Vec<Field>, Failure>;

    fn segments(_call: &Call<'_>, _object: &str) -> Result<Vec<Segment>, Failure> {
        Ok(Vec::new())
    }

    fn pull(call: &Call<'_>, request: PullRequest) -> Result<Page, Failure>;

    fn partition(_call: &Call<'_>, _request: PullRequest, _most: u32) -> Result<Vec<String>, Failure> {
        unsupported("partition")
    }

    fn gone(_call: &Call<'_>, _object: &str, _window: Window, _token: Option<String>) -> Result<Page, Failure> {
        unsupported("gone")
    }

    fn push(_call: &Call<'_>, _object: &str, _writes: Vec<Write>) -> Result<Vec<Outcome>, Failure> {
        unsupported("push")
    }

    fn resolve(_call: &Call<'_>, _object: &str, _writes: Vec<Write>) -> Result<Vec<Option<Written>>, Failure> {
        unsupported("resolve")
    }

    fn receive(_call: &Call<'_>, _request: Webhook) -> Result<Vec<Hint>, Failure> {
        unsupported("receive")
    }

    /// From how many writes on a set serves the object better than `push`; with `none`, the three below are never called.
    fn least(_call: &Call<'_>, _object: &str) -> Result<Option<u32>, Failure> {
        Ok(None)
    }

    fn open(_call: &Call<'_>, _object: &str, _writes: Vec<Write>) -> Result<String, Failure> {
        unsupported("open")
    }

    fn submit(_call: &Call<'_>, _object: &str, _name: &str, _writes: Vec<Write>) -> Result<(), Failure> {
        unsupported("submit")
    }

    fn collect(_call: &Call<'_>, _object: &str, _name: &str, _writes: Vec<Write>) -> Result<Collected, Failure> {
        unsupported("collect")
    }
}

impl Page {
    /// A page of rows, and where the next one starts.
    pub fn of(rows: Vec<Row>, next: Option<String>) -> Self {
        Self { rows, gone: Vec::new(), next, wait: None, total: None }
    }
}

/// Writes one after the other and keeps the contract's promise, one outcome per write: a write that ends as `temporary` may have
/// taken effect and is `unknown`, and a failure half way leaves the rest for `later`.
///
/// # Errors
/// Only a failure of the very first write is the failure of all, since none took effect.
pub fn one_by_one(
    writes: &[Write],
    write_one: impl Fn(&Write) -> Result<Outcome, Failure>,
) -> Result<Vec<Outcome>, Failure> {
    let mut outcomes = Vec::with_capacity(writes.len());
    for write in writes {
        match write_one(write) {
            Ok(outcome) => outcomes.push(outcome),
            Err(Failure::Temporary(why)) => outcomes.push(Outcome::Unknown(why)),
            Err(failure) if outcomes.is_empty() => return Err(failure),
            Err(failure) => {
                let wait = if let Failure::RateLimited(wait) = failure { wait } else { None };
                outcomes.resize_with(writes.len(), || Outcome::Later(wait));
                break;
            }
        }
    }
    Ok(outcomes)
}

struct HostSignature;

impl Signature for HostSignature {
    fn hmac_sha256(&self, message: &[u8], mac: &[u8]) -> bool {
        crate::bindings::connector::ferry::crm::signature::hmac_sha256(message, mac)
    }
}

/// What [`connector!`](crate::connector!) exports for a connector.
#[doc(hidden)]
pub struct Export<C>(PhantomData<C>);

fn call(connection: &exports::Connection) -> Call<'_> {
    Call { settings: &connection.settings, now: connection.now, http: &HostHttp, signature: &HostSignature }
}

impl<C: Connector> exports::Guest for Export<C> {
    fn check(connection: exports::Connection) -> Result<Account, Failure> {
        C::check(&call(&connection))
    }

    fn objects(connection: exports::Connection) -> Result<Vec<Object>, Failure> {
        C::objects(&call(&connection))
    }

    fn fields(connection: exports::Connection, object: String) -> Result<Vec<Field>, Failure> {
        C::fields(&call(&connection), &object)
    }

    fn segments(connection: exports::Connection, object: String) -> Result<Vec<Segment>, Failure> {
        C::segments(&call(&connection), &object)
    }

    fn pull(connection: exports::Connection, request: PullRequest) -> Result<Page, Failure> {
        C::pull(&call(&connection), request)
    }

    fn partition(connection: exports::Connection, request: PullRequest, most: u32) -> Result<Vec<String>, Failure> {
        C::partition(&call(&connection), request, most)
    }

    fn gone(
        connection: exports::Connection,
        object: String,
        window: Window,
        token: Option<String>,
    ) -> Result<Page, Failure> {
        C::gone(&call(&connection), &object, window, token)
    }

    fn push(connection: exports::Connection, object: String, writes: Vec<Write>) -> Result<Vec<Outcome>, Failure> {
        C::push(&call(&connection), &object, writes)
    }

    fn resolve(
        connection: exports::Connection,
        object: String,
        writes: Vec<Write>,
    ) -> Result<Vec<Option<Written>>, Failure> {
        C::resolve(&call(&connection), &object, writes)
    }

    fn receive(connection: exports::Connection, request: Webhook) -> Result<Vec<Hint>, Failure> {
        C::receive(&call(&connection), request)
    }
}

impl<C: Connector> bulk::Guest for Export<C> {
    fn least(connection: exports::Connection, object: String) -> Result<Option<u32>, Failure> {
        C::least(&call(&connection), &object)
    }

    fn open(connection: exports::Connection, object: String, writes: Vec<Write>) -> Result<String, Failure> {
        C::open(&call(&connection), &object, writes)
    }

    fn submit(
        connection: exports::Connection,
        object: String,
        name: String,
        writes: Vec<Write>,
    ) -> Result<(), Failure> {
        C::submit(&call(&connection), &object, &name, writes)
    }

    fn collect(
        connection: exports::Connection,
        object: String,
        name: String,
        writes: Vec<Write>,
    ) -> Result<Collected, Failure> {
        C::collect(&call(&connection), &object, &name, writes)
    }
}

/// Makes the component's exports of a [`Connector`](crate::connector::Connector). Does nothing in a native build, so that
/// tests link.
#[macro_export]
macro_rules! connector {
    ($connector:ty) => {
        $crate::stamp!();

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::connector::Export<$connector>;
    $crate::bindings::connector::export_connector!(Exported with_types_in $crate::bindings::connector);
        };
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(ends: &[Result<Outcome, Failure>]) -> Result<Vec<Outcome>, Failure> {
        let write = |number: usize| Write {
            key: number.to_string(),
            operation: Operation::Create,
            values: Vec::new(),
            links: Vec::new(),
            version: None,
        };
        let writes: Vec<Write> = (0..ends.len()).map(write).collect();
        one_by_one(&writes, |write| ends[write.key.parse::<usize>().unwrap()].clone())
    }

    #[test]
    fn each_write_has_its_outcome_whatever_stops_the_rest() {
        let lost = || Err(Failure::Temporary("cut".into()));
        let slow = || Err(Failure::RateLimited(Some(500)));
        let unknown = || Outcome::Unknown("cut".into());
        assert_eq!(
            pushed(&[Ok(Outcome::Conflict), lost(), slow(), Ok(Outcome::Conflict)]),
            Ok(vec![Outcome::Conflict, unknown(), Outcome::Later(Some(500)), Outcome::Later(Some(500))])
        );
        assert_eq!(pushed(&[lost()]), Ok(vec![unknown()]));
        assert_eq!(pushed(&[slow(), Ok(Outcome::Conflict)]), Err(Failure::RateLimited(Some(500))));
    }
}
