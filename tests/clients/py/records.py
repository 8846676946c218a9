"""Checks of sign-in, of single contacts, of batches and of the search."""

import json
import os
from datetime import datetime

from hubspot.crm import contacts
from hubspot.utils.oauth import get_auth_url

from crm import CLIENT, MADE, check, connect, consent, ids, refused

CONTACTS = int(os.environ["CONTACTS"])
REFRESH_TOKEN = os.environ["REFRESH_TOKEN"]
REDIRECT_URI = "http://localhost:4180/callback"
CRM = connect().crm
OAUTH = connect().oauth


def values(records, name):
    return sorted(record.properties[name] for record in records)


@check("an authorization code becomes tokens that work")
def _():
    scope = ("oauth", "crm.objects.contacts.read")
    address, query = consent(get_auth_url(CLIENT["client_id"], REDIRECT_URI, scope, state="a state"))
    assert (address, query["state"]) == (REDIRECT_URI, "a state")
    redeem = {"grant_type": "authorization_code", "code": query["code"], "redirect_uri": REDIRECT_URI, **CLIENT}
    tokens = OAUTH.tokens_api.create(**redeem)
    assert (tokens.token_type, tokens.expires_in) == ("bearer", 1800)
    reader = connect(access_token=tokens.access_token).crm.contacts.basic_api
    assert len(reader.get_page(limit=1).results) == 1
    error = refused(403, "MISSING_SCOPES", reader.create, {"properties": {}})
    assert type(error) is contacts.exceptions.ForbiddenException
    refused(400, None, OAUTH.tokens_api.create, **redeem)


@check("a refresh token gives a new access token")
def _():
    tokens = OAUTH.tokens_api.create(grant_type="refresh_token", refresh_token=REFRESH_TOKEN, **CLIENT)
    assert (tokens.refresh_token, tokens.expires_in) == (REFRESH_TOKEN, 1800)
    info = OAUTH.access_tokens_api.get(tokens.access_token)
    assert (info.token, info.token_type, info.expires_in <= 1800) == (tokens.access_token, "access", True)
    origin = OAUTH.refresh_tokens_api.get(REFRESH_TOKEN)
    assert (origin.token, origin.client_id, origin.hub_id) == (REFRESH_TOKEN, CLIENT["client_id"], info.hub_id)
    renewed = connect(access_token=tokens.access_token)
    assert len(renewed.crm.contacts.basic_api.get_page(limit=1).results) == 1
    error = refused(400, None, OAUTH.tokens_api.create, grant_type="refresh_token", refresh_token="na1-0000", **CLIENT)
    assert json.loads(error.body)["status"] == "BAD_REFRESH_TOKEN"
    code = consent(get_auth_url(CLIENT["client_id"], REDIRECT_URI, ("oauth",)))[1]["code"]
    passing = OAUTH.tokens_api.create(grant_type="authorization_code", redirect_uri=REDIRECT_URI, code=code, **CLIENT)
    OAUTH.refresh_tokens_api.archive(passing.refresh_token)
    refused(
        400, None, OAUTH.tokens_api.create, grant_type="refresh_token", refresh_token=passing.refresh_token, **CLIENT
    )


@check("paging over all contacts shows each once")
def _():
    everything = CRM.contacts.get_all(properties=["email", "phone"])
    assert len(everything) == len(set(ids(everything))) == CONTACTS
    shown = ["createdate", "email", "hs_object_id", "lastmodifieddate", "phone"]
    assert all(sorted(record.properties) == shown for record in everything)
    assert all(record.properties["hs_object_id"] == record.id and record.archived is False for record in everything)
    assert all(record.updated_at >= record.created_at for record in everything)
    with_history = CRM.contacts.get_all(properties_with_history=["phone"])
    assert ids(with_history) == ids(everything)
    assert all(type(version.timestamp) is datetime for version in with_history[0].properties_with_history["phone"])


