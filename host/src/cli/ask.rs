//! Commands that ask a CRM through its plugin what can be synced, and show the answer. To ask and to show are apart: whoever waits
//! for a plugin needs no thread for it.

use clap::Subcommand;
use ferry::app::Tenant;
use ferry::app::error::AppError;
use ferry::model::id::ConnectionId;
use ferry::model::schema::{Field, Object, Segment};

use super::failure::CliError;
use super::output::Output;
use super::{fields, objects, segments};

#[derive(Debug, Subcommand)]
pub(super) enum Question {
    Objects(objects::Args),
    Fields(fields::Args),
    Segments(segments::Args),
}

pub(super) enum Answer {
    Objects(Vec<Object>),
    Fields(Vec<Field>),
    Segments(Vec<Segment>),
}

impl Question {
    pub(super) async fn ask(&self, tenant: &Tenant) -> Result<Answer, CliError> {
        let connection = self.connection();
        let connector = tenant.connector(connection).await?;
        let (verb, answer) = match self {
            Self::Objects(_) => ("objects", connector.objects().await.map(Answer::Objects)),
            Self::Fields(args) => ("fields", connector.fields(&args.object).await.map(Answer::Fields)),
            Self::Segments(args) => ("segments", connector.segments(&args.object).await.map(Answer::Segments)),
        };
        Ok(answer.map_err(|error| AppError::call(connection, verb, error))?)
    }

    fn connection(&self) -> &ConnectionId {
        match self {
            Self::Objects(args) => &args.connection,
            Self::Fields(args) => &args.connection,
            Self::Segments(args) => &args.connection,
        }
    }
}

impl Answer {
    pub(super) fn show(&self, output: &Output) -> Result<(), CliError> {
        match self {
            Self::Objects(objects) => output.answer(objects, || objects::table(objects)),
            Self::Fields(fields) => output.answer(fields, || fields::table(fields)),
            Self::Segments(segments) => output.answer(segments, || segments::table(segments)),
        }
    }
}
