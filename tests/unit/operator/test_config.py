"""The settings files that the operator writes for sentinel and executor."""

from ibgateway_api.gate import GateReason
from ibgateway_api.reports import HoldReport
from ibgateway_operator.desired.config import executor_settings
from operator_fakes import desired_input


def test_a_suspension_holds_the_executor_before_anything_stops() -> None:
    assert executor_settings(desired_input(spec={"suspend": True})).holds == (
        HoldReport(reason=GateReason.SUSPENDED),
    )
    assert executor_settings(desired_input()).holds == ()
