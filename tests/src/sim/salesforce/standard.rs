//! The objects of the simulated org: those that connectors meet first, with the fields that matter, picklists, required
//! fields, read-only ones, formulas, external ids, and one custom object.

use super::cell::Cell;
use super::schema::{Field, FieldType as T, Kind, Source};

pub(crate) const LEAD_SOURCES: [&str; 6] =
    ["Web", "Phone Inquiry", "Partner Referral", "Trade Show", "Newsletter", "Other"];
pub(crate) const LEAD_STATUSES: [&str; 4] =
    ["Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted"];
pub(crate) const RATINGS: [&str; 3] = ["Hot", "Warm", "Cold"];
pub(crate) const INDUSTRIES: [&str; 6] = ["Agriculture", "Banking", "Energy", "Manufacturing", "Retail", "Technology"];
pub(crate) const STAGES: [&str; 5] =
    ["Prospecting", "Qualification", "Negotiation/Review", "Closed Won", "Closed Lost"];
pub(crate) const TASK_STATUSES: [&str; 5] =
    ["Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred"];

/// The key of our side's records, as an admin adds it.
pub(crate) const EXTERNAL_ID: &str = "Ferry_Id__c";

fn text(name: &str, label: &str, length: usize) -> Field {
    Field::new(name, label, T::Text).length(length)
}

fn reference(name: &str, label: &str, objects: &[&str], relationship: &str) -> Field {
    Field::new(name, label, T::Reference).to(objects, relationship)
}

fn external_id() -> Field {
    Field::new(EXTERNAL_ID, "Ferry Id", T::Text).external()
}

/// The fields that every object begins with.
fn first() -> Vec<Field> {
    vec![
        Field::new("Id", "Record ID", T::Id).required().from(Source::Id),
        Field::new("IsDeleted", "Deleted", T::Boolean).required().from(Source::IsDeleted),
    ]
}

/// The fields that every object ends with.
fn stamps() -> Vec<Field> {
    let by = |name, label, relationship| reference(name, label, &["User"], relationship).required();
    vec![
        Field::new("CreatedDate", "Created Date", T::DateTime).required().from(Source::Created),
        by("CreatedById", "Created By ID", "CreatedBy").from(Source::CreatedBy),
        Field::new("LastModifiedDate", "Last Modified Date", T::DateTime).required().from(Source::Modified),
        by("LastModifiedById", "Last Modified By ID", "LastModifiedBy").from(Source::ModifiedBy),
        Field::new("SystemModstamp", "System Modstamp", T::DateTime).required().from(Source::Stamp),
    ]
}

fn master(object: &str) -> Field {
    reference("MasterRecordId", "Master Record ID", &[object], "MasterRecord").from(Source::Master)
}

fn owner() -> Field {
    reference("OwnerId", "Owner ID", &["User"], "Owner").by_writer()
}

fn person_name() -> Vec<Field> {
    vec![
        text("LastName", "Last Name", 80).required().part_of("Name"),
        text("FirstName", "First Name", 40).part_of("Name"),
        Field::new("Salutation", "Salutation", T::Picklist)
            .length(40)
            .choices(&["Mr.", "Ms.", "Mrs.", "Dr.", "Prof."])
            .part_of("Name"),
        text("Name", "Full Name", 121).required().from(Source::FullName),
    ]
}

/// `Mailing` gives MailingStreet, MailingCity, …, and the compound MailingAddress.
fn address(prefix: &str) -> Vec<Field> {
    let whole = format!("{prefix}Address");
    let part = |name: &str, kind, length| {
        let label = format!("{prefix} {name}").trim().to_owned();
        Field::new(&format!("{prefix}{name}"), &label, kind).length(length).part_of(&whole)
    };
    vec![
        part("Street", T::TextArea, 255),
        part("City", T::Text, 40),
        part("State", T::Text, 80),
        part("PostalCode", T::Text, 20),
        part("Country", T::Text, 80),
        Field::new(&whole, format!("{prefix} Address").trim(), T::Address).from(Source::Address),
    ]
}

/// All fields of an object, in order.
fn fields(own: Vec<Vec<Field>>) -> Vec<Field> {
    [vec![first()], own, vec![stamps()]].concat().concat()
}

