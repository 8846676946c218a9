"""World `connector-plugin`: what a connector answers for one CRM account, and the form in which the contract takes it."""

import json

from .contract import Err, connector, types
from .failure import Failure, Invalid, Unsupported
from .http import Http, HttpError
from .value import microseconds

Account = connector and connector.Account

_VERBS = ("check", "objects", "fields", "segments", "pull", "partition", "gone", "push", "resolve", "receive")

# Of a connector that takes writes in sets.
_BULK = ("least", "open", "submit", "collect")


class Call:
    """What a call gets beside its arguments."""

    def __init__(self, connection, host):
        self._settings = connection.settings
        # The host's clock at the start of the call, in microseconds since 1970. There is no other.
        self.now = connection.now
        self.http = Http(host)
        self._host = host

    @property
    def settings(self):
        """The admin's settings, which satisfy the manifest's schema."""
        try:
            return json.loads(self._settings)
        except ValueError:
            raise Invalid("settings", "they are not JSON") from None

    def is_signed(self, message, mac):
        """Whether `mac` is the HMAC-SHA256 of `message` under the connection's signing secret."""
        return self._host.hmac_sha256(message, mac)

    def log(self, message, level="info"):
        """A line for whoever looks after the plugin: `debug`, `info`, `warn` or `error`. No credential, no customer's value."""
        self._host.log(level, str(message))


class Connector:
    """A connector. Each call stands alone, in an instance of its own: there is nothing to remember between two of them. See the contract
    for what each verb promises; those with a body here are optional."""

    def check(self, call):
        raise NotImplementedError

    def objects(self, call):
        raise NotImplementedError

    def fields(self, call, object):
        raise NotImplementedError

    def segments(self, call, object):
        return []

    def pull(self, call, request):
        raise NotImplementedError

    def partition(self, call, request, most):
        raise Unsupported("this connector has no `partition`")

    def gone(self, call, object, window, token):
        raise Unsupported("this connector has no `gone`")

    def push(self, call, object, writes):
        raise Unsupported("this connector has no `push`")

    def resolve(self, call, object, writes):
        raise Unsupported("this connector has no `resolve`")

    def receive(self, call, request):
        raise Unsupported("this connector has no `receive`")

    def least(self, call, object):
        return None

    def open(self, call, object, writes):
        raise Unsupported("this connector has no `open`")

    def submit(self, call, object, name, writes):
        raise Unsupported("this connector has no `submit`")

    def collect(self, call, object, name, writes):
        raise Unsupported("this connector has no `collect`")


def takes_sets(plugin):
    """Whether a connector says from how many writes on a set serves better: only then are its sets part of the component."""
    return type(plugin).least is not Connector.least


def exported_bulk(plugin, host):
    """The interface of sets."""
    return exported(plugin, host, "Bulk", _BULK)


def exported(plugin, host, interface="Connector", verbs=_VERBS):
    """A class with the verbs as the contract's interface has them, over what the host offers."""

    def verb(name):
        def answer(self, connection, *given):
            try:
                return getattr(plugin, name)(Call(connection, host), *given)
            except Failure as failure:
                raise Err(failure.advice) from failure
            # One that nobody caught is advice too; what is neither is a mistake in the plugin, and ends the call as one.
            except HttpError as error:
                raise Err(error.to_failure().advice) from error

        return answer

    return type(interface, (), {name: verb(name) for name in verbs})


def account(id, name, *, time_zone=None, lacking=()):
    return connector.Account(str(id), name, time_zone, list(lacking))


def obj(name, label, abilities, *, custom=False, lateness_ms=0):
    """An object; `abilities` are names as in `["pull", "create"]`."""
    flags = connector.Abilities(0)
    for ability in abilities:
        flags |= connector.Abilities[ability.upper()]
    return connector.Object(name, label, custom, flags, lateness_ms)


def field(name, label, kind, *, choices=(), refers_to=(), required=False, writable=False, unique=False, custom=False, derived=False, length=None):
    """A field; `kind` is a name as in `"long-text"`."""
    kind = connector.Kind[kind.upper().replace("-", "_")]
    return connector.Field(name, label, kind, list(choices), list(refers_to), required, writable, unique, custom, derived, length)


def choice(value, label, *, hidden=False):
    return connector.Choice(value, label, hidden)


def segment(id, name, *, size=None, changes_by_itself=False):
    return connector.Segment(str(id), name, size, changes_by_itself)


def page(rows, next=None, *, gone=(), wait_ms=None, total=None):
    """A page of rows, and where the next one starts: None when the slice is done."""
    return connector.Page(list(rows), list(gone), next, wait_ms, total)


def tombstone(id, *, at=None, into=None):
    """A record that is no longer there; `into` is the object and the id that it lives on as, as in `("contacts", "7")`."""
    successor = None if into is None else types.Successor(str(into[0]), str(into[1]))
    return types.Tombstone(str(id), None if at is None else microseconds(at), successor)
