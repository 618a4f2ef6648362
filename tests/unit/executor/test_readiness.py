"""The kubelet's probe is held while it would repeat the last answer, and released by the first difference."""

import pytest

from executor_fakes import ManualClock
from ibgateway_api.gate import Closed, Gate, GateReason, Open
from ibgateway_executor.readiness import HOLD_SECONDS, LOOK_SECONDS, ReadinessAnswer

CLOSED = Closed(GateReason.NO_NEWS, "silence")
UNPROVEN = Closed(GateReason.NOT_RECONCILED, "asking")


class Scene:
    """A gate that moves at a time of its own, and a probe that sleeps on a clock by hand."""

    def __init__(self, gate: Gate) -> None:
        self.time = ManualClock()
        self.gate = gate
        self.moves_at: dict[int, Gate] = {}
        self.looks = 0
        self.readiness = ReadinessAnswer(self._look, self.time.clock, self._sleep)

    def _look(self) -> Gate:
        self.looks += 1
        return self.gate

    async def _sleep(self, seconds: float) -> None:
        self.time.advance(seconds)
        self.gate = self.moves_at.pop(self.looks, self.gate)

    async def probe(self) -> tuple[Gate, float]:
        """The answer, and how long it took."""
        self.looks, begin = 0, self.time.clock.monotonic()
        verdict = await self.readiness.verdict()
        return verdict, self.time.clock.monotonic() - begin


@pytest.mark.parametrize("gate", [Open(), CLOSED])
async def test_the_first_probe_is_answered_at_once(gate: Gate) -> None:
    assert await Scene(gate).probe() == (gate, 0)


@pytest.mark.parametrize(("before", "after"), [(CLOSED, Open()), (Open(), CLOSED)])
async def test_a_held_probe_tells_of_a_move_within_a_look(before: Gate, after: Gate) -> None:
    scene = Scene(before)
    await scene.probe()
    scene.moves_at = {5: after}
    verdict, seconds = await scene.probe()
    assert verdict == after
    assert seconds == pytest.approx(5 * LOOK_SECONDS)


@pytest.mark.parametrize(("before", "after"), [(CLOSED, Open()), (Open(), CLOSED)])
async def test_a_move_between_two_probes_is_told_at_once(before: Gate, after: Gate) -> None:
    scene = Scene(before)
    await scene.probe()
    scene.gate = after
    assert await scene.probe() == (after, 0)


async def test_a_gate_that_stays_is_told_before_the_kubelet_asks_again() -> None:
    scene = Scene(Open())
    await scene.probe()
    verdict, seconds = await scene.probe()
    assert verdict == Open()
    assert HOLD_SECONDS <= seconds < HOLD_SECONDS + 2 * LOOK_SECONDS < 1


async def test_another_reason_for_the_same_answer_releases_no_probe_but_is_told() -> None:
    scene = Scene(CLOSED)
    await scene.probe()
    scene.moves_at = {3: UNPROVEN}
    verdict, seconds = await scene.probe()
    assert verdict == UNPROVEN
    assert seconds >= HOLD_SECONDS
