//! Segments: campaigns, which people put together, and list views, which are saved filters.

mod view;

use ferry_sdk::connector::{Failure, Segment};
use serde::Deserialize;

use crate::api::{Api, is_id};
use crate::soql;

pub(crate) use view::View;

const CAMPAIGN: &str = "Campaign";

/// The most campaigns that are listed: beyond, nobody looks through them.
const MOST: usize = 2_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Campaign {
    id: String,
    name: String,
    #[serde(default)]
    number_of_contacts: Option<u64>,
    #[serde(default)]
    number_of_leads: Option<u64>,
}

/// The field of a campaign's member that names a record of this object; none where it has no such members.
fn member_field(object: &str) -> Option<&'static str> {
    match object {
        "Contact" => Some("ContactId"),
        "Lead" => Some("LeadId"),
        _ => None,
    }
}

/// Campaigns first, then list views.
pub(crate) fn segments(api: &Api<'_>, object: &str) -> Result<Vec<Segment>, Failure> {
    let mut segments = campaigns(api, object)?;
    segments.extend(view::list(api, object)?);
    Ok(segments)
}

fn campaigns(api: &Api<'_>, object: &str) -> Result<Vec<Segment>, Failure> {
    if member_field(object).is_none() {
        return Ok(Vec::new());
    }
    let of = |fields: &str| {
        let soql = format!("SELECT Id, Name{fields} FROM Campaign ORDER BY Name, Id LIMIT {MOST}");
        api.rows::<Campaign>(&soql, CAMPAIGN)
    };
    let campaigns = match of(", NumberOfContacts, NumberOfLeads") {
        // Field-level security may hide how many there are.
        Err(Failure::Missing(field)) if field != CAMPAIGN => of(""),
        other => other,
    };
    let campaigns = match campaigns {
        // Not every edition has campaigns, and not every user may see them.
        Err(Failure::Missing(object)) if object == CAMPAIGN => return Ok(Vec::new()),
        other => other?,
    };
    let segment = |campaign: Campaign| Segment {
        size: if object == "Contact" { campaign.number_of_contacts } else { campaign.number_of_leads },
        id: campaign.id,
        name: campaign.name,
        changes_by_itself: false,
    };
    Ok(campaigns.into_iter().map(segment).collect())
}

/// What holds of a segment's records. A list view is asked for; a campaign is not.
///
/// # Errors
/// `missing` for what is neither.
pub(crate) fn of(api: &Api<'_>, object: &str, segment: &str) -> Result<View, Failure> {
    let missing = || Failure::Missing(segment.to_owned());
    if !is_id(segment) {
        return Err(missing());
    }
    if view::is_view(segment) {
        return view::read(api, object, segment);
    }
    let field = member_field(object).ok_or_else(missing)?;
    let members = format!("Id IN (SELECT {field} FROM CampaignMember WHERE CampaignId = {})", soql::quoted(segment));
    Ok(View { scope: String::new(), condition: members })
}

#[cfg(test)]
mod tests {
    use ferry_sdk::http::Method;
    use ferry_sdk::testing::{FakeHttp, FakeSignature, call, json};
    use serde_json::json;

    use super::*;

    #[test]
    fn campaigns_and_list_views_are_segments() {
        let found = json!({"totalSize": 1, "done": true, "records": [
            {"attributes": {}, "Id": "701000000000001AAA", "Name": "Fair", "NumberOfContacts": 3, "NumberOfLeads": 9}]});
        let view =
            |id: &str, label: &str, compatible: bool| json!({"id": id, "label": label, "soqlCompatible": compatible});
        let views = json!({"done": true, "size": 2, "listviews": [
            view("00B000000000001AAA", "Hot", true), view("00B000000000002AAA", "Recently Viewed", false)]});
        let target = "/services/data/v67.0/sobjects/Lead/listviews";
        let http = FakeHttp::new().expect(Method::Get, "/services/data/v67.0/query", Ok(json(200, &found))).expect(
            Method::Get,
            target,
            Ok(json(200, &views)),
        );
        let signature = FakeSignature::default();
        let api = Api::open(&call("{}", 0, &http, &signature)).unwrap();
        let segment = |id: &str, name: &str, size, changes_by_itself| Segment {
            id: id.into(),
            name: name.into(),
            size,
            changes_by_itself,
        };
        let expected =
            [segment("701000000000001AAA", "Fair", Some(9), false), segment("00B000000000001AAA", "Hot", None, true)];
        assert_eq!(segments(&api, "Lead").unwrap(), expected);
        http.done();
    }

    #[test]
    fn campaigns_are_told_of_without_their_sizes_where_those_are_hidden_and_not_where_there_are_none() {
        let query = "/services/data/v67.0/query";
        let refused = |code: &str, message: &str| json(400, &json!([{"errorCode": code, "message": message}]));
        let hidden = refused("INVALID_FIELD", "No such column 'NumberOfLeads' on entity 'Campaign'.");
        let found = json!({"totalSize": 1, "done": true, "records": [{"attributes": {}, "Id": "701000000000001AAA", "Name": "Fair"}]});
        let http =
            FakeHttp::new().expect(Method::Get, query, Ok(hidden)).expect(Method::Get, query, Ok(json(200, &found)));
        let signature = FakeSignature::default();
        let sizes = |http: &FakeHttp| {
            let found = campaigns(&Api::open(&call("{}", 0, http, &signature)).unwrap(), "Contact").unwrap();
            http.done();
            found.into_iter().map(|segment| segment.size).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&http), [None]);
        let none = refused("INVALID_TYPE", "sObject type 'Campaign' is not supported.");
        assert_eq!(sizes(&FakeHttp::new().expect(Method::Get, query, Ok(none))), [None; 0]);
    }

    #[test]
    fn a_campaigns_members_are_a_condition_and_nothing_else_is_a_segment() {
        let (http, signature) = (FakeHttp::new(), FakeSignature::default());
        let api = Api::open(&call("{}", 0, &http, &signature)).unwrap();
        let members = "Id IN (SELECT LeadId FROM CampaignMember WHERE CampaignId = '701000000000001AAA')";
        let expected = View { scope: String::new(), condition: members.into() };
        assert_eq!(of(&api, "Lead", "701000000000001AAA"), Ok(expected));
        for (object, segment) in [("Lead", "x'"), ("Account", "701000000000001AAA")] {
            assert_eq!(of(&api, object, segment), Err(Failure::Missing(segment.into())));
        }
    }
}