fn lead() -> Kind {
    let converted = |name: &str, label: &str, object: &str, relationship: &str| {
        reference(name, label, &[object], relationship).read_only()
    };
    let own = vec![
        text("Company", "Company", 255).required(),
        text("Title", "Title", 128),
        Field::new("Phone", "Phone", T::Phone),
        Field::new("MobilePhone", "Mobile Phone", T::Phone),
        Field::new("Email", "Email", T::Email),
        Field::new("Website", "Website", T::Url),
        Field::new("Description", "Description", T::TextArea),
        Field::new("LeadSource", "Lead Source", T::Picklist).choices(&LEAD_SOURCES),
        Field::new("Status", "Status", T::Picklist)
            .choices(&LEAD_STATUSES)
            .restricted()
            .required()
            .default(Cell::text(LEAD_STATUSES[0])),
        Field::new("Rating", "Rating", T::Picklist).choices(&RATINGS),
        Field::new("Industry", "Industry", T::Picklist).choices(&INDUSTRIES),
        Field::new("NumberOfEmployees", "Employees", T::Int),
        Field::new("AnnualRevenue", "Annual Revenue", T::Currency),
        Field::new("HasOptedOutOfEmail", "Email Opt Out", T::Boolean).required(),
        Field::new("DoNotCall", "Do Not Call", T::Boolean).required(),
        owner(),
        Field::new("IsConverted", "Converted", T::Boolean).required().read_only(),
        Field::new("ConvertedDate", "Converted Date", T::Date).read_only(),
        converted("ConvertedAccountId", "Converted Account ID", "Account", "ConvertedAccount"),
        converted("ConvertedContactId", "Converted Contact ID", "Contact", "ConvertedContact"),
        converted("ConvertedOpportunityId", "Converted Opportunity ID", "Opportunity", "ConvertedOpportunity"),
        external_id(),
    ];
    let fields = fields(vec![vec![master("Lead")], person_name(), address(""), own]);
    Kind::new("Lead", "Lead", "Leads", b"00Q", fields)
}

fn contact() -> Kind {
    let own = vec![
        reference("AccountId", "Account ID", &["Account"], "Account"),
        Field::new("Phone", "Business Phone", T::Phone),
        Field::new("MobilePhone", "Mobile Phone", T::Phone),
        Field::new("HomePhone", "Home Phone", T::Phone),
        Field::new("Email", "Email", T::Email),
        text("Title", "Title", 128),
        text("Department", "Department", 80),
        reference("ReportsToId", "Reports To ID", &["Contact"], "ReportsTo"),
        Field::new("LeadSource", "Lead Source", T::Picklist).choices(&LEAD_SOURCES),
        Field::new("Birthdate", "Birthdate", T::Date),
        Field::new("Description", "Description", T::TextArea),
        Field::new("HasOptedOutOfEmail", "Email Opt Out", T::Boolean).required(),
        Field::new("DoNotCall", "Do Not Call", T::Boolean).required(),
        owner(),
        external_id(),
        text("Customer_Number__c", "Customer Number", 30),
        Field::new("Score__c", "Score", T::Double),
        Field::new("VIP__c", "VIP", T::Boolean).required(),
        Field::new("Interests__c", "Interests", T::MultiPicklist)
            .choices(&["garden", "music", "sports", "travel"])
            .restricted(),
        Field::new("Language__c", "Language", T::Picklist).choices(&["de", "en"]).restricted(),
        Field::new("Last_Call__c", "Last Call", T::DateTime),
        Field::new("Account_Industry__c", "Account Industry", T::Text).length(1_300).from(Source::AccountIndustry),
    ];
    let fields = fields(vec![vec![master("Contact")], person_name(), address("Mailing"), own]);
    Kind::new("Contact", "Contact", "Contacts", b"003", fields)
}

