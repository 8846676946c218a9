"""HubSpot's own client for Python judges the simulator: unchanged but for its base address and its option
`client_side_validation`, by which it refuses an answer that lacks a member which HubSpot's specification requires. One line
per check; the first that fails ends the run.

Needs BASE_URL, CONTROL_URL, ACCESS_TOKEN, REFRESH_TOKEN, CLIENT_ID, CLIENT_SECRET, and CONTACTS: how many there are.
"""

import json
import os
import sys
import traceback
from datetime import datetime

from hubspot.crm import companies, contacts, lists, objects, properties
from hubspot.crm.associations import v4
from hubspot.utils.oauth import get_auth_url
from urllib3.util.retry import Retry

from crm import CLIENT, connect, consent, refused, switch_on

CONTACTS = int(os.environ["CONTACTS"])
REFRESH_TOKEN = os.environ["REFRESH_TOKEN"]
REDIRECT_URI = "http://localhost:4180/callback"
HUBSPOT_DEFINED = "HUBSPOT_DEFINED"

CRM = connect().crm
OAUTH = connect().oauth
MADE = {}
CHECKS = []


def check(claim):
    """Registers a check under what it claims."""
    return lambda body: CHECKS.append((claim, body))


def ids(records):
    return sorted(record.id for record in records)


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
    refused(400, None, OAUTH.tokens_api.create, grant_type="refresh_token", refresh_token=passing.refresh_token, **CLIENT)


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
    passing = api.create(contacts.SimplePublicObjectInputForCreate(properties={"firstname": "Passing"}, associations=[]))
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
    whole = [{"properties": {"email": email}, "associations": []} for email in ("whole-py@client.example", "no address")]
    refused(400, "VALIDATION_ERROR", api.create, {"inputs": whole})
    refused(404, "OBJECT_NOT_FOUND", CRM.contacts.basic_api.get_by_id, "whole-py@client.example", id_property="email")
    missing = api.update({"inputs": [{"id": MADE["grace"], "properties": {"city": "Jena"}}, {"id": "999999999999", "properties": {}}]})
    assert (values(missing.results, "city"), missing.errors[0].context["ids"]) == (["Jena"], ["999999999999"])


@check("an upsert creates once and then updates")
def _():
    definition = {"name": "ext_py", "label": "External id", "type": "string", "fieldType": "text"}
    definition |= {"groupName": "contactinformation", "hasUniqueValue": True}
    CRM.properties.core_api.create("contacts", definition)
    entry = lambda key, city: {"id": key, "idProperty": "ext_py", "objectWriteTraceId": key, "properties": {"city": city}}
    first = CRM.contacts.batch_api.upsert({"inputs": [entry("x-1", "Kiel")]})
    second = CRM.contacts.batch_api.upsert({"inputs": [entry("x-1", "Köln"), entry("x-2", "Mainz")]})
    assert [result.new for result in first.results] == [True]
    outcome = sorted((result.properties["city"], result.new) for result in second.results)
    assert outcome == [("Köln", False), ("Mainz", True)]
    assert CRM.contacts.basic_api.get_by_id("x-1", id_property="ext_py").id == first.results[0].id
    partial = CRM.contacts.batch_api.upsert({"inputs": [{**entry("x-3", "Trier"), "properties": {"email": "no address"}}, entry("x-4", "Ulm")]})
    assert type(partial) is contacts.BatchResponseSimplePublicUpsertObjectWithErrors
    assert (partial.num_errors, partial.errors[0].context["objectWriteTraceId"]) == (1, ["x-3"])


@check("a search filters, sorts and pages")
def _():
    api = CRM.contacts.search_api
    everything = api.do_search(contacts.PublicObjectSearchRequest(filter_groups=[], limit=200, properties=["email"]))
    rest = api.do_search(contacts.PublicObjectSearchRequest(filter_groups=[], limit=200, after=everything.paging.next.after))
    seen = ids(everything.results) + ids(rest.results)
    assert everything.total == len(seen) == len(set(seen)) == len(CRM.contacts.get_all())
    assert (everything.paging.next.after, rest.paging) == ("200", None)
    city = contacts.Filter(property_name="city", operator="IN", values=["kiel", "köln", "mainz"])
    key = contacts.Filter(property_name="ext_py", operator="HAS_PROPERTY")
    few = contacts.PublicObjectSearchRequest(filter_groups=[contacts.FilterGroup([city, key])], properties=["ext_py"], sorts=["-ext_py"])
    found = api.do_search(few)
    assert (found.total, [record.properties["ext_py"] for record in found.results]) == (2, ["x-2", "x-1"])
    low = min(datetime.timestamp(record.updated_at) for record in found.results)
    window = contacts.Filter(property_name="lastmodifieddate", operator="BETWEEN", value=str(int(low * 1000)), high_value="4102444800000")
    recent = api.do_search(contacts.PublicObjectSearchRequest(filter_groups=[contacts.FilterGroup([window])], limit=200, sorts=["lastmodifieddate"]))
    assert set(ids(found.results)) <= set(ids(recent.results))
    stamps = [record.updated_at for record in recent.results]
    assert stamps == sorted(stamps)
    far = contacts.PublicObjectSearchRequest(filter_groups=[], limit=200, after="9900")
    refused(400, "VALIDATION_ERROR", api.do_search, far)


