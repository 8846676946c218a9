"""Values as the contract has them, made from what Python and JSON have. No I/O."""

import datetime as dt
import decimal as dec
import json
import re

from .contract import types

# The CRM has the field and it is empty.
NULL = types.Value_Null()

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:(Z)|([+-])(\d\d):?(\d\d))", re.ASCII
)
_EPOCH = dt.datetime(1970, 1, 1)
_DAY_ONE = dt.date(1970, 1, 1).toordinal()
_S64 = range(-(2**63), 2**63)


def _unfit(given, rule):
    # The value itself is a customer's: it stays out of the message.
    return ValueError(f"this {type(given).__name__} is not {rule}")


def text(given):
    """None is empty, as in all of these: a field that is not there is no mistake."""
    return NULL if given is None else types.Value_Text(str(given))


def boolean(given):
    return NULL if given is None else types.Value_Boolean(bool(given))


def integer(given):
    """A whole number of 64 bits, from a number or its text."""
    if given is None:
        return NULL
    is_whole = isinstance(given, int) or (isinstance(given, str) and re.fullmatch(r"-?[0-9]+", given, re.ASCII))
    if not is_whole or int(given) not in _S64:
        raise _unfit(given, "a whole number of 64 bits")
    return types.Value_Integer(int(given))


def decimal(given):
    """A number in plain digits. Give it as the CRM wrote it, a text, where that matters: a float has 15 digits."""
    if given is None:
        return NULL
    written = given
    if isinstance(given, (int, float, dec.Decimal)):
        try:
            written = format(dec.Decimal(repr(given) if isinstance(given, float) else given), "f")
        except dec.InvalidOperation:
            raise _unfit(given, "a number") from None
    if not isinstance(written, str) or not _DECIMAL.fullmatch(written):
        raise _unfit(given, "a decimal number in plain digits")
    return types.Value_Decimal(written)


def microseconds(given):
    """Microseconds since 1970: of an aware `datetime`, of a text like `2024-05-01T10:00:00.000Z`, or as they are."""
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    if isinstance(given, dt.datetime) and given.tzinfo is not None:
        return _since_epoch(given.astimezone(dt.timezone.utc).replace(tzinfo=None))
    parts = _INSTANT.fullmatch(given) if isinstance(given, str) else None
    if parts is None:
        raise _unfit(given, "an instant as in `2024-05-01T10:00:00Z`")
    year, month, day, hour, minute, second, places, _, sign, hours, minutes = parts.groups()
    try:
        plain_time = dt.datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0))
    except ValueError:
        raise _unfit(given, "an instant of the calendar") from None
    offset = (int(hours) * 60 + int(minutes)) * 60_000_000 if sign else 0
    return _since_epoch(plain_time) + int((places or "").ljust(6, "0")[:6]) - (-offset if sign == "-" else offset)


def _since_epoch(time):
    span = time - _EPOCH
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


def iso_text(instant):
    """Microseconds since 1970 as a text with a `Z`, to the millisecond, or to the microsecond where there are any."""
    time = _EPOCH + dt.timedelta(microseconds=instant)
    return time.isoformat(timespec="microseconds" if instant % 1_000 else "milliseconds") + "Z"


def instant(given):
    return NULL if given is None else types.Value_Instant(microseconds(given))


def date(given):
    """A day, from a `date` or from a text like `2024-05-01`."""
    if given is None:
        return NULL
    try:
        if isinstance(given, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", given, re.ASCII):
            raise ValueError
        day = dt.date.fromisoformat(given) if isinstance(given, str) else given
        return types.Value_Date(day.toordinal() - _DAY_ONE)
    except (ValueError, AttributeError):
        raise _unfit(given, "a day as in `2024-05-01`") from None


def texts(given):
    """Several choices or tags."""
    return NULL if given is None else types.Value_Texts([str(one) for one in given])


def from_json(given):
    """What JSON holds, as it is: texts stay texts, and what has no counterpart becomes its JSON."""
    if isinstance(given, bool):
        return boolean(given)
    if isinstance(given, int):
        return integer(given) if given in _S64 else decimal(given)
    if isinstance(given, float):
        return decimal(given)
    if given is None or isinstance(given, str):
        return text(given)
    if isinstance(given, list) and all(isinstance(one, str) for one in given):
        return texts(given)
    return text(json.dumps(given, ensure_ascii=False))


def plain(value):
    """The plain content of a value: a text, a boolean, a number, a list of texts, or None. Instants are microseconds, dates days."""
    return getattr(value, "value", None)


def to_json(value):
    """How a value is written in JSON for a CRM: instants and dates as ISO texts."""
    if isinstance(value, types.Value_Instant):
        return iso_text(value.value)
    if isinstance(value, types.Value_Date):
        return dt.date.fromordinal(value.value + _DAY_ONE).isoformat()
    return plain(value)


def row(id, columns, values, *, modified=None, version=None):
    """A row with its values, a dictionary, in the order of the columns that were asked for: null where there is none."""
    stamp = None if modified is None else microseconds(modified)
    return types.Row(str(id), stamp, version, [values.get(column, NULL) for column in columns])


def problem(field, message):
    """What is wrong with one field, or with none in particular. The message must not repeat the value."""
    return types.Problem(field, message)
