"""The way out: requests that the host signs in, paces and repeats, and their answers."""

import json as jsons

from .contract import Err, http
from .failure import Permanent, RateLimited, Temporary, Unauthorized, malformed

_KINDS = ("denied", "unauthorized", "exhausted", "unreachable", "unanswered", "too-large")


class HttpError(Exception):
    """Why there was no answer. Uncaught, it becomes the advice for a call that only reads: see `to_failure`."""

    def __init__(self, error):
        self.detail = error.value
        # `Error_TooLarge` is `too-large`.
        name = type(error).__name__.removeprefix("Error_")
        self.kind = "too-large" if name == "TooLarge" else name.lower()
        assert self.kind in _KINDS
        super().__init__(error.value if isinstance(error.value, str) else self.kind)

    def to_failure(self):
        """For calls that only read: what was lost can be asked again. A write decides for itself what `unanswered` means."""
        match self.kind:
            case "denied":
                return Permanent(str(self))
            case "unauthorized":
                return Unauthorized(str(self))
            case "exhausted":
                return RateLimited(self.detail)
            case "too-large":
                return Permanent(f"the CRM's answer is larger than {self.detail} bytes")
            case _:
                return Temporary(str(self))


class Response:
    """An answer, whatever its status."""

    def __init__(self, answer):
        self.status = answer.status
        self.headers = answer.headers
        self.body = answer.body

    @property
    def ok(self):
        return 200 <= self.status < 300

    def header(self, name):
        """The first header of this name, or None."""
        return next((value for key, value in self.headers if key == name.lower()), None)

    def text(self):
        return self.body.decode("utf-8", errors="replace")

    def json(self):
        """The body as JSON; `Temporary` where it is none."""
        try:
            return jsons.loads(self.body)
        except ValueError:
            # The parser's message may quote the body, which is a customer's.
            raise malformed("it is not JSON" if self.body else "it is empty") from None


def request(method, target, *, query=(), headers=(), json=None, body=None, repeatable=None, bucket=None):
    """One request. `query` and `headers` are dictionaries or lists of pairs; what is None in them is left out. `repeatable` is set for all
    methods but `post` and `patch`."""
    lines = _pairs(headers)
    if json is not None:
        lines.append(("content-type", "application/json"))
        body = jsons.dumps(json, ensure_ascii=False, separators=(",", ":"))
    if isinstance(body, str):
        body = body.encode()
    if repeatable is None:
        repeatable = method not in ("post", "patch")
    return http.Request(http.Method[method.upper()], target, _pairs(query), lines, body, repeatable, bucket)


def _pairs(given):
    pairs = given.items() if isinstance(given, dict) else given
    return [(name, str(value)) for name, value in pairs if value is not None]


class Http:
    """What a call sends through."""

    def __init__(self, host):
        self._host = host

    def send(self, request):
        """Sends one request; raises an `HttpError` where there is no answer."""
        try:
            return Response(self._host.send(request))
        except Err as error:
            raise HttpError(error.value) from None

    def send_all(self, requests):
        """Side by side as far as the limits allow: a `Response` or an `HttpError` for each, in order."""
        answers = self._host.send_all(requests)
        return [HttpError(answer.value) if isinstance(answer, Err) else Response(answer.value) for answer in answers]

    def get(self, target, **options):
        return self.send(request("get", target, **options))

    def head(self, target, **options):
        return self.send(request("head", target, **options))

    def post(self, target, **options):
        return self.send(request("post", target, **options))

    def put(self, target, **options):
        return self.send(request("put", target, **options))

    def patch(self, target, **options):
        return self.send(request("patch", target, **options))

    def delete(self, target, **options):
        return self.send(request("delete", target, **options))
