//! A page of contacts as the benches ask HubSpot's connector for it.

use ferry::model::connector::{PullRequest, Slice};

/// What HubSpot gives at most in one page of a search or a list.
pub(crate) const ROWS: usize = 100;

/// Twelve fields, as a page of contacts has them.
pub(crate) const COLUMNS: [&str; 12] = [
    "firstname",
    "lastname",
    "email",
    "mobilephone",
    "phone",
    "country",
    "lead_source",
    "lifecyclestage",
    "company",
    "city",
    "jobtitle",
    "lead_score",
];

/// The page after `token`, as a backfill asks for it.
pub(crate) fn request(token: Option<String>) -> PullRequest {
    let columns = COLUMNS.map(str::to_owned).to_vec();
    let (object, slice) = ("contacts".into(), Slice::All);
    PullRequest { object, columns, filter: Vec::new(), segment: None, slice, token, limit: 500 }
}
