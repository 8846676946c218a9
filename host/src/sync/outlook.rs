//! What would go out: the outbox as writes. Asks the CRM nothing and writes nothing.

use std::collections::BTreeMap;

use crate::model::connector::{Operation, Write};
use crate::model::id::OutboxId;
use crate::model::outcome::{Delivery, OutboxEntry};
use crate::model::policy::Policy;
use crate::model::sync::Sync;
use crate::model::value::{Problem, Value};

use super::effects::{Effect, Effects};
use super::queue::BATCH;
use super::{Ports, SyncError, delivery};

/// What would become of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outlook {
    /// `policies` are those of the attributes that a change of the record itself carries.
    Written {
        object: String,
        write: Write,
        policies: Vec<(String, Policy)>,
    },
    LeftOut(String),
    Refused(Vec<Problem>),
}

/// The sums of an outbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct OutboundPlan {
    pub written: u64,
    pub left_out: u64,
    pub refused: u64,
    /// Of those that are written, how many may have arrived already: the CRM is asked first.
    pub unknown: u64,
    /// How often the CRM would be called at least: once for a batch of one object, and once more where it is asked first.
    pub calls: u64,
}

/// Plans what waits in the outbox of a sync; dead letters wait for a person, not for this. `tell` hears of each entry.
pub async fn plan_outbound(
    ports: &Ports,
    sync: &Sync,
    tell: &mut (dyn FnMut(&OutboxEntry, &Outlook) + Send),
) -> Result<OutboundPlan, SyncError> {
    let mut effects = Effects::of(ports, sync)?;
    let (mut plan, mut written, mut asked) = (OutboundPlan::default(), BTreeMap::new(), BTreeMap::new());
    let written_as = |object: String, write: Write, sent: Vec<(String, Value)>| {
        let policies = sent.into_iter().map(|(name, _)| (name.clone(), sync.policy(&name))).collect();
        Outlook::Written { object, write, policies }
    };
    for entry in ports.workspace.scan_from::<OutboxEntry>(OutboxId(0)) {
        let entry = entry?;
        if entry.sync != sync.id || entry.is_dead() {
            continue;
        }
        let outlook = match &entry.delivery {
            Delivery::Unknown { write, object, sent, .. } => {
                plan.unknown += 1;
                *asked.entry(object.clone()).or_default() += 1;
                written_as(object.clone(), write.clone(), sent.clone())
            }
            _ => match delivery::expired(sync, &entry, ports.clock.now()) {
                Some(expired) => Outlook::Refused(vec![expired]),
                None => match effects.of_entry(&entry).await? {
                    Effect::Write { object, write, sent } => written_as(object, write, sent),
                    Effect::LeftOut(reason) => Outlook::LeftOut(reason),
                    Effect::Refused(problems) => Outlook::Refused(problems),
                },
            },
        };
        match &outlook {
            Outlook::Written { object, .. } => {
                plan.written += 1;
                *written.entry(object.clone()).or_default() += 1;
            }
            Outlook::LeftOut(_) => plan.left_out += 1,
            Outlook::Refused(_) => plan.refused += 1,
        }
        tell(&entry, &outlook);
    }
    let calls =
        |entries: &BTreeMap<String, u64>| entries.values().map(|count| count.div_ceil(BATCH as u64)).sum::<u64>();
    plan.calls = calls(&written) + calls(&asked);
    Ok(plan)
}

impl Outlook {
    /// For people: what would happen, and with what.
    pub fn describe(&self) -> (String, String) {
        match self {
            Self::Written { object, write, policies } => {
                let how = match &write.operation {
                    Operation::Create => "created",
                    Operation::Update { .. } => "changed",
                    Operation::Upsert { .. } => "written",
                    Operation::Delete { .. } => "deleted",
                };
                let cell = |(name, value): &(String, Value)| match value.to_cell() {
                    text if text.is_empty() => format!("{name}: nothing"),
                    text => format!("{name}: {text}"),
                };
                let mut details: Vec<String> = write.values.iter().map(cell).collect();
                details.extend(policies.iter().map(|(name, policy)| format!("({name} by {})", policy.as_str())));
                (format!("{how} in {object}"), details.join("; "))
            }
            Self::LeftOut(reason) => ("not sent".to_owned(), reason.clone()),
            Self::Refused(problems) => {
                let words = problems.iter().map(|problem| match &problem.field {
                    Some(field) => format!("{field}: {}", problem.message),
                    None => problem.message.clone(),
                });
                ("a dead letter".to_owned(), words.collect::<Vec<_>>().join("; "))
            }
        }
    }
}