@check("a contact is created, read, changed and archived")
def _():
    api = CRM.contacts.basic_api
    given = {"email": "grace@client.example", "firstname": "Grace", "lastname": "Hœpper", "phone": "+1 202-555-0143"}
    created = api.create(contacts.SimplePublicObjectInputForCreate(properties=given, associations=[]))
    MADE["grace"] = created.id
    read = api.get_by_id(created.id, properties=list(given))
    assert {name: read.properties[name] for name in given} == given
    assert (read.id, read.created_at) == (created.id, created.created_at)
    changed = api.update(created.id, contacts.SimplePublicObjectInput(properties={"phone": "", "city": "Ulm"}))
    assert (changed.id, changed.properties["city"]) == (created.id, "Ulm")
    versions = api.get_by_id(created.id, properties_with_history=["phone"]).properties_with_history["phone"]
    assert [version.value for version in versions] == ["", given["phone"]]
    passing = api.create(
        contacts.SimplePublicObjectInputForCreate(properties={"firstname": "Passing"}, associations=[])
    )
    api.archive(passing.id)
    refused(404, "OBJECT_NOT_FOUND", api.get_by_id, passing.id)
    bin_ = api.get_by_id(passing.id, archived=True)
    assert (bin_.archived, type(bin_.archived_at)) == (True, datetime)
    assert passing.id in ids(CRM.contacts.get_all(archived=True))


@check("a unique property stands in for the id")
def _():
    api = CRM.contacts.basic_api
    assert api.get_by_id("grace@client.example", id_property="email").id == MADE["grace"]
    change = contacts.SimplePublicObjectInput(properties={"jobtitle": "Admiral"})
    changed = api.update("grace@client.example", change, id_property="email")
    assert (changed.id, changed.properties["jobtitle"]) == (MADE["grace"], "Admiral")
    refused(404, "OBJECT_NOT_FOUND", api.get_by_id, "nobody@client.example", id_property="email")


@check("refusals are exceptions with their status")
def _():
    api = CRM.contacts.basic_api
    stranger = connect(access_token="CPz0000000000000000").crm.contacts.basic_api
    error = refused(401, "INVALID_AUTHENTICATION", stranger.get_page)
    assert type(error) is contacts.exceptions.UnauthorizedException
    error = refused(404, "OBJECT_NOT_FOUND", api.get_by_id, "999999999999")
    assert type(error) is contacts.exceptions.NotFoundException
    twice = contacts.SimplePublicObjectInputForCreate(properties={"email": "GRACE@client.example"}, associations=[])
    conflict = json.loads(refused(409, "CONFLICT", api.create, twice).body)
    assert conflict["message"] == f"Contact already exists. Existing ID: {MADE['grace']}"
    nope = contacts.SimplePublicObjectInput(properties={"nope": "x"})
    assert "PROPERTY_DOESNT_EXIST" in refused(400, "VALIDATION_ERROR", api.update, MADE["grace"], nope).body


@check("a batch is created whole, read, changed and archived")
def _():
    api = CRM.contacts.batch_api
    given = [{"email": f"{name}@client.example", "firstname": name} for name in ("p1", "p2", "p3")]
    created = api.create({"inputs": [{"properties": one, "associations": []} for one in given]})
    assert (created.status, values(created.results, "firstname")) == ("COMPLETE", ["p1", "p2", "p3"])
    inputs = [{"id": record.id} for record in created.results]
    ask = {"inputs": inputs, "properties": ["email"], "propertiesWithHistory": []}
    read = api.read(ask)
    assert (type(read), ids(read.results)) == (contacts.BatchResponseSimplePublicObject, ids(created.results))
    changed = api.update({"inputs": [{**one, "properties": {"city": "Bonn"}} for one in inputs]})
    assert values(changed.results, "city") == ["Bonn", "Bonn", "Bonn"]
    api.archive({"inputs": inputs})
    gone = api.read(ask)
    assert type(gone) is contacts.BatchResponseSimplePublicObjectWithErrors
    assert (gone.results, gone.num_errors, gone.errors[0].category) == ([], 1, "OBJECT_NOT_FOUND")
    assert sorted(gone.errors[0].context["ids"]) == ids(created.results)
    assert ids(api.read(ask, archived=True).results) == ids(created.results)


