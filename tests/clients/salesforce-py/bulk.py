"""Checks of Bulk API 2.0: queries and ingest."""

import csv
import io

from simple_salesforce.bulk2 import Operation
from simple_salesforce.exceptions import SalesforceOperationError

from crm import check, connect, control, refused

CRM = connect()
CONTACTS = CRM.bulk2.Contact


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


@check("a bulk query gives what a query gives, page by page")
def _():
    soql = "SELECT Id, Name, VIP__c, Email FROM Contact WHERE LastName != null"
    pages = list(CONTACTS.query(soql, max_records=100))
    found = [row for page in pages for row in rows(page)]
    plain = CRM.query_all(soql)["records"]
    assert len(pages) > 2
    as_text = [(one["Id"], one["Name"], str(one["VIP__c"]).lower(), one["Email"] or "") for one in plain]
    assert sorted(tuple(row.values()) for row in found) == sorted(as_text)


@check("a bulk query that fails says so")
def _():
    refused("API_ERROR", lambda: list(CONTACTS.query("SELECT Nope__c FROM Contact")))
    control("POST", "/faults", {"fault": "bulk-failed", "count": 1})
    try:
        list(CONTACTS.query("SELECT Id FROM Contact"))
    except SalesforceOperationError as error:
        assert "InternalServerError" in str(error)
        return
    raise AssertionError("the job did not fail")


@check("a job is opened, filled, closed, watched and read step by step")
def _():
    client = CONTACTS._client
    job = client.create_job(Operation.upsert, external_id_field="Ferry_Id__c")
    assert (job["state"], job["object"], job["externalIdFieldName"]) == ("Open", "Contact", "Ferry_Id__c")
    client.upload_job_data(job["id"], "Ferry_Id__c,LastName,VIP__c\npy-b1,Bulk,true\npy-b2,,\n")
    assert client.close_job(job["id"])["state"] == "UploadComplete"
    client.wait_for_job(job["id"], False, wait=0.01)
    info = client.get_job(job["id"], False)
    assert (info["state"], info["numberRecordsProcessed"], info["numberRecordsFailed"]) == ("JobComplete", 2, 1)
    [done], [failed] = rows(CONTACTS.get_successful_records(job["id"])), rows(CONTACTS.get_failed_records(job["id"]))
    assert (done["Ferry_Id__c"], done["sf__Created"]) == ("py-b1", "true")
    assert failed["sf__Error"].startswith("REQUIRED_FIELD_MISSING:")
    assert rows(CONTACTS.get_unprocessed_records(job["id"])) == []
    assert CRM.Contact.get(done["sf__Id"])["VIP__c"] is True
