//! The property in which HubSpot keeps the host's key of an activity, so that logging it twice logs it once.

use ferry_sdk::connector::Failure;
use ferry_sdk::http::Request;
use serde_json::json;

use crate::api::Api;
use crate::failure;
use crate::schema::{self, ACTIVITY_TIME, Properties};

/// Makes the property if the object does not have it.
///
/// # Errors
/// `permanent` where a property of this name can hold a value twice: writing by it would mix up records.
pub(super) fn ensure(api: &Api<'_>, object: &str) -> Result<(), Failure> {
    let name = &api.settings.unique_call_property;
    let properties: Properties = api.json(schema::request(api, object), object)?;
    if let Some(property) = properties.results.iter().find(|property| property.name == *name && !property.archived) {
        return if property.has_unique_value {
            Ok(())
        } else {
            Err(Failure::Permanent(format!(
                "the property `{name}` of `{object}` in HubSpot does not have unique values: delete it, or name another \
                 one in the setting `unique_call_property`"
            )))
        };
    }
    // A property has to be in a group, and each object has its own: the activity's time is in one that surely exists.
    let group = properties.results.into_iter().find(|property| property.name == ACTIVITY_TIME);
    let group = group.and_then(|property| property.group_name).unwrap_or_else(|| "engagement".to_owned());
    let property = json!({
        "name": name,
        "label": "Ferry key",
        "description": "Keeps Ferry from logging the same activity twice. Please leave it as it is.",
        "groupName": group,
        "type": "string",
        "fieldType": "text",
        "hasUniqueValue": true,
        "formField": false,
    });
    let response = api.try_send(Request::post(api.properties(object)).json(&property))?;
    // Somebody else was faster: another push, most likely.
    if response.status == 409 {
        return Ok(());
    }
    failure::checked(response, object).map(|_| ())
}
