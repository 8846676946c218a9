"""simple-salesforce judges the simulator: unchanged but for the address. It speaks to salesforce.com only, so a session is
handed to it whose requests arrive at the simulator. One line per check; the first that fails ends the run.

Needs BASE_URL, CONTROL_URL, ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET, USERNAME, PASSWORD, SECURITY_TOKEN, JWT_KEY_FILE, and
CONTACTS: how many there are.
"""

import sys
import traceback

# These register their checks, in this order.
import sign_in  # noqa: F401, I001
import records  # noqa: F401
import bulk  # noqa: F401
from crm import CHECKS

for claim, body in CHECKS:
    try:
        body()
    except Exception:
        print(f"FAILED {claim}", file=sys.stderr)
        traceback.print_exc()
        sys.exit(1)
    print(f"ok {claim}", flush=True)
