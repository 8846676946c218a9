//! What a connector is asked and what it answers.

use super::super::bindings::connector::exports::ferry::crm::{bulk, connector as wit};
use super::value::{problems, row, tombstone};
use super::{Checked, MAX_TOLD, broken, id, message, millis, token, twice, wit_value};
use crate::model::connector::{
    Collected, Comparison, Condition, Hint, Operation, Page, PullRequest, RecordLink, Slice, Webhook, Window, Write,
    WriteOutcome, Written,
};
use crate::model::schema::{Abilities, Account, Choice, Field, FieldKind, Object, Segment};
use crate::model::time::Instant;

pub(in super::super) fn account(account: wit::Account) -> Checked<Account> {
    Ok(Account {
        id: id(account.id, "the account's id")?,
        name: message(&account.name),
        time_zone: account.time_zone.map(|zone| message(&zone)),
        lacking: account.lacking.iter().take(MAX_TOLD).map(|permission| message(permission)).collect(),
    })
}

pub(in super::super) fn objects(list: Vec<wit::Object>) -> Checked<Vec<Object>> {
    if let Some(name) = twice(list.iter().map(|object| object.name.as_str())) {
        return broken(format!("it names the object `{}` twice", message(name)));
    }
    list.into_iter()
        .map(|object| {
            Ok(Object {
                name: id(object.name, "an object's name")?,
                label: message(&object.label),
                custom: object.custom,
                abilities: abilities(object.abilities),
                lateness_ms: object.lateness,
            })
        })
        .collect()
}

fn abilities(flags: wit::Abilities) -> Abilities {
    Abilities {
        pull: flags.contains(wit::Abilities::PULL),
        windows: flags.contains(wit::Abilities::WINDOWS),
        partitions: flags.contains(wit::Abilities::PARTITIONS),
        gone: flags.contains(wit::Abilities::GONE),
        create: flags.contains(wit::Abilities::CREATE),
        update: flags.contains(wit::Abilities::UPDATE),
        upsert: flags.contains(wit::Abilities::UPSERT),
        delete: flags.contains(wit::Abilities::DELETE),
        conditional: flags.contains(wit::Abilities::CONDITIONAL),
        links: flags.contains(wit::Abilities::LINKS),
        receive: flags.contains(wit::Abilities::RECEIVE),
        keyed: flags.contains(wit::Abilities::KEYED),
    }
}

pub(in super::super) fn fields(list: Vec<wit::Field>) -> Checked<Vec<Field>> {
    if let Some(name) = twice(list.iter().map(|field| field.name.as_str())) {
        return broken(format!("it names the field `{}` twice", message(name)));
    }
    list.into_iter().map(field).collect()
}

fn field(field: wit::Field) -> Checked<Field> {
    Ok(Field {
        name: id(field.name, "a field's name")?,
        label: message(&field.label),
        kind: field_kind(field.kind),
        choices: field
            .choices
            .into_iter()
            .map(|choice| Choice { value: choice.value, label: message(&choice.label), hidden: choice.hidden })
            .collect(),
        refers_to: field
            .refers_to
            .into_iter()
            .map(|object| id(object, "the name of an object that a field refers to"))
            .collect::<Checked<_>>()?,
        required: field.required,
        writable: field.writable,
        unique: field.unique,
        custom: field.custom,
        derived: field.derived,
        length: field.length,
    })
}

fn field_kind(kind: wit::Kind) -> FieldKind {
    match kind {
        wit::Kind::Boolean => FieldKind::Boolean,
        wit::Kind::Integer => FieldKind::Integer,
        wit::Kind::Decimal => FieldKind::Decimal,
        wit::Kind::Text => FieldKind::Text,
        wit::Kind::LongText => FieldKind::LongText,
        wit::Kind::Email => FieldKind::Email,
        wit::Kind::Phone => FieldKind::Phone,
        wit::Kind::Url => FieldKind::Url,
        wit::Kind::Instant => FieldKind::Instant,
        wit::Kind::Date => FieldKind::Date,
        wit::Kind::Choice => FieldKind::Choice,
        wit::Kind::Choices => FieldKind::Choices,
        wit::Kind::Reference => FieldKind::Reference,
        wit::Kind::Opaque => FieldKind::Opaque,
    }
}

pub(in super::super) fn segments(list: Vec<wit::Segment>) -> Checked<Vec<Segment>> {
    if let Some(name) = twice(list.iter().map(|segment| segment.id.as_str())) {
        return broken(format!("it names the segment `{}` twice", message(name)));
    }
    list.into_iter()
        .map(|segment| {
            Ok(Segment {
                id: id(segment.id, "a segment's id")?,
                name: message(&segment.name),
                size: segment.size,
                changes_by_itself: segment.changes_by_itself,
            })
        })
        .collect()
}

