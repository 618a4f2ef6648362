"""The settings files that the operator writes for sentinel and executor."""

from collections.abc import Callable

from ibgateway_api.gate import GateReason
from ibgateway_api.reports import HoldReport
from ibgateway_operator.desired import DesiredInput
from ibgateway_operator.desired.config import executor_settings


def test_a_suspension_holds_the_executor_before_anything_stops(
    make_plan: Callable[..., DesiredInput],
) -> None:
    assert executor_settings(make_plan(spec={"suspend": True})).holds == (
        HoldReport(reason=GateReason.SUSPENDED),
    )
    assert executor_settings(make_plan()).holds == ()
