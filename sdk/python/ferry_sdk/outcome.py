"""What became of a write, and the order that outcomes keep."""

from .contract import bulk, connector
from .failure import Failure, RateLimited, Temporary
from .http import HttpError
from .value import microseconds


def found(id, *, created=False, modified=None, version=None):
    """What `resolve` answers for a write that did arrive."""
    return connector.Written(str(id), created, None if modified is None else microseconds(modified), version)


def written(id, **more):
    """It took effect."""
    return connector.Outcome_Written(found(id, **more))


def unchanged(id, **more):
    """The record already holds these values: nothing was sent for it."""
    return connector.Outcome_Unchanged(found(id, **more))


def conflict():
    """The record has changed since `write.version`."""
    return connector.Outcome_Conflict()


def rejected(problems):
    """Refused for what it says; the same write would be refused again."""
    return connector.Outcome_Rejected(list(problems))


def later(wait_ms=None):
    """Refused for now."""
    return connector.Outcome_Later(wait_ms)


def unknown(why):
    """Whether it took effect is not known: the host asks `resolve` before it sends it again."""
    return connector.Outcome_Unknown(why)


def still_at_work(wait_ms):
    """The CRM is still at work on a set."""
    return bulk.Collected_Wait(wait_ms)


def collected(outcomes):
    """What became of a set's writes, one outcome per write, in order."""
    return bulk.Collected_Outcomes(list(outcomes))


def nothing_taken():
    """Nothing of a set took effect, and nothing will."""
    return bulk.Collected_Void()


def is_create(write):
    return isinstance(write.operation, connector.Operation_Create)


def is_update(write):
    """`write.operation.value` is the id."""
    return isinstance(write.operation, connector.Operation_Update)


def is_upsert(write):
    """`write.operation.value` is the name of the unique field and its value."""
    return isinstance(write.operation, connector.Operation_Upsert)


def is_delete(write):
    """`write.operation.value` is the id."""
    return isinstance(write.operation, connector.Operation_Delete)


def one_by_one(writes, write_one):
    """Writes one after the other and keeps the contract's promise, one outcome per write: where the answer was lost, or the CRM was out
    of order, the write is `unknown`, and a failure half way leaves the rest for `later`. Only a failure of the very first write is the
    failure of all, since none took effect."""
    outcomes = []
    for write in writes:
        try:
            outcomes.append(write_one(write))
        except (Failure, HttpError) as error:
            if isinstance(error, Temporary) or isinstance(error, HttpError) and error.kind in ("unanswered", "too-large"):
                outcomes.append(unknown(str(error)))
                continue
            if not outcomes:
                raise
            failure = error.to_failure() if isinstance(error, HttpError) else error
            wait = failure.wait_ms if isinstance(failure, RateLimited) else None
            return outcomes + [later(wait)] * (len(writes) - len(outcomes))
    return outcomes
