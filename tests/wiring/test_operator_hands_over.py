"""The operator asks a sentinel over sockets to hand the login over and to take it back: real operator, sentinel, wrapper.

The API server is in memory and the executor a word; IBKR counts logins and pushes.
"""

from pathlib import Path

import pytest

from operator_on_host import DRAINED, operated
from sentinel_world import PodOnHost

pytestmark = pytest.mark.timeout(240)


def tries(gateway: PodOnHost) -> list[str]:
    """The kinds of the logins that IBKR saw."""
    return [attempt.kind.value for attempt in gateway.ibkr.ibkr.logins.attempts]


async def test_orders_drain_first_and_another_operator_takes_the_login_back_without_a_push(
    tmp_path: Path,
) -> None:
    async with operated(tmp_path) as (gateway, operator):
        operator.annotate("handover-until", "1h")
        await operator.until(operator.waits_for_the_executor)
        assert operator.told("HandoverRequested") == 1
        assert operator.told("HandedOver") == 0
        assert (await gateway.state("LoggedIn"))["holds"] == [{"reason": "PlannedStop"}]
        operator.http.answers["/v1/gate"] = DRAINED
        await operator.until(operator.is_handed_over)
        operator.start_again()
        operator.deliver()
        await operator.until(operator.is_handed_over)
        assert operator.condition("TradingAllowed") == "False HandedOver"
        operator.annotate("handover-until", "")
        await operator.until(operator.trades)
        assert tries(gateway) == ["full", "token"]
        assert gateway.pushes() == ["approved"]
        assert operator.told("HandedBack") == 1


async def test_it_ends_at_its_time_and_what_can_not_be_read_ends_nothing(tmp_path: Path) -> None:
    async with operated(tmp_path) as (gateway, operator):
        operator.http.answers["/v1/gate"] = DRAINED
        operator.annotate("handover-until", "at noon")
        await operator.until(lambda: operator.told("HandoverIgnored") == 1)
        await operator.until(operator.trades)
        assert (await gateway.state("LoggedIn"))["holds"] == []
        operator.annotate("handover-until", "30s")
        await operator.until(operator.is_handed_over)
        await operator.until(operator.trades)
        assert tries(gateway) == ["full", "token"]
        assert gateway.pushes() == ["approved"]
        assert operator.told("HandedBack") == 0
