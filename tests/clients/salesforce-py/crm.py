"""The simulator as simple-salesforce sees it: sessions that reach it, what a refusal looks like, levers of the control
interface."""

import json
import os
import urllib.request
from urllib.parse import urlsplit

import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceError

BASE_URL = os.environ["BASE_URL"]
HOST = urlsplit(BASE_URL).netloc
VERSION = "60.0"
CONTACTS = int(os.environ["CONTACTS"])
CHECKS = []

# What earlier checks leave for later ones.
MADE = {}


def check(claim):
    """Registers a check under what it claims."""
    return lambda body: CHECKS.append((claim, body))


class ToSimulator(requests.adapters.HTTPAdapter):
    """Sends what is meant for an address of Salesforce to the simulator."""

    def send(self, request, **options):
        parts = urlsplit(request.url)
        request.url = BASE_URL + parts.path + (f"?{parts.query}" if parts.query else "")
        return super().send(request, **options)


def session():
    """The client's own kind of session, on the way to the simulator."""
    session = requests.Session()
    session.mount("https://", ToSimulator())
    return session


def connect(token=os.environ["ACCESS_TOKEN"]):
    """The client with a session token."""
    return Salesforce(instance=HOST, session_id=token, session=session(), version=VERSION)


def refused(code, call, *args, **kwargs):
    """The exception of a call that the CRM must refuse with this code."""
    try:
        answer = call(*args, **kwargs)
    except SalesforceError as error:
        assert code in str(error.content), error
        return error
    raise AssertionError(f"the call was not refused: {answer}")


def control(method, path, body):
    """Pulls a lever of the simulator."""
    request = urllib.request.Request(os.environ["CONTROL_URL"] + path, json.dumps(body).encode(), method=method)
    with urllib.request.urlopen(request, timeout=10) as reply:
        assert reply.status == 200
