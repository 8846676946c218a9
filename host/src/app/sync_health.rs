//! Whether a sync would run: are its object, fields and list still there, do types match, how did the last run end. Asks
//! the CRM and changes nothing.

use super::Tenant;
use super::advice::{Advice, Class, Whose};
use super::doctor::{Extent, Finding, Health};
use super::error::AppError;
use super::words::were;
use crate::model::connector::Connector;
use crate::model::mapping::{Column, Direction, Kind};
use crate::model::schema::Field;
use crate::model::sync::{RunEnd, Sync};

pub(super) async fn examine(tenant: &Tenant, sync: &Sync, extent: Extent) -> Vec<Finding> {
    let subject = format!("sync {}", sync.id);
    let mut findings = Vec::new();
    if extent.online && !sync.is_import() {
        match schema(tenant, sync, &subject).await {
            Ok(found) => findings.extend(found),
            Err(error) => findings.push(Finding::fail(&subject, &error)),
        }
    }
    match history(tenant, sync, &subject) {
        Ok(found) => findings.extend(found),
        Err(error) => findings.push(Finding::fail(&subject, &error)),
    }
    findings
}

/// What the CRM has now against what the sync was made for.
async fn schema(tenant: &Tenant, sync: &Sync, subject: &str) -> Result<Vec<Finding>, AppError> {
    let connector = tenant.connector(&sync.connection).await?;
    let call = |verb, error| AppError::call(&sync.connection, verb, error);
    let fields = connector.fields(&sync.object).await.map_err(|error| call("fields", error))?;
    let mut findings = drift(sync, &fields, subject);
    findings.extend(segment(sync, &*connector, subject).await?);
    if let Err(error) = mapping(tenant, sync, &fields).await {
        findings.push(Finding::fail(subject, &error));
    }
    for (kind, spec) in &sync.outbound {
        let mapper = tenant.mapper(&spec.mapping.mapper).await?;
        let input = crate::sync::outcome_columns(*kind, &tenant.attributes()?);
        let opened = mapper.open(&spec.mapping.configuration, Direction::Outbound, &input).await;
        let opened = opened.map_err(|error| AppError::outbound_mapping(*kind, &spec.mapping.mapper, error))?;
        let fields = connector.fields(&spec.object).await.map_err(|error| call("fields", error))?;
        findings.extend(unwritable(opened.output(), &fields, &spec.object, subject));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(subject, "its fields are there, with the types that it knows"));
    }
    Ok(findings)
}

/// Fields that are gone, or of another type than when the sync was made.
fn drift(sync: &Sync, fields: &[Field], subject: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for column in &sync.columns {
        let name = &column.name;
        match fields.iter().find(|field| &field.name == name) {
            None => {
                findings.push(broken(subject, format!("field `{name}` of `{}` is not there any more", sync.object)))
            }
            Some(field) if Kind::from(field.kind) != column.kind => {
                let (was, is) = (column.kind, Kind::from(field.kind));
                let what = format!("field `{name}` was of type {was:?} and is of type {is:?} now").to_lowercase();
                findings.push(broken(subject, what));
            }
            Some(_) => {}
        }
    }
    for condition in &sync.filter {
        if !fields.iter().any(|field| field.name == condition.field) {
            findings.push(broken(subject, format!("field `{}` of its filter is not there any more", condition.field)));
        }
    }
    findings
}

fn unwritable(output: &[Column], fields: &[Field], object: &str, subject: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for column in output {
        match fields.iter().find(|field| field.name == column.name) {
            None => {
                findings.push(broken(subject, format!("field `{}` of `{object}` is not there any more", column.name)))
            }
            Some(field) if !field.writable => {
                findings
                    .push(broken(subject, format!("field `{}` of `{object}` can't be written any more", field.name)));
            }
            Some(_) => {}
        }
    }
    findings
}

fn broken(subject: &str, what: String) -> Finding {
    let advice = Advice::new(
        "schema-drift",
        Whose::Configuration,
        Class::Configuration,
        "bring the field back in the CRM, or make the sync anew with a mapping for what is there now",
    );
    Finding { health: Health::Fail, ..Finding::warn(subject, what, advice) }
}

async fn segment(sync: &Sync, connector: &dyn Connector, subject: &str) -> Result<Option<Finding>, AppError> {
    let Some(id) = &sync.segment else { return Ok(None) };
    let segments = connector.segments(&sync.object).await;
    let segments = segments.map_err(|error| AppError::call(&sync.connection, "segments", error))?;
    let there = segments.iter().any(|segment| &segment.id == id);
    Ok((!there).then(|| broken(subject, format!("list `{id}` is not there any more"))))
}

/// The mapping still opens against what the CRM has.
async fn mapping(tenant: &Tenant, sync: &Sync, fields: &[Field]) -> Result<(), AppError> {
    let spec = &sync.mapping;
    let mapper = tenant.mapper(&spec.mapper).await?;
    let input: Vec<Column> =
        fields.iter().map(|field| Column { name: field.name.clone(), kind: field.kind.into() }).collect();
    let opened = mapper.open(&spec.configuration, Direction::Inbound, &input).await;
    opened.map(|_| ()).map_err(|error| AppError::mapping(&spec.mapper, error))
}

fn history(tenant: &Tenant, sync: &Sync, subject: &str) -> Result<Vec<Finding>, AppError> {
    let status = tenant.sync_status(&sync.id)?;
    let mut findings = Vec::new();
    let configuration = |code, remedy: String| Advice::new(code, Whose::Configuration, Class::Configuration, remedy);
    match status.last_run.map(|run| run.end) {
        Some(RunEnd::Failed { code, message, remedy }) => {
            findings.push(Finding::warn(
                subject,
                format!("its last run ended early ({code}): {message}"),
                configuration("last-run-failed", remedy),
            ));
        }
        Some(_) => findings.push(Finding::ok(subject, "its last run ended well")),
        None => findings.push(Finding::ok(subject, "it has not run yet")),
    }
    if status.state.refused > 0 {
        let remedy = format!("`ferry contacts list --sync {} --refused` says why", sync.id);
        let what = format!("{} refused", were(status.state.refused, "row"));
        findings.push(Finding::warn(subject, what, configuration("refused-rows", remedy)));
    }
    if status.conflicts > 0 {
        let remedy = format!("`ferry conflicts list --sync {}` shows both sides", sync.id);
        let what = format!("{} values wait for somebody to decide", status.conflicts);
        findings.push(Finding::warn(subject, what, configuration("conflicts", remedy)));
    }
    if status.dead > 0 {
        let what = format!("{} writes were refused by the CRM", status.dead);
        let remedy = "`ferry outbox list --dead` says why; `ferry outbox retry` sends them again".to_owned();
        findings.push(Finding::warn(subject, what, configuration("dead-letters", remedy)));
    }
    Ok(findings)
}
