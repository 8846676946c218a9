"""Why a call gives nothing, as advice to the host: raise one of these. Messages are for people; no secrets, no values."""

import math

from .contract import types
from .value import microseconds, problem


class Failure(Exception):
    """`advice` is the contract's variant, as the host gets it."""

    def __init__(self, advice, message):
        super().__init__(message)
        self.advice = advice


class Unauthorized(Failure):
    """The sign-in is no longer accepted; a person must connect again."""

    def __init__(self, message):
        super().__init__(types.Failure_Unauthorized(message), message)


class Forbidden(Failure):
    """These permissions are missing; an administrator of the CRM can give them."""

    def __init__(self, permissions):
        super().__init__(types.Failure_Forbidden(list(permissions)), f"these permissions are missing: {', '.join(permissions)}")


class RateLimited(Failure):
    """Ask again after so many milliseconds, or when the host thinks fit."""

    def __init__(self, wait_ms=None):
        self.wait_ms = None if wait_ms is None else min(max(0, math.ceil(wait_ms)), 0xFFFF_FFFF)
        super().__init__(types.Failure_RateLimited(self.wait_ms), "rate limited")


class QuotaExhausted(Failure):
    """The allowance is used up until then."""

    def __init__(self, until=None):
        stamp = None if until is None else microseconds(until)
        super().__init__(types.Failure_QuotaExhausted(stamp), "the allowance is used up")


class WindowTooLarge(Failure):
    """The window holds more than the CRM will page through: so many, if known."""

    def __init__(self, records=None):
        super().__init__(types.Failure_WindowTooLarge(records), "the window holds too much")


class TokenExpired(Failure):
    """The page token is no longer good; the host starts the slice again."""

    def __init__(self):
        super().__init__(types.Failure_TokenExpired(), "the page token is no longer good")


class Missing(Failure):
    """The object, field or segment of this name is not there."""

    def __init__(self, name):
        super().__init__(types.Failure_Missing(name), f"there is no {name}")


class Unsupported(Failure):
    """This connector or this CRM can't do that."""

    def __init__(self, message):
        super().__init__(types.Failure_Unsupported(message), message)


class Invalid(Failure):
    """The settings or the request are wrong: a field's name with a message, or a list of problems."""

    def __init__(self, field, message=None):
        problems = field if isinstance(field, list) else [problem(field, message)]
        super().__init__(types.Failure_Invalid(problems), message or "invalid")


class Temporary(Failure):
    """It may work later."""

    def __init__(self, message):
        super().__init__(types.Failure_Temporary(message), message)


class Permanent(Failure):
    """It will not work by itself."""

    def __init__(self, message):
        super().__init__(types.Failure_Permanent(message), message)


def malformed(what):
    """The CRM answered with something that is not what it promises: an outage in the middle is likelier than a CRM that changed."""
    return Temporary(f"the CRM's answer can't be read: {what}")