pub(in super::super) fn wit_request(request: PullRequest) -> wit::PullRequest {
    wit::PullRequest {
        object: request.object,
        columns: request.columns,
        filter: request.filter.into_iter().map(wit_condition).collect(),
        segment: request.segment,
        slice: match request.slice {
            Slice::All => wit::Slice::All,
            Slice::Window(window) => wit::Slice::Window(wit_window(window)),
            Slice::Ids(ids) => wit::Slice::Ids(ids),
        },
        token: request.token,
        limit: request.limit,
    }
}

fn wit_condition(condition: Condition) -> wit::Condition {
    wit::Condition {
        field: condition.field,
        comparison: match condition.comparison {
            Comparison::Equal => wit::Comparison::Equal,
            Comparison::NotEqual => wit::Comparison::NotEqual,
            Comparison::Less => wit::Comparison::Less,
            Comparison::LessOrEqual => wit::Comparison::LessOrEqual,
            Comparison::Greater => wit::Comparison::Greater,
            Comparison::GreaterOrEqual => wit::Comparison::GreaterOrEqual,
            Comparison::OneOf => wit::Comparison::OneOf,
            Comparison::NoneOf => wit::Comparison::NoneOf,
            Comparison::Contains => wit::Comparison::Contains,
            Comparison::Present => wit::Comparison::Present,
            Comparison::Absent => wit::Comparison::Absent,
        },
        values: condition.values.into_iter().map(wit_value).collect(),
    }
}

pub(in super::super) fn wit_window(window: Window) -> wit::Window {
    wit::Window { since: window.since.0, before: window.before.0 }
}

/// What a page has to keep to, from the request that it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct PageRules {
    pub(in super::super) object: String,
    pub(in super::super) columns: usize,
    pub(in super::super) token: Option<String>,
    pub(in super::super) limit: usize,
}

pub(in super::super) fn page(page: wit::Page, rules: &PageRules) -> Checked<Page> {
    if page.rows.len() > rules.limit {
        return broken(format!("a page has {} rows, and {} were the most", page.rows.len(), rules.limit));
    }
    let next = page.next.map(token).transpose()?;
    if next.is_some() && next == rules.token {
        return broken("the next page is this page again");
    }
    if page.wait.is_some() && next.is_none() {
        return broken("a page asks to wait and does not say where it goes on");
    }
    Ok(Page {
        rows: page.rows.into_iter().map(|it| row(it, rules.columns)).collect::<Checked<_>>()?,
        gone: page.gone.into_iter().map(|gone| tombstone(gone, &rules.object)).collect::<Checked<_>>()?,
        next,
        wait: page.wait.map(millis),
        total: page.total,
    })
}

pub(in super::super) fn partitions(tokens: Vec<String>, most: u32) -> Checked<Vec<String>> {
    if tokens.len() > most as usize {
        return broken(format!("it gives {} partitions, and {most} were the most", tokens.len()));
    }
    if twice(tokens.iter().map(String::as_str)).is_some() {
        return broken("two partitions have the same token");
    }
    tokens.into_iter().map(token).collect()
}

pub(in super::super) fn wit_writes(writes: &[Write]) -> Vec<wit::Write> {
    writes
        .iter()
        .map(|write| wit::Write {
            key: write.key.clone(),
            operation: wit_operation(&write.operation),
            values: write.values.iter().map(|(field, value)| (field.clone(), wit_value(value.clone()))).collect(),
            links: write.links.iter().map(wit_link).collect(),
            version: write.version.clone(),
        })
        .collect()
}

fn wit_operation(operation: &Operation) -> wit::Operation {
    match operation {
        Operation::Create => wit::Operation::Create,
        Operation::Update { id } => wit::Operation::Update(id.clone()),
        Operation::Upsert { field, value } => wit::Operation::Upsert((field.clone(), wit_value(value.clone()))),
        Operation::Delete { id } => wit::Operation::Delete(id.clone()),
    }
}

fn wit_link(link: &RecordLink) -> wit::Link {
    wit::Link { label: link.label.clone(), object: link.object.clone(), id: link.id.clone() }
}

pub(in super::super) fn outcomes(list: Vec<wit::Outcome>, writes: usize) -> Checked<Vec<WriteOutcome>> {
    if list.len() != writes {
        return broken(format!("it gives {} outcomes for {writes} writes", list.len()));
    }
    list.into_iter().map(outcome).collect()
}

fn outcome(outcome: wit::Outcome) -> Checked<WriteOutcome> {
    Ok(match outcome {
        wit::Outcome::Written(it) => WriteOutcome::Written(written(it)?),
        wit::Outcome::Unchanged(it) => WriteOutcome::Unchanged(written(it)?),
        wit::Outcome::Conflict => WriteOutcome::Conflict,
        wit::Outcome::Rejected(list) => WriteOutcome::Rejected(problems(list)),
        wit::Outcome::Later(wait) => WriteOutcome::Later(wait.map(millis)),
        wit::Outcome::Unknown(text) => WriteOutcome::Unknown(message(&text)),
    })
}

fn written(it: wit::Written) -> Checked<Written> {
    Ok(Written {
        id: id(it.id, "the id of a written record")?,
        created: it.created,
        modified: it.modified.map(Instant),
        version: it.version,
    })
}