fn account() -> Kind {
    let own = vec![
        Field::new("Type", "Account Type", T::Picklist).choices(&["Prospect", "Customer", "Partner", "Other"]),
        reference("ParentId", "Parent Account ID", &["Account"], "Parent"),
        Field::new("Phone", "Account Phone", T::Phone),
        Field::new("Website", "Website", T::Url),
        Field::new("Industry", "Industry", T::Picklist).choices(&INDUSTRIES),
        Field::new("AnnualRevenue", "Annual Revenue", T::Currency),
        Field::new("NumberOfEmployees", "Employees", T::Int),
        Field::new("Description", "Account Description", T::TextArea),
        owner(),
        external_id(),
    ];
    let name = vec![master("Account"), text("Name", "Account Name", 255).required()];
    Kind::new("Account", "Account", "Accounts", b"001", fields(vec![name, address("Billing"), own]))
}

fn opportunity() -> Kind {
    let own = vec![
        reference("AccountId", "Account ID", &["Account"], "Account"),
        text("Name", "Name", 120).required(),
        Field::new("Description", "Description", T::TextArea),
        Field::new("StageName", "Stage", T::Picklist).choices(&STAGES).required(),
        Field::new("Amount", "Amount", T::Currency),
        Field::new("Probability", "Probability (%)", T::Percent),
        Field::new("CloseDate", "Close Date", T::Date).required(),
        Field::new("LeadSource", "Lead Source", T::Picklist).choices(&LEAD_SOURCES),
        Field::new("IsClosed", "Closed", T::Boolean).required().from(Source::Closed),
        Field::new("IsWon", "Won", T::Boolean).required().from(Source::Won),
        reference("ContactId", "Contact ID", &["Contact"], "Contact").create_only(),
        reference("CampaignId", "Campaign ID", &["Campaign"], "Campaign"),
        owner(),
    ];
    Kind::new("Opportunity", "Opportunity", "Opportunities", b"006", fields(vec![own]))
}

fn who_and_what() -> Vec<Field> {
    vec![
        reference("WhoId", "Name ID", &["Contact", "Lead"], "Who"),
        reference("WhatId", "Related To ID", &["Account", "Campaign", "Opportunity", "Ferry_Visit__c"], "What"),
        text("Subject", "Subject", 255),
    ]
}

fn task() -> Kind {
    let own = vec![
        Field::new("ActivityDate", "Due Date Only", T::Date),
        Field::new("Status", "Status", T::Picklist)
            .choices(&TASK_STATUSES)
            .required()
            .default(Cell::text(TASK_STATUSES[0])),
        Field::new("Priority", "Priority", T::Picklist)
            .choices(&["High", "Normal", "Low"])
            .required()
            .default(Cell::text("Normal")),
        owner(),
        Field::new("Description", "Description", T::TextArea),
        reference("AccountId", "Account ID", &["Account"], "Account").read_only(),
        Field::new("IsClosed", "Closed", T::Boolean).required().from(Source::Closed),
        Field::new("IsArchived", "Archived", T::Boolean).required().read_only(),
        Field::new("TaskSubtype", "Task Subtype", T::Picklist)
            .choices(&["Task", "Email", "ListEmail", "Cadence", "Call"])
            .restricted()
            .create_only()
            .default(Cell::text("Task")),
        Field::new("CallDurationInSeconds", "Call Duration", T::Int),
        Field::new("CallType", "Call Type", T::Picklist).choices(&["Internal", "Inbound", "Outbound"]).restricted(),
        text("CallDisposition", "Call Result", 255),
        text("CallObject", "Call Object Identifier", 255),
        Field::new("CompletedDateTime", "Completed Date", T::DateTime).read_only(),
        external_id(),
    ];
    Kind::new("Task", "Task", "Tasks", b"00T", fields(vec![who_and_what(), own]))
}

fn event() -> Kind {
    let own = vec![
        text("Location", "Location", 255),
        Field::new("IsAllDayEvent", "All-Day Event", T::Boolean).required(),
        Field::new("ActivityDateTime", "Due Date Time", T::DateTime),
        Field::new("ActivityDate", "Due Date Only", T::Date).read_only(),
        Field::new("DurationInMinutes", "Duration", T::Int),
        Field::new("StartDateTime", "Start Date Time", T::DateTime),
        Field::new("EndDateTime", "End Date Time", T::DateTime),
        Field::new("Description", "Description", T::TextArea),
        reference("AccountId", "Account ID", &["Account"], "Account").read_only(),
        owner(),
        Field::new("IsPrivate", "Private", T::Boolean).required(),
        Field::new("ShowAs", "Show Time As", T::Picklist)
            .choices(&["Busy", "OutOfOffice", "Free"])
            .default(Cell::text("Busy")),
        external_id(),
    ];
    Kind::new("Event", "Event", "Events", b"00U", fields(vec![who_and_what(), own]))
}