@check("properties are listed and made")
def _():
    api = CRM.properties.core_api
    before = api.get_all("contacts").results
    options = [properties.OptionInput(label=value.upper(), value=value, display_order=place, hidden=False) for place, value in enumerate(("gold", "silver"))]
    tier = properties.PropertyCreate(name="tier_py", label="Tier", type="enumeration", field_type="select", group_name="contactinformation", options=options)
    created = api.create("contacts", tier)
    assert [(option.label, option.value, option.display_order) for option in created.options] == [("GOLD", "gold", 0), ("SILVER", "silver", 1)]
    assert len(api.get_all("contacts").results) == len(before) + 1
    email = api.get_by_name("contacts", "email")
    assert (email.type, email.field_type, email.hubspot_defined, email.modification_metadata.read_only_value) == ("string", "text", True, False)
    assert api.get_by_name("contacts", "lastmodifieddate").modification_metadata.read_only_value is True
    refused(409, "OBJECT_ALREADY_EXISTS", api.create, "contacts", tier)
    refused(404, "OBJECT_NOT_FOUND", api.get_by_name, "contacts", "nope")
    batch = CRM.properties.batch_api.read("contacts", {"inputs": [{"name": "tier_py"}], "archived": False})
    assert [one.name for one in batch.results] == ["tier_py"]
    assert all(group.name and group.label for group in CRM.properties.groups_api.get_all("contacts").results)
    api.archive("contacts", "tier_py")
    refused(404, "OBJECT_NOT_FOUND", api.get_by_name, "contacts", "tier_py")


@check("owners are listed and found")
def _():
    api = CRM.owners.owners_api
    page = api.get_page(limit=3)
    rest = api.get_page(after=page.paging.next.after)
    assert (len(page.results), rest.paging) == (3, None)
    first = page.results[0]
    assert len(CRM.owners.get_all()) == 3 + len(rest.results)
    assert ids(api.get_page(email=first.email).results) == [first.id]
    assert api.get_by_id(int(first.id)).first_name == first.first_name
    left = api.get_page(archived=True).results
    assert left and all(owner.archived for owner in left)
    refused(404, "OBJECT_NOT_FOUND", api.get_by_id, 1)


@check("lists are searched, take members and give them up")
def _():
    api, members = CRM.lists.lists_api, CRM.lists.memberships_api
    found = api.do_search(lists.ListSearchRequest(query="newsletter", processing_types=["MANUAL"], additional_properties=[], offset=0))
    assert (found.total, found.has_more, [one.name for one in found.lists]) == (1, False, ["Newsletter"])
    created = api.create(lists.ListCreateRequest(name="Client check py", object_type_id="0-1", processing_type="MANUAL"))
    list_id = created.list.list_id
    assert api.get_by_name("Client check py", "0-1").list.list_id == list_id
    two = ids(CRM.contacts.basic_api.get_page(limit=2).results)
    added = members.add(list_id, [*two, "999999999999"])
    assert (sorted(added.records_ids_added), added.record_ids_removed, added.record_ids_missing) == (two, [], ["999999999999"])
    page = members.get_page(list_id, limit=1)
    rest = members.get_page(list_id, limit=1, after=page.paging.next.after)
    assert [page.results[0].record_id, rest.results[0].record_id] == two
    assert type(page.results[0].membership_timestamp) is datetime
    ordered = members.get_page_ordered_by_added_to_list_date(list_id)
    assert sorted(member.record_id for member in ordered.results) == two
    change = lists.MembershipChangeRequest(record_ids_to_add=[MADE["grace"]], record_ids_to_remove=[two[0]])
    changed = members.add_and_remove(list_id, change)
    assert (changed.records_ids_added, changed.record_ids_removed) == ([MADE["grace"]], [two[0]])
    assert members.remove(list_id, [two[1]]).record_ids_removed == [two[1]]
    assert [member.record_id for member in members.get_page(list_id).results] == [MADE["grace"]]
    assert list_id in [one.list_id for one in members.get_lists("0-1", MADE["grace"]).results]
    dynamic = api.do_search(lists.ListSearchRequest(processing_types=["DYNAMIC"], additional_properties=[], offset=0)).lists[0]
    refused(400, "VALIDATION_ERROR", members.add, dynamic.list_id, two)
    api.remove(list_id)
    refused(404, "OBJECT_NOT_FOUND", api.get_by_id, list_id)