pub(in super::super) fn resolved(list: Vec<Option<wit::Written>>, writes: usize) -> Checked<Vec<Option<Written>>> {
    if list.len() != writes {
        return broken(format!("it gives {} answers for {writes} writes", list.len()));
    }
    list.into_iter().map(|it| it.map(written).transpose()).collect()
}

pub(in super::super) fn set_name(name: String) -> Checked<String> {
    id(name, "the name of a set")
}

pub(in super::super) fn collected(collected: bulk::Collected, writes: usize) -> Checked<Collected> {
    Ok(match collected {
        bulk::Collected::Wait(wait) => Collected::Wait(millis(wait)),
        bulk::Collected::Outcomes(list) => Collected::Outcomes(outcomes(list, writes)?),
        bulk::Collected::Void => Collected::Void,
    })
}

pub(in super::super) fn wit_webhook(webhook: Webhook) -> wit::Webhook {
    wit::Webhook { method: webhook.method, target: webhook.target, headers: webhook.headers, body: webhook.body }
}

pub(in super::super) fn hints(list: Vec<wit::Hint>) -> Checked<Vec<Hint>> {
    list.into_iter()
        .map(|hint| {
            Ok(Hint {
                object: id(hint.object, "the object of a hint")?,
                ids: hint.ids.into_iter().map(|it| id(it, "an id in a hint")).collect::<Checked<_>>()?,
                gone: hint.gone,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::bindings::types::{Row, Tombstone, Value};
    use super::super::Broken;
    use super::*;

    fn rules() -> PageRules {
        PageRules { object: "contacts".into(), columns: 1, token: Some("here".into()), limit: 2 }
    }

    fn empty() -> wit::Page {
        wit::Page { rows: Vec::new(), gone: Vec::new(), next: None, wait: None, total: None }
    }

    fn one_row() -> Row {
        Row { id: "1".into(), modified: Some(5), version: Some("v".into()), values: vec![Value::Null] }
    }

    #[test]
    fn a_page_that_keeps_to_its_request_is_taken() {
        let gone = vec![Tombstone { id: "2".into(), at: Some(7), into: None }];
        let page = page(
            wit::Page { rows: vec![one_row()], gone, next: Some("on".into()), wait: Some(5), total: Some(9) },
            &rules(),
        )
        .unwrap();
        assert_eq!((page.rows.len(), page.gone.len()), (1, 1));
        assert_eq!((page.next.as_deref(), page.wait, page.total), (Some("on"), Some(millis(5)), Some(9)));
    }

    #[test]
    fn a_page_that_breaks_its_rules_is_told_which() {
        let long = "x".repeat(20_000);
        for (bad, why) in [
            (wit::Page { rows: vec![one_row(); 3], ..empty() }, "a page has 3 rows, and 2 were the most"),
            (wit::Page { next: Some("here".into()), ..empty() }, "the next page is this page again"),
            (wit::Page { next: Some(String::new()), ..empty() }, "a page token is empty"),
            (wit::Page { next: Some(long), ..empty() }, "a page token has 20000 bytes, and 16384 are the most"),
            (wit::Page { wait: Some(1), ..empty() }, "a page asks to wait and does not say where it goes on"),
            (
                wit::Page { rows: vec![Row { values: Vec::new(), ..one_row() }], ..empty() },
                "a row has 0 values for 1 columns",
            ),
        ] {
            assert_eq!(page(bad, &rules()), Err(Broken(why.into())));
        }
    }

    #[test]
    fn every_write_has_its_outcome() {
        let list = vec![wit::Outcome::Conflict, wit::Outcome::Later(Some(3))];
        assert_eq!(outcomes(list.clone(), 2), Ok(vec![WriteOutcome::Conflict, WriteOutcome::Later(Some(millis(3)))]));
        assert_eq!(outcomes(list, 3), Err(Broken("it gives 2 outcomes for 3 writes".into())));
        assert_eq!(resolved(vec![None], 2), Err(Broken("it gives 1 answers for 2 writes".into())));
    }

    #[test]
    fn a_written_record_has_an_id() {
        let nameless = wit::Written { id: String::new(), created: true, modified: None, version: None };
        let bad = Err(Broken("the id of a written record is empty".into()));
        assert_eq!(outcomes(vec![wit::Outcome::Written(nameless)], 1), bad);
    }

    #[test]
    fn partitions_are_few_and_different() {
        let tokens = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        assert_eq!(partitions(tokens(&["a", "b"]), 2), Ok(tokens(&["a", "b"])));
        assert!(partitions(tokens(&["a", "b"]), 1).is_err());
        assert!(partitions(tokens(&["a", "a"]), 2).is_err());
        assert!(partitions(tokens(&[""]), 2).is_err());
    }

    #[test]
    fn abilities_keep_their_names() {
        let flags = wit::Abilities::PULL | wit::Abilities::GONE | wit::Abilities::KEYED;
        assert_eq!(abilities(flags).names(), ["pull", "gone", "keyed"]);
        assert_eq!(abilities(wit::Abilities::all()).names().len(), 12);
    }
}
