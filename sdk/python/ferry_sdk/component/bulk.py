
# Joined to the entry of a connector that takes writes in sets.
from ferry_sdk.connector import exported_bulk  # noqa: E402

Bulk = exported_bulk(plugin, _Host)  # noqa: F821
