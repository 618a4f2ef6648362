"""`python -m ibgateway_executor.intake.written_openapi`: the API's document as docs/openapi.json has it."""

import json
import sys

from ibgateway_executor.intake.http import routes


def written() -> str:
    """The document, one line for each value."""
    return json.dumps(routes().openapi(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(written())
