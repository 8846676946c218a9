"""What the author of a Ferry plugin writes against.

A connector is an instance of a subclass of `Connector`, a mapper one of `Mapper`; a plugin's module names it `plugin`. Everything else is a
plain library: the same code runs in the sandbox and, with `ferry_sdk.testing`, in a native test.
"""

from .connector import Account, Call, Connector, account, choice, field, obj, page, segment, tombstone
from .contract import CONTRACT, Abilities, Comparison, Direction, Kind, MapperKind, slices
from .failure import (
    Failure,
    Forbidden,
    Invalid,
    Missing,
    Permanent,
    QuotaExhausted,
    RateLimited,
    Temporary,
    TokenExpired,
    Unauthorized,
    Unsupported,
    WindowTooLarge,
    malformed,
)
from .http import Http, HttpError, Response, request
from .mapper import Mapper, Mapping, Mistakes, column, mapped, mistake, refused, skipped
from .outcome import (
    collected,
    conflict,
    found,
    is_create,
    is_delete,
    is_update,
    is_upsert,
    later,
    nothing_taken,
    one_by_one,
    rejected,
    still_at_work,
    unchanged,
    unknown,
    written,
)
from .paging import chunks, pages, read_token, write_token
from .value import (
    NULL,
    boolean,
    date,
    decimal,
    from_json,
    instant,
    integer,
    iso_text,
    microseconds,
    plain,
    problem,
    row,
    text,
    texts,
    to_json,
)
