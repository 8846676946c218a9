"""A whole connector for a CRM that gives its people at `/people`, page by page, and takes notes at `/people/ID/notes`."""

from urllib.parse import quote

from ferry_sdk import (
    Connector,
    Forbidden,
    Missing,
    Permanent,
    RateLimited,
    Temporary,
    Unauthorized,
    Unsupported,
    account,
    field,
    is_create,
    obj,
    one_by_one,
    page,
    plain,
    problem,
    rejected,
    row,
    slices,
    text,
    written,
)

# Rows a page: what the CRM gives at most.
PAGE = 100


class Phonebook(Connector):
    def check(self, call):
        me = accepted(call.http.get("/me")).json()
        return account(me["id"], me["company"])

    def objects(self, call):
        return [obj("people", "People", ["pull"]), obj("notes", "Notes", ["create", "links"])]

    def fields(self, call, object):
        known(object)
        if object == "notes":
            return [field("text", "Text", "long-text", required=True, writable=True)]
        return [field("name", "Name", "text"), field("email", "E-mail", "email"), field("phone", "Phone", "phone")]

    def pull(self, call, request):
        known(request.object)
        if request.object != "people":
            raise Unsupported("notes can only be written")
        if not isinstance(request.slice, slices.All) or request.filter:
            raise Unsupported("people can only be read whole")
        query = {"limit": min(request.limit, PAGE), "after": request.token}
        answer = accepted(call.http.get("/people", query=query)).json()
        rows = [
            row(person["id"], request.columns, {name: text(person.get(name)) for name in ("name", "email", "phone")})
            for person in answer["people"]
        ]
        return page(rows, answer["next"])

    def push(self, call, object, writes):
        known(object)
        if object != "notes":
            raise Unsupported("people can only be read")
        return one_by_one(writes, lambda write: note(call, write))


def note(call, write):
    """One note on one person. The CRM keeps no key of ours, so a lost answer stays unknown and a person has to look."""
    if not is_create(write):
        return rejected([problem(None, "notes can only be created")])
    person = next((link for link in write.links if link.object == "people"), None)
    if person is None:
        return rejected([problem(None, "a note needs a person")])
    values = {name: plain(value) for name, value in write.values}
    response = call.http.post(f"/people/{quote(person.id, safe='')}/notes", json={"text": values.get("text")})
    if response.status == 422:
        return rejected([problem("text", "the CRM takes no empty note")])
    if response.status == 404:
        return rejected([problem(None, "the person is no longer there")])
    return written(accepted(response).json()["id"], created=True)


def accepted(response):
    """What the CRM refuses becomes advice, by its status."""
    if response.ok:
        return response
    match response.status:
        case 401:
            raise Unauthorized("the key is not accepted")
        case 403:
            raise Forbidden(["people"])
        case 404:
            raise Missing("people")
        case 429:
            raise RateLimited()
        case status:
            told = f"the CRM answered with status {status}"
            raise Temporary(told) if status >= 500 else Permanent(told)


def known(object):
    if object not in ("people", "notes"):
        raise Missing(object)


plugin = Phonebook()
