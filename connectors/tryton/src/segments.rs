//! The categories of parties: people put them there.

use ferry_sdk::connector::{Failure, Segment};
use serde::Deserialize;
use serde_json::json;

use crate::api::{Api, PAGE_MOST, context, search_read};
use crate::objects::PARTY;

#[derive(Deserialize)]
struct Category {
    id: i64,
    rec_name: Option<String>,
}

pub(crate) fn segments(api: &Api<'_>, object: &str) -> Result<Vec<Segment>, Failure> {
    if object != PARTY {
        return Ok(Vec::new());
    }
    let question = search_read("party.category", &json!([]), PAGE_MOST, &["rec_name"], context());
    let categories: Vec<Category> = api.ask(question, "party.category")?;
    let segment = |category: Category| Segment {
        id: category.id.to_string(),
        name: category.rec_name.unwrap_or_default(),
        size: None,
        changes_by_itself: false,
    };
    Ok(categories.into_iter().map(segment).collect())
}
