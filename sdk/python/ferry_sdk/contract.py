"""The contract's types. In a component the build makes them from the contract itself; in a test a copy of what it makes takes their place,
so that there is one definition and nothing is converted on the way.
"""

import sys
from pathlib import Path

try:
    import wit_world
except ModuleNotFoundError:
    sys.path.append(str(Path(__file__).parent / "native"))
    import wit_world  # noqa: F401

from componentize_py_types import Err, Ok
from wit_world.imports import types

# A component has one of these worlds, and a test both.
try:
    from wit_world.exports import connector
    from wit_world.imports import http
except ImportError:
    connector = http = None
try:
    from wit_world.exports import bulk
except ImportError:
    bulk = None
try:
    from wit_world.exports import mapper
except ImportError:
    mapper = None

# The version of the contract that a plugin built with this SDK speaks.
CONTRACT = "0.1.0"

Abilities = connector and connector.Abilities
Comparison = connector and connector.Comparison
Kind = connector and connector.Kind
Direction = mapper and mapper.Direction
MapperKind = mapper and mapper.Kind


class slices:
    """What a pull asks for: `isinstance(request.slice, slices.Window)`."""

    All = connector and connector.Slice_All
    Window = connector and connector.Slice_Window
    Ids = connector and connector.Slice_Ids