@check("a batch with trace ids says in a 207 what failed")
def _():
    api = CRM.contacts.batch_api
    emails = {"good": "trace-py@client.example", "bad": "no address", "taken": "grace@client.example"}
    entry = lambda trace, email: {"objectWriteTraceId": trace, "properties": {"email": email}, "associations": []}
    partial = api.create({"inputs": [entry(*pair) for pair in emails.items()]})
    assert type(partial) is contacts.BatchResponseSimplePublicObjectWithErrors
    assert (partial.num_errors, values(partial.results, "email")) == (2, [emails["good"]])
    reasons = sorted((error.context["objectWriteTraceId"][0], error.category) for error in partial.errors)
    assert reasons == [("bad", "VALIDATION_ERROR"), ("taken", "CONFLICT")]
    whole = [
        {"properties": {"email": email}, "associations": []} for email in ("whole-py@client.example", "no address")
    ]
    refused(400, "VALIDATION_ERROR", api.create, {"inputs": whole})
    refused(404, "OBJECT_NOT_FOUND", CRM.contacts.basic_api.get_by_id, "whole-py@client.example", id_property="email")
    missing = api.update(
        {"inputs": [{"id": MADE["grace"], "properties": {"city": "Jena"}}, {"id": "999999999999", "properties": {}}]}
    )
    assert (values(missing.results, "city"), missing.errors[0].context["ids"]) == (["Jena"], ["999999999999"])


@check("an upsert creates once and then updates")
def _():
    definition = {"name": "ext_py", "label": "External id", "type": "string", "fieldType": "text"}
    definition |= {"groupName": "contactinformation", "hasUniqueValue": True}
    CRM.properties.core_api.create("contacts", definition)
    entry = lambda key, city: {
        "id": key,
        "idProperty": "ext_py",
        "objectWriteTraceId": key,
        "properties": {"city": city},
    }
    first = CRM.contacts.batch_api.upsert({"inputs": [entry("x-1", "Kiel")]})
    second = CRM.contacts.batch_api.upsert({"inputs": [entry("x-1", "Köln"), entry("x-2", "Mainz")]})
    assert [result.new for result in first.results] == [True]
    outcome = sorted((result.properties["city"], result.new) for result in second.results)
    assert outcome == [("Köln", False), ("Mainz", True)]
    assert CRM.contacts.basic_api.get_by_id("x-1", id_property="ext_py").id == first.results[0].id
    partial = CRM.contacts.batch_api.upsert(
        {"inputs": [{**entry("x-3", "Trier"), "properties": {"email": "no address"}}, entry("x-4", "Ulm")]}
    )
    assert type(partial) is contacts.BatchResponseSimplePublicUpsertObjectWithErrors
    assert (partial.num_errors, partial.errors[0].context["objectWriteTraceId"]) == (1, ["x-3"])


@check("a search filters, sorts and pages")
def _():
    api = CRM.contacts.search_api
    everything = api.do_search(contacts.PublicObjectSearchRequest(filter_groups=[], limit=200, properties=["email"]))
    rest = api.do_search(
        contacts.PublicObjectSearchRequest(filter_groups=[], limit=200, after=everything.paging.next.after)
    )
    seen = ids(everything.results) + ids(rest.results)
    assert everything.total == len(seen) == len(set(seen)) == len(CRM.contacts.get_all())
    assert (everything.paging.next.after, rest.paging) == ("200", None)
    city = contacts.Filter(property_name="city", operator="IN", values=["kiel", "köln", "mainz"])
    key = contacts.Filter(property_name="ext_py", operator="HAS_PROPERTY")
    few = contacts.PublicObjectSearchRequest(
        filter_groups=[contacts.FilterGroup([city, key])], properties=["ext_py"], sorts=["-ext_py"]
    )
    found = api.do_search(few)
    assert (found.total, [record.properties["ext_py"] for record in found.results]) == (2, ["x-2", "x-1"])
    low = min(datetime.timestamp(record.updated_at) for record in found.results)
    window = contacts.Filter(
        property_name="lastmodifieddate", operator="BETWEEN", value=str(int(low * 1000)), high_value="4102444800000"
    )
    recent = api.do_search(
        contacts.PublicObjectSearchRequest(
            filter_groups=[contacts.FilterGroup([window])], limit=200, sorts=["lastmodifieddate"]
        )
    )
    assert set(ids(found.results)) <= set(ids(recent.results))
    stamps = [record.updated_at for record in recent.results]
    assert stamps == sorted(stamps)
    far = contacts.PublicObjectSearchRequest(filter_groups=[], limit=200, after="9900")
    refused(400, "VALIDATION_ERROR", api.do_search, far)
