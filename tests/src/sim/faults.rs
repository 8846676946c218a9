//! Faults as named switches: each with a probability, a seed, a count and an endpoint filter. Says which fault strikes a
//! request; what a fault does is the business of the server and of the CRM.

use serde::{Deserialize, Serialize};

use super::mix;

/// What can go wrong, by the name that the control interface uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// 429 of the rolling ten seconds.
    RateLimitTenSecondly,
    /// 429 of the second (search).
    RateLimitSecondly,
    /// 429 of the day.
    RateLimitDaily,
    /// 423: the record is locked for some seconds.
    Locked,
    /// 477: the account is being moved to another data centre.
    Migration,
    /// 502 with an HTML body, as a proxy gives.
    BadGateway,
    /// 503.
    Unavailable,
    /// 504.
    GatewayTimeout,
    /// 530, as for a badly formed token.
    BadToken,
    /// All access tokens end now, so this request gets 401.
    ExpireTokens,
    /// The body ends before its announced length.
    TruncatedBody,
    /// The answer is cut inside, so that it is no JSON.
    MalformedJson,
    /// JSON, but of another shape than documented.
    WrongShape,
    /// The connection closes before anything is done.
    DropBefore,
    /// The write is done, then the connection closes without an answer.
    CommitThenDrop,
    /// The body comes in small pieces with pauses.
    Trickle,
    /// The whole batch is refused with 409.
    BatchConflict,
    /// 200 `COMPLETE` with no results, and nothing done.
    SilentEmpty,
    /// A 400 that echoes personal data in its message.
    PiiInError,
    /// A body of many megabytes.
    HugeBody,
    /// 302 to elsewhere.
    Redirect,
    /// Salesforce: a record of the request is refused with `UNABLE_TO_LOCK_ROW`.
    LockedRow,
    /// Salesforce: a record of the request is refused by a duplicate rule.
    Duplicate,
    /// Salesforce: a record of the request is refused by a validation rule.
    ValidationRule,
    /// Salesforce: an external id stands for two records.
    Ambiguous,
    /// Salesforce: the locator of a next page has expired.
    LocatorExpired,
    /// Salesforce: the query ran too long.
    QueryTimeout,
    /// Salesforce: a bulk job ends as failed before it has done anything.
    BulkFailed,
    /// Salesforce: a bulk job ends as failed when it has written half of its rows.
    BulkCutShort,
    /// Salesforce: somebody ends a bulk job when it has written half of its rows.
    BulkAborted,
}

/// A fault that is switched on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What happens.
    pub fault: Fault,
    /// 0 to 1; 1 unless told.
    #[serde(default = "always")]
    pub probability: f64,
    /// Seed of the dice; 0 unless told. Returned, so that a run can be repeated.
    #[serde(default)]
    pub seed: u64,
    /// How many times it strikes before it switches itself off; without end unless told.
    #[serde(default)]
    pub count: Option<u64>,
    /// How many matching requests pass before the rule begins.
    #[serde(default)]
    pub skip: u64,
    /// Strikes only requests whose `METHOD /path` (classic form) contains this text.
    #[serde(default)]
    pub endpoint: Option<String>,
}

fn always() -> f64 {
    1.0
}

impl Rule {
    /// A fault that always strikes.
    pub fn always(fault: Fault) -> Self {
        Self { fault, probability: 1.0, seed: 0, count: None, skip: 0, endpoint: None }
    }

    /// A fault that strikes `count` times.
    pub fn times(fault: Fault, count: u64) -> Self {
        Self { count: Some(count), ..Self::always(fault) }
    }

    /// The same, only where `METHOD /path` contains `endpoint`.
    #[must_use]
    pub fn at(self, endpoint: &str) -> Self {
        Self { endpoint: Some(endpoint.to_owned()), ..self }
    }

    /// The same with dice: `probability` of 0 to 1 and the seed of the dice.
    #[must_use]
    pub fn randomly(self, probability: f64, seed: u64) -> Self {
        Self { probability, seed, ..self }
    }
}

/// The rules that are on, with what they did so far.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Vec<Active>,
}

/// A rule and its history.
#[derive(Debug, Clone, Serialize)]
pub struct Active {
    /// The rule as it was switched on.
    #[serde(flatten)]
    pub rule: Rule,
    /// Matching requests so far.
    pub seen: u64,
    /// How often it struck.
    pub struck: u64,
}

impl Faults {
    /// Switches a fault on, beside those that are on.
    pub fn add(&mut self, rule: Rule) {
        self.rules.push(Active { rule, seen: 0, struck: 0 });
    }

    /// Switches off every rule of `fault`; all rules when none is named.
    pub fn clear(&mut self, fault: Option<Fault>) {
        self.rules.retain(|active| fault.is_some_and(|fault| active.rule.fault != fault));
    }

    /// The rules that are on.
    pub fn active(&self) -> &[Active] {
        &self.rules
    }

    /// The fault that strikes this request, the first rule that matches. `endpoint` is `METHOD /path`; a rule for which
    /// `applies` is false (a batch fault on a read, say) is passed over without being counted.
    pub fn strike(&mut self, endpoint: &str, applies: impl Fn(&Rule) -> bool) -> Option<Fault> {
        self.rules.iter_mut().find_map(|active| active.strike(endpoint, &applies))
    }
}

impl Active {
    fn strike(&mut self, endpoint: &str, applies: &impl Fn(&Rule) -> bool) -> Option<Fault> {
        let rule = &self.rule;
        let matches = rule.endpoint.as_deref().is_none_or(|part| endpoint.contains(part));
        if !matches || !applies(rule) || rule.count.is_some_and(|count| self.struck >= count) {
            return None;
        }
        self.seen += 1;
        if self.seen <= rule.skip {
            return None;
        }
        // 53 bits make an even fraction of 0 to 1 in an f64.
        let dice = (mix(rule.seed, self.seen) >> 11) as f64 / (1_u64 << 53) as f64;
        if dice >= rule.probability {
            return None;
        }
        self.struck += 1;
        Some(rule.fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_strikes_where_and_as_often_as_told() {
        let mut faults = Faults::default();
        faults.add(Rule { skip: 1, ..Rule::times(Fault::BadGateway, 2).at("POST /crm") });
        let struck: Vec<_> = ["GET /crm/a", "POST /crm/a", "POST /crm/b", "POST /crm/c", "POST /crm/d"]
            .map(|endpoint| faults.strike(endpoint, |_| true))
            .into();
        assert_eq!(struck, [None, None, Some(Fault::BadGateway), Some(Fault::BadGateway), None]);
    }

    #[test]
    fn equal_seeds_throw_equal_dice() {
        let throw = |seed| {
            let mut faults = Faults::default();
            faults.add(Rule::always(Fault::Unavailable).randomly(0.3, seed));
            (0..200).map(|_| faults.strike("GET /", |_| true).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(throw(7), throw(7));
        assert_ne!(throw(7), throw(8));
        let share = throw(7).iter().filter(|struck| **struck).count();
        assert!((40..80).contains(&share), "{share} of 200 at 0.3");
    }
}
