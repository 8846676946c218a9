//! Campaigns: named sets of contacts and leads that people put together.

use ferry_sdk::connector::{Failure, Segment};
use serde::Deserialize;

use crate::api::{Api, is_id};
use crate::soql;

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

pub(crate) fn segments(api: &Api<'_>, object: &str) -> Result<Vec<Segment>, Failure> {
    if member_field(object).is_none() {
        return Ok(Vec::new());
    }
    let soql = format!("SELECT Id, Name, NumberOfContacts, NumberOfLeads FROM Campaign ORDER BY Name, Id LIMIT {MOST}");
    let campaigns: Vec<Campaign> = match api.rows(&soql, "Campaign") {
        // Not every edition has campaigns, and not every user may see them.
        Err(Failure::Missing(_)) => return Ok(Vec::new()),
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

/// What holds of a campaign's members.
///
/// # Errors
/// `missing` for what is no campaign.
pub(crate) fn condition(object: &str, segment: &str) -> Result<String, Failure> {
    let field = member_field(object).filter(|_| is_id(segment)).ok_or_else(|| Failure::Missing(segment.to_owned()))?;
    Ok(format!("Id IN (SELECT {field} FROM CampaignMember WHERE CampaignId = {})", soql::quoted(segment)))
}

#[cfg(test)]
mod tests {
    use ferry_sdk::http::Method;
    use ferry_sdk::testing::{FakeHttp, FakeSignature, call, json};
    use serde_json::json;

    use super::*;

    #[test]
    fn campaigns_are_segments_of_contacts_and_leads() {
        let found = json!({"totalSize": 1, "done": true, "records": [
            {"attributes": {}, "Id": "701000000000001AAA", "Name": "Fair", "NumberOfContacts": 3, "NumberOfLeads": 9}]});
        let http = FakeHttp::new().expect(Method::Get, "/services/data/v67.0/query", Ok(json(200, &found)));
        let signature = FakeSignature::default();
        let api = Api::open(&call("{}", 0, &http, &signature)).unwrap();
        let expected =
            Segment { id: "701000000000001AAA".into(), name: "Fair".into(), size: Some(9), changes_by_itself: false };
        assert_eq!(segments(&api, "Lead"), Ok(vec![expected]));
        assert_eq!(segments(&api, "Account"), Ok(Vec::new()));
        let members = "Id IN (SELECT LeadId FROM CampaignMember WHERE CampaignId = '701000000000001AAA')";
        assert_eq!(condition("Lead", "701000000000001AAA").as_deref(), Ok(members));
        assert_eq!(condition("Lead", "x'"), Err(Failure::Missing("x'".into())));
    }
}
