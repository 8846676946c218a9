"""A host that is not there: scripted HTTP for a plugin's own tests, with no WebAssembly and no CRM."""

import json

from . import connector as _connector
from . import mapper as _mapper
from .contract import Err, Ok, connector, http, mapper


def answer(status, body="", headers=()):
    """An answer with headers and any body."""
    return Ok(http.Response(status, list(headers), body.encode() if isinstance(body, str) else body))


def json_answer(status, body):
    """An answer with a JSON body."""
    return answer(status, json.dumps(body), [("content-type", "application/json")])


def lost(kind, detail=None):
    """No answer: `unanswered`, `unreachable`, `denied`, `unauthorized`, `exhausted` or `too-large`."""
    return Err(getattr(http, "Error_" + kind.title().replace("-", ""))(detail))


class FakeHttp:
    """Answers from a script, strictly: a request that nobody expects fails the test and shows what was expected. Or by a function that gives
    the answer to each request, and None to one that nobody expects."""

    def __init__(self, script=None):
        # What was sent, in order.
        self.sent = []
        self._script = script
        self._expected = []

    def expect(self, method, target, given):
        """Expects a request of this method to this target next, and gives this answer."""
        self._expected.append((method, target, given))
        return self

    @property
    def sent_json(self):
        """The JSON bodies of what was sent, None where there was none."""
        return [None if request.body is None else json.loads(request.body) for request in self.sent]

    def done(self):
        """Fails unless everything that was expected has been sent."""
        left = ", ".join(f"{method} {target}" for method, target, _ in self._expected)
        assert not left, f"never sent: {left}"

    def _answer(self, request):
        self.sent.append(request)
        named = f"{request.method.name.lower()} {request.target}"
        if self._script is not None:
            given = self._script(request)
        elif self._expected:
            method, target, given = self._expected.pop(0)
            assert f"{method} {target}" == named, f"sent {named}, expected {method} {target}"
        else:
            given = None
        assert given is not None, f"nobody expects {named} {request.query}"
        return given

    def send(self, request):
        given = self._answer(request)
        if isinstance(given, Err):
            raise given
        return given.value

    def send_all(self, requests):
        return [self._answer(request) for request in requests]


class _Host:
    def __init__(self, fake, signed):
        self.send, self.send_all = fake.send, fake.send_all
        self._signed = signed
        self.lines = []

    def hmac_sha256(self, message, mac):
        return mac == b"good" and self._signed is not None and message == self._signed

    def log(self, level, message):
        self.lines.append((level, message))


class Hosted:
    """A connector as the host sees it: its verbs without the connection, which is made of `settings` and `now`. An uncaught failure comes
    out as `Err` with the contract's variant. Signatures hold for exactly the message `signed`, with the mac `good`; `lines` is the log."""

    def __init__(self, plugin, http=None, *, settings=None, now=0, signed=None):
        self._host = _Host(http or FakeHttp(), signed)
        verbs = (_connector.exported(plugin, self._host), _connector.exported_bulk(plugin, self._host))
        self._verbs = type("Verbs", verbs, {})()
        self._connection = connector.Connection(json.dumps(settings or {}), now)

    @property
    def lines(self):
        return self._host.lines

    def __getattr__(self, verb):
        return lambda *given: getattr(self._verbs, verb)(self._connection, *given)

    def pull(self, object, columns=(), *, filter=(), segment=None, slice=None, token=None, limit=2_000):
        """A page; what is left out is the whole object, unfiltered, from the start."""
        slice = slice or connector.Slice_All()
        return self._verbs.pull(
            self._connection, connector.PullRequest(object, list(columns), list(filter), segment, slice, token, limit)
        )


def create(key, values, links=(), *, version=None):
    """A write that makes a record: `values` is a dictionary, `links` are pairs of an object and an id."""
    return _write(key, connector.Operation_Create(), values, links, version)


def update(key, id, values, links=(), *, version=None):
    return _write(key, connector.Operation_Update(id), values, links, version)


def delete(key, id, *, version=None):
    return _write(key, connector.Operation_Delete(id), {}, (), version)


def _write(key, operation, values, links, version):
    links = [connector.Link(None, object, id) for object, id in links]
    return connector.Write(key, operation, list(values.items()), links, version)


class _Opened:
    def __init__(self, mapping):
        self._mapping = mapping
        self.output = mapping.output

    def rows(self, rows):
        return self._mapping.rows(_table(rows))


def _table(rows):
    """Rows in one piece, as the host hands them over."""
    texts = []

    def length(text):
        texts.append(text)
        return len(text.encode())

    def cell(value):
        kind = type(value).__name__.removeprefix("Value_")
        make = getattr(mapper, f"Cell_{kind}")
        match kind:
            case "Null":
                return make()
            case "Text" | "Decimal":
                return make(length(value.value))
            case "Texts":
                return make([length(text) for text in value.value])
            case _:
                return make(value.value)

    cells = [cell(value) for row in rows for value in row]
    return mapper.Table([len(row) for row in rows], cells, "".join(texts))


def opened(plugin, configuration, direction, input):
    """A mapping as the host opens it, with `output()` and `rows(rows)`. `direction` is `inbound` or `outbound`, `input` are pairs of a name and
    a kind."""
    _, mapping = _mapper.exported(plugin)
    columns = [_mapper.column(name, kind) for name, kind in input]
    return _Opened(mapping.open(configuration, mapper.Direction[direction.upper()], columns))
