//! Changes to records: the one way in, for the public interface and for the control interface alike, so that rules, stamps,
//! journal and change events always agree.

use serde_json::json;

use super::cell::Cell;
use super::changes::ChangeEvent;
use super::errors::ApiError;
use super::id::Id;
use super::org::{At, DuplicateRule, INTEGRATION_USER, LEAD_QUEUE_USER, Org, SALES_USER};
use super::table::Record;
use super::values::Changes;
use crate::sim::faults::Fault;
use crate::sim::journal::Entry;

/// Who writes and what the request said about it.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    /// A call of the public interface, not a person.
    pub(crate) api: bool,
    /// As change events name it.
    pub(crate) origin: String,
    /// Whether new leads are given to whom the assignment rule says.
    pub(crate) assign: bool,
    /// Whether a duplicate is saved all the same, where the rule lets it.
    pub(crate) allow_duplicates: bool,
    /// `METHOD /path`, for the faults that strike single records.
    pub(crate) endpoint: String,
    /// A stamp that a test wants, milliseconds since 1970.
    pub(crate) stamp_ms: Option<i64>,
}

impl Writer {
    /// A person in the CRM: no value is checked and no rule applies.
    pub(crate) fn person(stamp_ms: Option<i64>) -> Self {
        Self {
            api: false,
            origin: String::new(),
            assign: false,
            allow_duplicates: true,
            endpoint: String::new(),
            stamp_ms,
        }
    }

    fn user(&self) -> Id {
        if self.api { INTEGRATION_USER } else { SALES_USER }
    }
}

/// What faults can strike a single record.
pub(crate) const RECORD_FAULTS: [Fault; 3] = [Fault::LockedRow, Fault::Duplicate, Fault::ValidationRule];

fn strike(org: &mut Org, writer: &Writer) -> Result<(), ApiError> {
    if !writer.api {
        return Ok(());
    }
    match org.faults.strike(&writer.endpoint, |rule| RECORD_FAULTS.contains(&rule.fault)) {
        Some(Fault::LockedRow) => {
            Err(ApiError::bad("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records"))
        }
        Some(Fault::Duplicate) => Err(duplicates(None)),
        Some(Fault::ValidationRule) => Err(broken_rule("Please ask your administrator", None)),
        _ => Ok(()),
    }
}

fn duplicates(of: Option<Id>) -> ApiError {
    let matches: Vec<_> = of.into_iter().map(|id| json!({"record": {"Id": id}, "matchConfidence": 100.0})).collect();
    ApiError::bad("DUPLICATES_DETECTED", "Use one of these records?").with_extra(
        "duplicateResult",
        json!({"allowSave": true, "duplicateRule": "Standard_Rule", "duplicateRuleEntityType": "Contact",
            "errorMessage": "Use one of these records?", "matchResults": [{"matchRecords": matches, "success": true}]}),
    )
}

fn broken_rule(message: &str, field: Option<&str>) -> ApiError {
    let error = ApiError::bad("FIELD_CUSTOM_VALIDATION_EXCEPTION", message);
    field.map_or(error.clone(), |field| error.about(field))
}

/// Creates a record.
pub(crate) fn create(org: &mut Org, at: At, changes: &Changes, writer: &Writer) -> Result<Id, ApiError> {
    strike(org, writer)?;
    if writer.api {
        complete(org, at, changes)?;
        rules(org, at, None, changes, writer)?;
    }
    unique(org, at, None, changes)?;
    let ms = writer.stamp_ms.unwrap_or_else(|| org.write_stamp_ms());
    let number = org.objects[at].table.new_number();
    let mut record = Record::new(number, ms, writer.user());
    for (place, field) in org.kind(at).fields.iter().enumerate() {
        if !field.default.is_null() {
            record.set(place, field.default.clone());
        } else if field.kind == super::schema::FieldType::Boolean {
            record.set(place, Cell::Bool(false));
        } else if field.defaulted {
            record.set(place, Cell::Id(writer.user()));
        }
    }
    apply(&mut record, changes);
    if writer.assign
        && org.switches.lead_assignment
        && org.kind(at).name == "Lead"
        && let Some(owner) = org.kind(at).place("OwnerId")
    {
        record.set(owner, Cell::Id(LEAD_QUEUE_USER));
    }
    org.insert(at, record);
    let id = org.id(at, number);
    note(org, at, id, "create", "CREATE", changes, writer);
    Ok(id)
}

