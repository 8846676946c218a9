"""HubSpot's own client for Python judges the simulator: unchanged but for its base address and its option
`client_side_validation`, by which it refuses an answer that lacks a member which HubSpot's specification requires. One line
per check; the first that fails ends the run.

Needs BASE_URL, CONTROL_URL, ACCESS_TOKEN, REFRESH_TOKEN, CLIENT_ID, CLIENT_SECRET, and CONTACTS: how many there are.
"""

import sys
import traceback

# These register their checks, in this order.
import records  # noqa: F401, I001
import account  # noqa: F401
from crm import CHECKS

for claim, body in CHECKS:
    try:
        body()
    except Exception:
        print(f"FAILED {claim}", file=sys.stderr)
        traceback.print_exc()
        sys.exit(1)
    print(f"ok {claim}", flush=True)
