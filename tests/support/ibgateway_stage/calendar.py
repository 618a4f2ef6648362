"""IBKR's times as a test puts them: the operator takes them as configuration."""

from datetime import datetime
from typing import Any


def calendar(boundary: datetime) -> dict[str, Any]:
    """IBKR's calendar with its token boundary at `boundary`, and restarts allowed soon after it."""
    return {
        "tokenBoundary": {
            "weekday": boundary.strftime("%A"),
            "at": boundary.strftime("%H:%M:%S"),
            "timeZone": "UTC",
        },
        "restartDelaySeconds": 1,
        "marginSeconds": 1,
        "outages": [],
        "resets": [],
    }
