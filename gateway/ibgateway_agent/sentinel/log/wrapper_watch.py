"""Whether the wrapper that says "waiting" is still there: its state file survives its death.

A waiting wrapper counts in the file `alive`. Only a count that is seen to change proves it, by the
monotonic clock; so neither a clock that is set back nor a file of before a reboot looks alive.
"""

from dataclasses import replace
from pathlib import Path
from typing import Final

from ibgateway_agent.sentinel.log.run_dir import sign_of_life, wrapper_state
from ibgateway_agent.sentinel.log.wrapper_state import WrapperStage, WrapperState

SILENT_AFTER: Final = 5.0
"""A waiting wrapper counts once a second; a node that is busy may hold it up."""


class WrapperWatch:
    """The wrapper's state, with what was seen of its life."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._sign = sign_of_life(run_dir)
        self._changed = float("-inf")

    def look(self, now: float) -> WrapperState | None:
        """The wrapper at this moment of the monotonic clock; None before its first start."""
        state = wrapper_state(self._run_dir)
        if state is None or state.stage is not WrapperStage.WAITING:
            return state
        sign = sign_of_life(self._run_dir)
        if sign != self._sign and sign:
            self._sign, self._changed = sign, now
        counts = self._sign.split(" ")[0] == state.start and now - self._changed < SILENT_AFTER
        return replace(state, alive=counts)
