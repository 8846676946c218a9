//! HubSpot's lists as segments.

use ferry_sdk::connector::{Call, Failure, Segment};
use ferry_sdk::http::Request;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::api::Api;
use crate::objects;

/// The most lists that HubSpot gives at once.
const PAGE: usize = 500;

/// 20,000 lists: far more than an account may have.
const PAGES_MOST: usize = 40;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lists {
    lists: Vec<List>,
    #[serde(default)]
    has_more: bool,
    #[serde(default)]
    offset: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    list_id: String,
    name: String,
    #[serde(default)]
    object_type_id: Option<String>,
    #[serde(default)]
    processing_type: String,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    additional_properties: Option<Json>,
}

/// The lists of an object.
pub(crate) fn segments(call: &Call<'_>, object: &str) -> Result<Vec<Segment>, Failure> {
    let api = Api::open(call)?;
    let type_id = objects::type_id(&api, objects::checked(object)?)?;
    let mut segments = Vec::new();
    let mut offset = 0;
    for _ in 0..PAGES_MOST {
        let body = json!({"query": "", "offset": offset, "count": PAGE, "objectTypeId": type_id});
        let lists: Lists = api.json(Request::post(api.lists("/search")).json(&body).repeatable(), object)?;
        let count = lists.lists.len();
        let is_of_object = |list: &List| list.object_type_id.as_ref().is_none_or(|of| *of == type_id);
        segments.extend(lists.lists.into_iter().filter(is_of_object).map(List::segment));
        let next = lists.offset.unwrap_or(offset + u64::try_from(count).unwrap_or_default());
        if !lists.has_more || next <= offset {
            break;
        }
        offset = next;
    }
    Ok(segments)
}

impl List {
    fn segment(self) -> Segment {
        // Searches tell the size among other texts, single lists as a number.
        let told =
            self.additional_properties.as_ref().and_then(|more| more.get("hs_list_size")?.as_str()?.parse().ok());
        Segment {
            size: self.size.or(told),
            changes_by_itself: self.processing_type == "DYNAMIC",
            id: self.list_id,
            name: self.name,
        }
    }
}

#[cfg(test)]
mod tests {
    use ferry_sdk::http::Method;
    use ferry_sdk::testing::{FakeHttp, FakeSignature, call, json as respond};

    use super::*;

    #[test]
    fn lists_of_the_object_come_page_by_page() {
        let target = "/crm/v3/lists/search";
        let first = json!({"hasMore": true, "offset": 2, "total": 3, "lists": [
            {"listId": "1", "name": "Warm", "objectTypeId": "0-1", "processingType": "DYNAMIC", "additionalProperties": {"hs_list_size": "12"}},
            {"listId": "2", "name": "Firms", "objectTypeId": "0-2", "processingType": "MANUAL"}]});
        let second = json!({"hasMore": false, "offset": 3, "total": 3, "lists": [
            {"listId": "3", "name": "Fair", "objectTypeId": "0-1", "processingType": "MANUAL", "size": 7}]});
        let http = FakeHttp::new().expect(Method::Post, target, Ok(respond(200, &first))).expect(
            Method::Post,
            target,
            Ok(respond(200, &second)),
        );
        let signature = FakeSignature::default();
        let segments = segments(&call("{}", 0, &http, &signature), "contacts");
        http.done();
        let segment = |id: &str, name: &str, size, changes_by_itself| Segment {
            id: id.into(),
            name: name.into(),
            size,
            changes_by_itself,
        };
        assert_eq!(segments, Ok(vec![segment("1", "Warm", Some(12), true), segment("3", "Fair", Some(7), false)]));
        assert_eq!(http.sent_json()[1], json!({"query": "", "offset": 2, "count": 500, "objectTypeId": "0-1"}));
    }
}
