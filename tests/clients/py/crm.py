"""The simulator as the client for Python sees it: connections, what a refusal looks like, the consent page, faults."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request

import hubspot

BASE_URL = os.environ["BASE_URL"]
CLIENT = {"client_id": os.environ["CLIENT_ID"], "client_secret": os.environ["CLIENT_SECRET"]}
CHECKS = []

# What earlier checks leave for later ones.
MADE = {}


def check(claim):
    """Registers a check under what it claims."""
    return lambda body: CHECKS.append((claim, body))


def ids(records):
    return sorted(record.id for record in records)


def connect(**options):
    """HubSpot's client. `client_side_validation` is an option of it; the base address is all that differs."""
    strict = {"host": BASE_URL, "access_token": os.environ["ACCESS_TOKEN"], "client_side_validation": True}
    return hubspot.Client.create(**{**strict, **options})


def refused(status, category, call, *args, **kwargs):
    """The exception of a call that the CRM must refuse with this status and category."""
    try:
        call(*args, **kwargs)
    except Exception as error:
        # Each part of the client has an `ApiException` of its own; anything else is a bug of the check.
        if "ApiException" not in [kind.__name__ for kind in type(error).__mro__]:
            raise
        body = json.loads(error.body)
        assert (error.status, body.get("category")) == (status, category), error
        assert len(body["correlationId"]) == 36, body
        return error
    raise AssertionError("the call was not refused")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Gives a redirect as an error instead of following it."""

    def redirect_request(self, *_):
        return None


def consent(address):
    """The address and the query that the consent page leads back to. HubSpot's own page is built into the client, so its
    host is changed."""
    parts = urllib.parse.urlsplit(address)
    try:
        urllib.request.build_opener(NoRedirect).open(f"{BASE_URL}{parts.path}?{parts.query}", timeout=10)
    except urllib.error.HTTPError as redirect:
        assert redirect.code == 302, redirect
        back = urllib.parse.urlsplit(redirect.headers["location"])
        return f"{back.scheme}://{back.netloc}{back.path}", dict(urllib.parse.parse_qsl(back.query))
    raise AssertionError("the consent page did not redirect")


def switch_on(fault):
    """Switches on a fault of the simulator."""
    address = os.environ["CONTROL_URL"] + "/faults"
    with urllib.request.urlopen(urllib.request.Request(address, json.dumps(fault).encode()), timeout=10) as reply:
        assert reply.status == 200
