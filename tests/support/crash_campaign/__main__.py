"""The executor with its points counted: `python -m crash_campaign PLAN`, PLAN a JSON document."""

import json
import sys

from crash_campaign.points import CrashPoints, PointPlan


def main() -> int:
    """Install the points, then be the executor."""
    plan = json.loads(sys.argv[1])
    target = plan.pop("target", None)
    CrashPoints(PointPlan(**plan, target=tuple(target) if target else None)).install()
    from ibgateway_executor.__main__ import main as executor  # noqa: PLC0415 -- wrapped first

    sys.argv = ["ibgateway_executor"]
    return executor() or 0


if __name__ == "__main__":
    raise SystemExit(main())
