"""How far our clock is off IBKR's, from one answer to reqCurrentTime. Pure.

Sessions, deadlines and the week are computed on the node's clock, and IBKR goes by its own.
"""

from datetime import datetime, timedelta
from typing import Final

SKEW_LIMIT_SECONDS: Final = 5.0
"""Farther from IBKR's clock than this, sessions and deadlines can't be trusted: trading is held."""
WRONG_CLOCK_SECONDS: Final = 60.0
"""Farther than this, neither can the budget of attempts, quiet hours and the week: no automatic attempt."""
HALF_A_SECOND: Final = timedelta(seconds=0.5)
"""IBKR's answer has whole seconds: on average its clock is half a second further."""


def ibkrs_time(answer: datetime, *, round_trip: float) -> datetime:
    """IBKR's time when its answer came. `round_trip`: seconds since the question, half of them after the answer."""
    return answer + HALF_A_SECOND + timedelta(seconds=round_trip / 2)
