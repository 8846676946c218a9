"""Checks of describe, queries, single records, collections, composite requests, replication, limits and refusals."""

from datetime import datetime, timedelta, timezone

from simple_salesforce import format_soql
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceResourceNotFound

from crm import CONTACTS, MADE, check, connect, control, refused

CRM = connect()


def ids(records):
    return sorted(record["Id"] for record in records)


@check("objects and fields are described")
def _():
    names = {one["name"]: one for one in CRM.describe()["sobjects"]}
    assert (names["Lead"]["keyPrefix"], names["Ferry_Visit__c"]["custom"]) == ("00Q", True)
    fields = {field["name"]: field for field in CRM.Contact.describe()["fields"]}
    assert (fields["LastName"]["nillable"], fields["Birthdate"]["type"]) == (False, "date")
    assert (fields["Ferry_Id__c"]["externalId"], fields["AccountId"]["referenceTo"]) == (True, ["Account"])
    assert CRM.is_sandbox() is False


@check("queries go on page by page")
def _():
    everything = CRM.query_all("SELECT Id, Name, Account.Name FROM Contact ORDER BY SystemModstamp, Id")
    assert everything["totalSize"] == len(set(ids(everything["records"]))) == CONTACTS
    small = {"Sforce-Query-Options": "batchSize=200"}
    page = CRM.query("SELECT Id FROM Contact", headers=small)
    assert (page["done"], len(page["records"])) == (False, 200)
    rest = CRM.query_more(page["nextRecordsUrl"], identifier_is_url=True, headers=small)
    assert len(set(ids(page["records"] + rest["records"]))) == 200 + len(rest["records"])
    text = format_soql("SELECT Id FROM Contact WHERE LastName = {}", "O'Hara \\ x")
    assert CRM.query(text)["records"] == []
    assert len(list(CRM.query_all_iter("SELECT Id FROM Lead"))) == CONTACTS // 4


@check("a record is created, read, changed and deleted")
def _():
    made = CRM.Contact.create({"LastName": "Hœpper", "FirstName": "Grace", "Email": "grace@client.example"})
    assert made["success"] is True and made["errors"] == []
    MADE["grace"] = made["id"]
    assert CRM.Contact.get(made["id"])["Name"] == "Grace Hœpper"
    assert CRM.Contact.update(made["id"], {"Title": "Admiral", "FirstName": None}) == 204
    read = CRM.Contact.get(made["id"])
    assert (read["Name"], read["Title"]) == ("Hœpper", "Admiral")
    passing = CRM.Contact.create({"LastName": "Passing"})["id"]
    assert CRM.Contact.delete(passing) == 204
    error = refused("ENTITY_IS_DELETED", CRM.Contact.get, passing)
    assert type(error) is SalesforceResourceNotFound
    found = CRM.query(f"SELECT Id, IsDeleted FROM Contact WHERE Id = '{passing}'", include_deleted=True)
    assert [record["IsDeleted"] for record in found["records"]] == [True]


@check("an external id creates once and then updates, on Contact, Lead and Task")
def _():
    for kind, own in [(CRM.Contact, {"LastName": "P"}), (CRM.Lead, {"LastName": "P", "Company": "P"}), (CRM.Task, {"Subject": "P"})]:
        assert kind.upsert("Ferry_Id__c/py-1", own) == 201
        assert kind.upsert("Ferry_Id__c/py-1", {**own, "Description": "again"}) == 200
        assert kind.get_by_custom_id("Ferry_Id__c", "py-1")["Description"] == "again"
    control("POST", "/faults", {"fault": "ambiguous", "count": 1})
    error = refused("/sobjects/Contact/003", CRM.Contact.upsert, "Ferry_Id__c/py-1", {"LastName": "P"})
    assert error.status == 300


@check("refusals are exceptions with their codes")
def _():
    error = refused("REQUIRED_FIELD_MISSING", CRM.Contact.create, {"FirstName": "No last name"})
    assert (type(error), error.content[0]["fields"]) == (SalesforceMalformedRequest, ["LastName"])
    refused("INVALID_FIELD", CRM.query, "SELECT Nope__c FROM Contact")
    refused("NOT_FOUND", CRM.Contact.get, "0035g00000zzzzzAAA")
    control("POST", "/faults", {"fault": "locked-row", "count": 1})
    refused("UNABLE_TO_LOCK_ROW", CRM.Contact.update, MADE["grace"], {"Title": "x"})


@check("a collection and a composite are answered in order")
def _():
    records = [{"attributes": {"type": "Contact"}, "LastName": "C"}, {"attributes": {"type": "Contact"}}]
    done = CRM.restful("composite/sobjects", method="POST", json={"allOrNone": False, "records": records})
    assert [one["success"] for one in done] == [True, False]
    assert done[1]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    gone = CRM.restful("composite/sobjects", params={"ids": done[0]["id"]}, method="DELETE")
    assert gone == [{"id": done[0]["id"], "success": True, "errors": []}]
    url = "/services/data/v60.0/sobjects"
    parts = [
        {"method": "POST", "url": f"{url}/Account", "referenceId": "acme", "body": {"Name": "Py"}},
        {"method": "GET", "url": f"{url}/Account/@{{acme.id}}", "referenceId": "read"},
    ]
    answer = CRM.restful("composite", method="POST", json={"allOrNone": True, "compositeRequest": parts})
    assert [one["httpStatusCode"] for one in answer["compositeResponse"]] == [201, 200]
    assert answer["compositeResponse"][1]["body"]["Name"] == "Py"


@check("what changed and what is gone is told by window")
def _():
    doomed = CRM.Contact.create({"LastName": "Doomed"})["id"]
    CRM.Contact.delete(doomed)
    now = datetime.now(timezone.utc)
    window = (now - timedelta(hours=1), now + timedelta(minutes=2))
    assert doomed in [record["id"] for record in CRM.Contact.deleted(*window)["deletedRecords"]]
    changed = CRM.Contact.updated(*window)
    assert MADE["grace"] in changed["ids"] and doomed not in changed["ids"]


@check("limits are told")
def _():
    limits = CRM.limits()
    assert limits["DailyApiRequests"]["Remaining"] < limits["DailyApiRequests"]["Max"]
    usage = CRM.api_usage["api-usage"]
    assert (usage.total, usage.used > 0) == (limits["DailyApiRequests"]["Max"], True)
