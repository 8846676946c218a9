"""Page tokens, pages inside one call, and lists in pieces."""

import json

from .failure import TokenExpired, malformed


def write_token(state):
    """A token that holds what the next call needs, a dictionary: nothing else survives between two calls."""
    return json.dumps(state, separators=(",", ":"))


def read_token(token, start):
    """What `write_token` wrote; the start where there is no token yet, and `TokenExpired` where it is not one of ours."""
    if token is None:
        return start
    try:
        state = json.loads(token)
    except ValueError:
        state = None
    # Whatever else it is, an older version of the plugin may have written it.
    if not isinstance(state, dict):
        raise TokenExpired
    return state


def pages(ask, most=1_000):
    """All items of a list that is short enough for one call, as of fields: `ask(token)` gives the items of a page and the next token, or
    None at the end. A list that does not end is an answer that can't be read."""
    token = None
    for _ in range(most):
        items, following = ask(token)
        yield from items
        if following is None:
            return
        if following == token:
            break
        token = following
    raise malformed("the list does not end")


def chunks(items, size):
    """A list in pieces of at most `size`: for CRMs that take so many ids or records at once."""
    for at in range(0, len(items), size):
        yield items[at : at + size]
