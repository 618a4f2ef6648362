"""Drains: a planned stop waits for what is unacknowledged."""

import pytest

from ibgateway_api.names import Key
from ibgateway_api.reports import ExecutorReport
from ibgateway_operator.act.drain import Drains
from ibgateway_operator.decide.intent import PlannedStop
from ibgateway_operator.observe.http import Endpoint
from operator_fakes import FakeHttpClient

KEY = Key("trading", "paper")
PEER = Endpoint("http://10.0.0.9:8080", "paper", "t")


@pytest.mark.parametrize(
    ("stop", "report", "drained"),
    [
        (PlannedStop.RESTART, ExecutorReport(open=False, unacknowledged=0), True),
        (PlannedStop.RESTART, ExecutorReport(open=True, unacknowledged=0), False),
        (PlannedStop.RESTART, ExecutorReport(open=False, unacknowledged=1), False),
        (PlannedStop.SUSPEND, ExecutorReport(open=True, unacknowledged=0), False),
        (PlannedStop.SUSPEND, ExecutorReport(open=False, unacknowledged=0), True),
        (PlannedStop.SUSPEND, ExecutorReport(open=False, unacknowledged=2), False),
    ],
)
async def test_a_stop_waits_for_what_is_unacknowledged(
    http: FakeHttpClient, stop: PlannedStop, report: ExecutorReport, drained: bool
) -> None:
    http.answers["/v1/gate"] = report.to_json().encode()
    assert await Drains(http, lambda: 0.0).drained(KEY, PEER, stop) is drained


async def test_a_restart_never_loses_patience(http: FakeHttpClient) -> None:
    time = 0.0
    executors = Drains(http, lambda: time)
    assert await executors.drained(KEY, None, PlannedStop.RESTART) is False
    time = 100000.0
    assert await executors.drained(KEY, PEER, PlannedStop.RESTART) is False


async def test_an_answer_that_is_none_counts_as_none(http: FakeHttpClient) -> None:
    http.answers["/v1/gate"] = b"<html>"
    assert await Drains(http, lambda: 0.0).drained(KEY, PEER, PlannedStop.RESTART) is False