/// Updates a record.
pub(crate) fn update(org: &mut Org, at: At, number: u64, changes: &Changes, writer: &Writer) -> Result<(), ApiError> {
    let record = org.table(at).get(number).ok_or_else(|| {
        ApiError::new(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: ")
    })?;
    if record.deleted_ms.is_some() {
        return Err(ApiError::deleted());
    }
    if writer.api && is_converted(org, at, record) {
        return Err(ApiError::bad("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead"));
    }
    strike(org, writer)?;
    if writer.api {
        for (place, _) in changes.iter().filter(|(_, value)| value.is_null()) {
            let field = &org.kind(at).fields[*place];
            if !field.nillable {
                return Err(required(&[&field.name]));
            }
        }
        rules(org, at, Some(number), changes, writer)?;
    }
    unique(org, at, Some(number), changes)?;
    let (ms, user) = (writer.stamp_ms.unwrap_or_else(|| org.write_stamp_ms()), writer.user());
    org.change(at, number, |record| {
        apply(record, changes);
        (record.modified_ms, record.stamp_ms, record.modified_by) = (ms, ms, user);
    });
    note(org, at, org.id(at, number), "update", "UPDATE", changes, writer);
    Ok(())
}

fn is_converted(org: &Org, at: At, record: &Record) -> bool {
    org.kind(at).place("IsConverted").is_some_and(|place| *record.value(place) == Cell::Bool(true))
}

fn apply(record: &mut Record, changes: &Changes) {
    for (place, value) in changes {
        record.set(*place, value.clone());
    }
}

/// Puts a record into the recycle bin.
pub(crate) fn delete(org: &mut Org, at: At, number: u64, writer: &Writer) -> Result<(), ApiError> {
    let record = org.table(at).get(number).ok_or_else(ApiError::not_found)?;
    if record.deleted_ms.is_some() {
        return Err(ApiError::deleted());
    }
    strike(org, writer)?;
    bin(org, at, number, None, writer);
    Ok(())
}

fn bin(org: &mut Org, at: At, number: u64, master: Option<Id>, writer: &Writer) {
    let (ms, now_ms, user) = (org.write_stamp_ms(), org.now_ms(), writer.user());
    org.change(at, number, |record| {
        (record.modified_ms, record.stamp_ms, record.modified_by) = (ms, ms, user);
        record.deleted_ms = Some(now_ms);
        record.master = master;
    });
    note(org, at, org.id(at, number), "delete", "DELETE", &Changes::new(), writer);
}

/// Brings a record back from the recycle bin; false when it is not there.
pub(crate) fn undelete(org: &mut Org, at: At, number: u64, writer: &Writer) -> bool {
    let ms = org.write_stamp_ms();
    let binned = org.table(at).get(number).is_some_and(|record| record.deleted_ms.is_some());
    if binned {
        org.change(at, number, |record| {
            (record.deleted_ms, record.master) = (None, None);
            (record.modified_ms, record.stamp_ms) = (ms, ms);
        });
        note(org, at, org.id(at, number), "undelete", "UNDELETE", &Changes::new(), writer);
    }
    binned
}

/// Merges a record into another: the loser is binned and says into what; where only the loser has a value, the winner gets it.
pub(crate) fn merge(org: &mut Org, at: At, winner: u64, loser: u64, writer: &Writer) -> Result<(), ApiError> {
    let table = org.table(at);
    let both = table.get_living(winner).filter(|_| winner != loser).zip(table.get_living(loser));
    let (kept, lost) = both.ok_or_else(ApiError::not_found)?;
    let gained: Changes = (0..lost.values.len())
        .filter(|place| kept.value(*place).is_null() && !lost.value(*place).is_null())
        .map(|place| (place, lost.value(place).clone()))
        .collect();
    let (into, from) = (org.id(at, winner), org.id(at, loser));
    bin(org, at, loser, Some(into), writer);
    update(org, at, winner, &gained, writer)?;
    re_point(org, from, into);
    Ok(())
}

/// Makes every reference to one record lead to another; no stamp of the records that refer moves.
fn re_point(org: &mut Org, from: Id, into: Id) {
    for object in &mut org.objects {
        let hits = |record: &Record| record.values.contains(&Cell::Id(from));
        let numbers: Vec<u64> =
            object.table.walk(0..=u64::MAX).filter(|record| hits(record)).map(|record| record.number).collect();
        for number in numbers {
            object.table.change(number, |record| {
                record
                    .values
                    .iter_mut()
                    .filter(|value| **value == Cell::Id(from))
                    .for_each(|value| *value = Cell::Id(into));
            });
        }
    }
}

fn required(names: &[&str]) -> ApiError {
    let message = format!("Required fields are missing: [{}]", names.join(", "));
    names.iter().fold(ApiError::bad("REQUIRED_FIELD_MISSING", message), |error, name| error.about(name))
}

fn complete(org: &Org, at: At, changes: &Changes) -> Result<(), ApiError> {
    let fields = org.kind(at).fields.iter().enumerate();
    let is_set = |place: usize| changes.iter().any(|(set, value)| *set == place && !value.is_null());
    let missing: Vec<&str> = fields
        .filter(|(place, field)| field.is_required() && !is_set(*place))
        .map(|(_, field)| field.name.as_str())
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(required(&missing)) }
}