fn campaign() -> Kind {
    let own = vec![
        text("Name", "Name", 80).required(),
        Field::new("Type", "Type", T::Picklist).choices(&["Email", "Telemarketing", "Trade Show", "Other"]),
        Field::new("Status", "Status", T::Picklist)
            .choices(&["Planned", "In Progress", "Completed", "Aborted"])
            .default(Cell::text("Planned")),
        Field::new("StartDate", "Start Date", T::Date),
        Field::new("EndDate", "End Date", T::Date),
        Field::new("IsActive", "Active", T::Boolean).required(),
        Field::new("Description", "Description", T::TextArea),
        Field::new("NumberOfContacts", "Contacts in Campaign", T::Int).required().from(Source::Members("ContactId")),
        Field::new("NumberOfLeads", "Leads in Campaign", T::Int).required().from(Source::Members("LeadId")),
        owner(),
    ];
    Kind::new("Campaign", "Campaign", "Campaigns", b"701", fields(vec![own]))
}

fn campaign_member() -> Kind {
    let own = vec![
        reference("CampaignId", "Campaign ID", &["Campaign"], "Campaign").required().create_only(),
        reference("LeadId", "Lead ID", &["Lead"], "Lead").create_only(),
        reference("ContactId", "Contact ID", &["Contact"], "Contact").create_only(),
        Field::new("Status", "Status", T::Picklist).choices(&["Sent", "Responded"]).default(Cell::text("Sent")),
        Field::new("HasResponded", "Responded", T::Boolean).required().read_only(),
    ];
    Kind::new("CampaignMember", "Campaign Member", "Campaign Members", b"00v", fields(vec![own]))
}

fn user() -> Kind {
    let own = vec![
        text("Username", "Username", 80).required(),
        text("Alias", "Alias", 8).required(),
        Field::new("Email", "Email", T::Email).required(),
        Field::new("IsActive", "Active", T::Boolean).required(),
        text("TimeZoneSidKey", "Time Zone", 40).required(),
        Field::new("UserType", "User Type", T::Picklist).choices(&["Standard"]).restricted().read_only(),
        text("LanguageLocaleKey", "Language", 40),
    ];
    let mut kind = Kind::new("User", "User", "People", b"005", fields(vec![person_name(), own]));
    kind.writable = false;
    kind
}

fn organization() -> Kind {
    let own = vec![
        text("Name", "Name", 80).required(),
        text("OrganizationType", "Edition", 40),
        text("TimeZoneSidKey", "Time Zone", 40),
        Field::new("IsSandbox", "Is Sandbox", T::Boolean).required(),
        text("InstanceName", "Instance Name", 5),
        text("LanguageLocaleKey", "Language", 40),
    ];
    let mut kind = Kind::new("Organization", "Organization", "Organizations", b"00D", fields(vec![own]));
    kind.writable = false;
    kind
}

fn visit() -> Kind {
    let own = vec![
        text("Name", "Visit Name", 80).required(),
        reference("Contact__c", "Contact", &["Contact"], "Contact__r"),
        Field::new("Visited_At__c", "Visited At", T::DateTime),
        Field::new("Rating__c", "Rating", T::Picklist).choices(&RATINGS).restricted(),
        Field::new("Cost__c", "Cost", T::Currency),
        owner(),
        external_id(),
    ];
    Kind::new("Ferry_Visit__c", "Ferry Visit", "Ferry Visits", b"a00", fields(vec![own]))
}

/// All objects; users come first, since everything is owned by one.
pub(crate) fn kinds() -> Vec<Kind> {
    vec![
        user(),
        organization(),
        account(),
        contact(),
        lead(),
        opportunity(),
        campaign(),
        campaign_member(),
        task(),
        event(),
        visit(),
    ]
}
