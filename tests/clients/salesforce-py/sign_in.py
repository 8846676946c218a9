"""Checks of every way to sign in that the client knows."""

import os

from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed, SalesforceExpiredSession

from crm import HOST, VERSION, check, connect, session

USER = {"username": os.environ["USERNAME"], "password": os.environ["PASSWORD"]}
APP = {"consumer_key": os.environ["CLIENT_ID"], "consumer_secret": os.environ["CLIENT_SECRET"]}
JWT = {"consumer_key": os.environ["CLIENT_ID"], "privatekey_file": os.environ["JWT_KEY_FILE"]}


def sign_in(**options):
    return Salesforce(session=session(), version=VERSION, **options)


def works(crm):
    assert crm.sf_instance == HOST
    assert len(crm.query("SELECT Id FROM Contact LIMIT 1")["records"]) == 1


def fails(code, **options):
    try:
        sign_in(**options)
    except SalesforceAuthenticationFailed as error:
        assert error.code == code, error
        return
    raise AssertionError("the sign-in was not refused")


@check("a user signs in by SOAP with password and security token")
def _():
    works(sign_in(**USER, security_token=os.environ["SECURITY_TOKEN"]))
    works(sign_in(**USER, organizationId="00D5g0000000001"))
    fails("INVALID_LOGIN", **{**USER, "password": "no"}, security_token="")


@check("a user signs in by OAuth with a password")
def _():
    works(sign_in(**USER, **APP))
    fails("invalid_grant", **{**USER, "password": "no"}, **APP)


@check("an application signs in by itself, at its own domain")
def _():
    works(sign_in(**APP, domain="acme.my"))
    fails("invalid_client", **{**APP, "consumer_secret": "no"}, domain="acme.my")


@check("an application signs in for a user by a JWT")
def _():
    works(sign_in(username=USER["username"], **JWT))
    fails("invalid_grant", username="nobody@ferry.example", **JWT)


@check("a session that nobody opened is told apart")
def _():
    try:
        connect("nobody").query("SELECT Id FROM Contact")
    except SalesforceExpiredSession as error:
        assert (error.status, error.content[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
        return
    raise AssertionError("the session worked")
