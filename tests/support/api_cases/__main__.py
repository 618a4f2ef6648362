"""`python -m api_cases`: reads one JSON document with url, tokens, cases and start, prints the figures as another one."""

import json
import sys

from api_cases import CaseRun

given = json.load(sys.stdin)
asked = CaseRun(
    given["url"], lambda path: str(given["agent" if path == "/v1/gate" else "client"])
).run(given["cases"], given["start"])
json.dump(vars(asked), sys.stdout, default=sorted)
