"""The mark that the SDK leaves in each component, so that the host can say in a sentence what does not fit."""

import json

_CUSTOM_SECTION = 0


def _leb(number):
    out = bytearray()
    while number >= 0x80:
        out.append((number & 0x7F) | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def stamped(component, stamp):
    """The component with the custom section `ferry:sdk` at its end."""
    name = b"ferry:sdk"
    content = _leb(len(name)) + name + json.dumps(stamp, separators=(",", ":")).encode()
    return component + bytes([_CUSTOM_SECTION]) + _leb(len(content)) + content
