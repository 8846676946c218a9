"""Checks of what an account has beside its contacts: properties, owners, lists, associations, calls; of merges and limits."""

from datetime import datetime

from hubspot.crm import companies, contacts, lists, objects, properties
from hubspot.crm.associations import v4
from urllib3.util.retry import Retry

from crm import MADE, check, connect, ids, refused, switch_on

HUBSPOT_DEFINED = "HUBSPOT_DEFINED"
CRM = connect().crm


@check("properties are listed and made")
def _():
    api = CRM.properties.core_api
    before = api.get_all("contacts").results
    options = [
        properties.OptionInput(label=value.upper(), value=value, display_order=place, hidden=False)
        for place, value in enumerate(("gold", "silver"))
    ]
    tier = properties.PropertyCreate(
        name="tier_py",
        label="Tier",
        type="enumeration",
        field_type="select",
        group_name="contactinformation",
        options=options,
    )
    created = api.create("contacts", tier)
    assert [(option.label, option.value, option.display_order) for option in created.options] == [
        ("GOLD", "gold", 0),
        ("SILVER", "silver", 1),
    ]
    assert len(api.get_all("contacts").results) == len(before) + 1
    email = api.get_by_name("contacts", "email")
    assert (email.type, email.field_type, email.hubspot_defined, email.modification_metadata.read_only_value) == (
        "string",
        "text",
        True,
        False,
    )
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
    found = api.do_search(
        lists.ListSearchRequest(query="newsletter", processing_types=["MANUAL"], additional_properties=[], offset=0)
    )
    assert (found.total, found.has_more, [one.name for one in found.lists]) == (1, False, ["Newsletter"])
    created = api.create(
        lists.ListCreateRequest(name="Client check py", object_type_id="0-1", processing_type="MANUAL")
    )
    list_id = created.list.list_id
    assert api.get_by_name("Client check py", "0-1").list.list_id == list_id
    two = ids(CRM.contacts.basic_api.get_page(limit=2).results)
    added = members.add(list_id, [*two, "999999999999"])
    assert (sorted(added.records_ids_added), added.record_ids_removed, added.record_ids_missing) == (
        two,
        [],
        ["999999999999"],
    )
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
    dynamic = api.do_search(
        lists.ListSearchRequest(processing_types=["DYNAMIC"], additional_properties=[], offset=0)
    ).lists[0]
    refused(400, "VALIDATION_ERROR", members.add, dynamic.list_id, two)
    api.remove(list_id)
    refused(404, "OBJECT_NOT_FOUND", api.get_by_id, list_id)


@check("associations are made, read and undone in batches")
def _():
    company = CRM.companies.basic_api.create(
        companies.SimplePublicObjectInputForCreate(properties={"name": "Söhne"}, associations=[])
    )
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
    logged = {
        "hs_timestamp": "2026-03-01T10:00:00Z",
        "hs_call_title": "First call",
        "hs_call_duration": "61000",
        "hs_call_status": "COMPLETED",
    }
    kind = objects.AssociationSpec(association_category=HUBSPOT_DEFINED, association_type_id=194)
    link = objects.PublicAssociationsForObject(types=[kind], to={"id": MADE["grace"]})
    before = CRM.contacts.basic_api.get_by_id(MADE["grace"]).updated_at
    call = CRM.objects.basic_api.create(
        "calls", objects.SimplePublicObjectInputForCreate(properties=logged, associations=[link])
    )
    read = CRM.objects.basic_api.get_by_id("calls", call.id, properties=list(logged), associations=["contacts"])
    assert {name: read.properties[name] for name in logged if name != "hs_timestamp"} == {
        name: logged[name] for name in logged if name != "hs_timestamp"
    }
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
    other = api.create(
        contacts.SimplePublicObjectInputForCreate(properties={"firstname": "Grace again"}, associations=[])
    )
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