@check("associations are made, read and undone in batches")
def _():
    company = CRM.companies.basic_api.create(companies.SimplePublicObjectInputForCreate(properties={"name": "Söhne"}, associations=[]))
    grace, api = MADE["grace"], CRM.associations.v4.batch_api
    kind = v4.AssociationSpec(association_category=HUBSPOT_DEFINED, association_type_id=279)
    pair = v4.PublicAssociationMultiPost(_from={"id": grace}, to={"id": company.id}, types=[kind])
    linked = api.create("contacts", "companies", v4.BatchInputPublicAssociationMultiPost([pair]))
    assert [(str(one.from_object_id), str(one.to_object_id)) for one in linked.results] == [(grace, company.id)]
    read = lambda *asked: api.get_page("contacts", "companies", {"inputs": [{"id": one} for one in asked]})
    links = read(grace).results
    assert [(one._from.id, [str(link.to_object_id) for link in one.to]) for one in links] == [(grace, [company.id])]
    assert 279 in [kind.type_id for kind in links[0].to[0].association_types]
    inline = CRM.contacts.basic_api.get_by_id(grace, associations=["companies"])
    assert company.id in [link.id for link in inline.associations["companies"].results]
    back = CRM.associations.v4.basic_api.get_page("companies", company.id, "contacts")
    assert [str(link.to_object_id) for link in back.results] == [grace]
    undo = v4.PublicAssociationMultiArchive(_from={"id": grace}, to=[{"id": company.id}])
    api.archive("contacts", "companies", v4.BatchInputPublicAssociationMultiArchive([undo]))
    nothing = read(grace)
    assert (nothing.results, nothing.num_errors) == ([], 1)
    assert nothing.errors[0].sub_category == "crm.associations.NO_ASSOCIATIONS_FOUND"
    default = CRM.associations.v4.basic_api.create_default("contacts", grace, "companies", company.id)
    assert default.results[0].association_spec.association_type_id == 279
    labels = CRM.associations.v4.schema.definitions_api.get_all("contacts", "companies").results
    assert (279, HUBSPOT_DEFINED) in [(label.type_id, label.category) for label in labels]
    unknown = v4.PublicAssociationMultiPost(_from={"id": grace}, to={"id": "999999999999"}, types=[kind])
    missing = api.create("contacts", "companies", v4.BatchInputPublicAssociationMultiPost([unknown]))
    assert (missing.results, missing.num_errors) == ([], 1)


@check("a call is logged on a contact")
def _():
    logged = {"hs_timestamp": "2026-03-01T10:00:00Z", "hs_call_title": "First call", "hs_call_duration": "61000", "hs_call_status": "COMPLETED"}
    kind = objects.AssociationSpec(association_category=HUBSPOT_DEFINED, association_type_id=194)
    link = objects.PublicAssociationsForObject(types=[kind], to={"id": MADE["grace"]})
    before = CRM.contacts.basic_api.get_by_id(MADE["grace"]).updated_at
    call = CRM.objects.basic_api.create("calls", objects.SimplePublicObjectInputForCreate(properties=logged, associations=[link]))
    read = CRM.objects.basic_api.get_by_id("calls", call.id, properties=list(logged), associations=["contacts"])
    assert {name: read.properties[name] for name in logged if name != "hs_timestamp"} == {name: logged[name] for name in logged if name != "hs_timestamp"}
    assert [one.id for one in read.associations["contacts"].results] == [MADE["grace"]]
    assert CRM.contacts.basic_api.get_by_id(MADE["grace"]).updated_at > before
    assert ids(CRM.objects.get_all("calls")) == [call.id]
    CRM.objects.batch_api.archive("calls", {"inputs": [{"id": call.id}]})
    assert CRM.objects.get_all("calls") == []
    untimed = objects.SimplePublicObjectInputForCreate(properties={"hs_call_title": "When?"}, associations=[])
    refused(400, "VALIDATION_ERROR", CRM.objects.basic_api.create, "calls", untimed)


@check("merged contacts have a new id that the old ones lead to")
def _():
    api = CRM.contacts.basic_api
    other = api.create(contacts.SimplePublicObjectInputForCreate(properties={"firstname": "Grace again"}, associations=[]))
    merged = api.merge(contacts.PublicMergeInput(primary_object_id=MADE["grace"], object_id_to_merge=other.id))
    assert merged.id not in (MADE["grace"], other.id)
    assert [api.get_by_id(old).id for old in (MADE["grace"], other.id)] == [merged.id, merged.id]
    api.purge(contacts.PublicGdprDeleteInput(object_id=merged.id))
    refused(404, "OBJECT_NOT_FOUND", api.get_by_id, merged.id)


@check("the client repeats a call after a rate limit")
def _():
    patient = connect(retry=Retry(total=2, backoff_factor=0.1, status_forcelist=(429, 502)))
    for fault in ("rate-limit-ten-secondly", "bad-gateway"):
        switch_on({"fault": fault, "count": 1})
        assert len(patient.crm.contacts.basic_api.get_page(limit=1).results) == 1


for claim, body in CHECKS:
    try:
        body()
    except Exception:
        print(f"FAILED {claim}", file=sys.stderr)
        traceback.print_exc()
        sys.exit(1)
    print(f"ok {claim}", flush=True)
