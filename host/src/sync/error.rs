//! Why a run ended early. What was committed stays; the next run goes on from there.

use crate::model::connector::Window;
use crate::model::failure::{CallError, Failure, Fault};
use crate::model::id::{ConnectionId, PluginId};
use crate::model::mapping::MappingError;
use crate::model::sync::Sync;
use crate::store::StoreError;

use super::attributes::AttributeError;

#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("connection `{connection}` failed at `{verb}`")]
    Call { connection: ConnectionId, verb: &'static str, source: CallError },
    #[error(transparent)]
    Mapping(#[from] MappingError),
    #[error(transparent)]
    MapperFault(#[from] Fault),
    #[error(transparent)]
    Attribute(#[from] AttributeError),
    #[error("the CRM says that {} alone holds more records than it pages through", .0.since)]
    TooDense(Window),
    #[error("the stored rows do not have what the mapping reads: {}", .0.join(", "))]
    Unread(Vec<String>),
    #[error("{missing} of {living} records seem to be gone from the CRM")]
    TooManyGone { missing: u64, living: u64 },
    #[error("the CRM does not show what the mapping reads: {}", .0.join(", "))]
    FieldsVanished(Vec<String>),
    #[error("mapper `{0}` is not installed")]
    NoMapper(PluginId),
    #[error("the run was stopped")]
    Stopped,
    #[error("a task of the run was lost")]
    Lost,
}

impl SyncError {
    pub(super) fn call(sync: &Sync, verb: &'static str, source: CallError) -> Self {
        Self::Call { connection: sync.connection.clone(), verb, source }
    }

    /// A stable code for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Call { source, .. } => call_code(source),
            Self::Mapping(MappingError::Mistakes(_)) => "mapping-mistakes",
            Self::Mapping(MappingError::Fault(fault)) | Self::MapperFault(fault) => fault.kind.code(),
            Self::Attribute(error) => error.code(),
            Self::TooDense(_) => "window-too-dense",
            Self::Unread(_) => "rows-lack-columns",
            Self::TooManyGone { .. } => "sweep-too-many-gone",
            Self::FieldsVanished(_) => "fields-vanished",
            Self::NoMapper(_) => "mapper-missing",
            Self::Stopped => "stopped",
            Self::Lost => "lost-task",
        }
    }

    /// The next step for the person who reads it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Store(error) => error.remedy().to_owned(),
            Self::Call { connection, source, .. } => call_remedy(connection, source),
            Self::Mapping(MappingError::Mistakes(_)) => "mend the mapping and create the sync again".to_owned(),
            Self::Mapping(MappingError::Fault(fault)) | Self::MapperFault(fault) => fault.kind.remedy().to_owned(),
            Self::Attribute(error) => error.remedy().to_owned(),
            Self::TooDense(_) => "report it to the connector's publisher: it has to page inside one instant".to_owned(),
            Self::Unread(_) => {
                "mend the name, or `ferry sync apply --reread`: the next run reads every record anew".to_owned()
            }
            Self::TooManyGone { .. } => {
                "see in the CRM whether they are, or whether a permission, a list or a filter has changed; if they are, \
                 `ferry sync sweep --agree`"
                    .to_owned()
            }
            Self::FieldsVanished(_) => {
                "give the account that Ferry signs in with the right to see them, or `ferry sync apply` a mapping without them"
                    .to_owned()
            }
            Self::NoMapper(_) => "install it with `ferry plugin install`".to_owned(),
            Self::Stopped => "run the sync again: it goes on where it stopped".to_owned(),
            Self::Lost => "run the sync again; if it happens twice, report it as a mistake in ferry".to_owned(),
        }
    }
}

fn call_code(error: &CallError) -> &'static str {
    match error {
        CallError::Fault(fault) => fault.kind.code(),
        CallError::Advice(failure) => match failure {
            Failure::Unauthorized(_) => "crm-unauthorized",
            Failure::Forbidden(_) => "crm-forbidden",
            Failure::RateLimited(_) => "crm-rate-limited",
            Failure::QuotaExhausted(_) => "crm-quota-exhausted",
            Failure::WindowTooLarge(_) => "crm-window-too-large",
            Failure::TokenExpired => "crm-token-expired",
            Failure::Missing(_) => "crm-missing",
            Failure::Unsupported(_) => "crm-unsupported",
            Failure::Invalid(_) => "crm-invalid",
            Failure::Temporary(_) => "crm-temporary",
            Failure::Permanent(_) => "crm-permanent",
        },
    }
}

fn call_remedy(connection: &ConnectionId, error: &CallError) -> String {
    let failure = match error {
        CallError::Fault(fault) => return fault.kind.remedy().to_owned(),
        CallError::Advice(failure) => failure,
    };
    match failure {
        Failure::Unauthorized(_) => {
            format!("sign in again with `ferry connection sign-in {connection}`")
        }
        Failure::Forbidden(_) => "ask an administrator of the CRM for these permissions, then run again".to_owned(),
        Failure::RateLimited(_) => "run again later; other programs may be using the same account".to_owned(),
        Failure::QuotaExhausted(Some(until)) => format!("run again after {until}, when the CRM's allowance is renewed"),
        Failure::QuotaExhausted(None) => {
            "run again when the CRM's allowance is renewed, most often at midnight".to_owned()
        }
        Failure::Missing(_) => {
            format!("see `ferry fields {connection} OBJECT` for what is there, then mend the sync's mapping or filter")
        }
        Failure::Invalid(_) => "mend the connection's settings or the sync's filter".to_owned(),
        Failure::Temporary(_) => "run again later: it goes on where it stopped".to_owned(),
        Failure::WindowTooLarge(_) | Failure::TokenExpired | Failure::Unsupported(_) | Failure::Permanent(_) => {
            "report it to the connector's publisher, with this message".to_owned()
        }
    }
}
