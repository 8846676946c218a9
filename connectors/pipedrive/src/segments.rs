//! Pipedrive's filters: saved conditions, whose records change by themselves.

use ferry_sdk::connector::{Failure, Segment};
use ferry_sdk::http::Request;
use serde::Deserialize;

use crate::api::{self, Api, List};
use crate::objects::Standard;

#[derive(Deserialize)]
struct Filter {
    id: u64,
    #[serde(default)]
    name: String,
    #[serde(default)]
    active_flag: Option<bool>,
}

pub(crate) fn segments(api: &Api<'_>, object: &Standard) -> Result<Vec<Segment>, Failure> {
    let request = Request::get(api::first("filters")).query("type", object.filter);
    let filters: List<Filter> = api.json(request, "filters")?;
    let active = filters.data.unwrap_or_default().into_iter().filter(|filter| filter.active_flag != Some(false));
    let segment =
        |filter: Filter| Segment { id: filter.id.to_string(), name: filter.name, size: None, changes_by_itself: true };
    Ok(active.map(segment).collect())
}
