//! Where the next page starts, as all of HubSpot's answers say it.

use serde::Deserialize;

/// `{"next": {"after": ".."}}`; without `next` on the last page.
#[derive(Deserialize)]
pub(crate) struct Paging {
    #[serde(default)]
    next: Option<Next>,
}

#[derive(Deserialize)]
struct Next {
    after: String,
}

impl Paging {
    /// HubSpot's cursor of the next page.
    pub(crate) fn after(self) -> Option<String> {
        self.next.map(|next| next.after)
    }
}