/// Validation rules, then duplicate rules.
fn rules(org: &Org, at: At, own: Option<u64>, changes: &Changes, writer: &Writer) -> Result<(), ApiError> {
    let kind = org.kind(at);
    let set = |name: &str| {
        let place = kind.place(name)?;
        changes.iter().find(|(set, _)| *set == place).map(|(_, value)| value)
    };
    if org.switches.validation_rules {
        if matches!(set("Amount"), Some(Cell::Number(amount)) if *amount < 0.0) {
            return Err(broken_rule("The amount must not be negative.", Some("Amount")));
        }
        if set("Customer_Number__c").and_then(Cell::as_text).is_some_and(|number| !number.starts_with("C-")) {
            return Err(broken_rule("A customer number begins with C-.", Some("Customer_Number__c")));
        }
    }
    let let_pass = match org.switches.duplicate_rule {
        DuplicateRule::Off => true,
        DuplicateRule::Alert => writer.allow_duplicates,
        DuplicateRule::Block => false,
    };
    if own.is_some() || let_pass {
        return Ok(());
    }
    let email = set("Email").and_then(Cell::as_text);
    let other = email.and_then(|email| org.table(at).find(kind.place("Email")?, email).first().copied());
    other.map_or(Ok(()), |other| Err(duplicates(Some(org.id(at, other)))))
}

/// Refuses a value that another record has in a unique field.
fn unique(org: &Org, at: At, own: Option<u64>, changes: &Changes) -> Result<(), ApiError> {
    let kind = org.kind(at);
    for (place, value) in changes.iter().filter(|(place, _)| kind.fields[*place].unique) {
        let Some(text) = value.as_text() else { continue };
        if let Some(other) = org.table(at).find(*place, text).iter().find(|other| Some(**other) != own) {
            let (name, other) = (&kind.fields[*place].name, org.id(at, *other));
            let message = format!("duplicate value found: {name} duplicates value on record with id: {other}");
            return Err(ApiError::bad("DUPLICATE_VALUE", message).about(name));
        }
    }
    Ok(())
}

fn note(org: &mut Org, at: At, id: Id, operation: &str, change: &'static str, changes: &Changes, writer: &Writer) {
    let kind = org.kind(at);
    let name = |place: usize| kind.fields[place].name.clone();
    let properties = changes.iter().map(|(place, value)| (name(*place), value.csv())).collect();
    let fields: Vec<String> = changes.iter().map(|(place, _)| name(*place)).collect();
    let key = kind.place(super::standard::EXTERNAL_ID);
    let key = key.and_then(|place| org.table(at).get(id.number)?.value(place).as_text());
    let (object, at_ms) = (kind.name.clone(), org.now_ms());
    let entry = Entry {
        sequence: 0,
        at_ms,
        object: object.clone(),
        id: id.to_string(),
        operation: operation.to_owned(),
        properties,
        trace_id: key.map(str::to_owned),
        by: if writer.api { "api" } else { "user" },
    };
    org.journal.record(entry);
    org.changes.add(ChangeEvent {
        replay_id: 0,
        entity_name: object,
        record_ids: vec![id.to_string()],
        change_type: change,
        change_origin: writer.origin.clone(),
        commit_timestamp: at_ms,
        commit_user: writer.user().to_string(),
        changed_fields: fields,
    });
}
