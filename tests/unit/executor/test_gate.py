"""The executor's own gate, from the sentinel's report, its settings and its connection."""

from datetime import UTC, datetime

import pytest

from executor_fakes import SETTINGS, CountingWakeup, FakeBroker, FixedSentinel, ManualClock, report
from ibgateway_api.gate import Closed, GateReason, Open
from ibgateway_api.login import LoginState
from ibgateway_api.reports import HoldReport, PauseReport, SentinelReport
from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor.broker.connection_state import ConnectionState
from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.gate import TradingGate

REPORT = report()
PROVEN = ConnectionState(
    connected=True,
    accounts=("DU1234567",),
    ledger_accounts=("DU1234567",),
    skew=0.1,
    reconciled=True,
)


def trading_gate(
    settings: ExecutorSettings,
    told: SentinelReport | None,
    *,
    age: float = 0.0,
    state: ConnectionState = PROVEN,
    problem: str = "",
    paused: PauseReport | None = None,
) -> TradingGate:
    """A gate that sees these."""
    connection = CurrentConnection(
        clock=ManualClock().clock,
        changed=CountingWakeup(),
        wanted=CountingWakeup(),
    )
    connection.broker, connection.state = FakeBroker(), state
    return TradingGate(
        settings=lambda: settings,
        sentinel=FixedSentinel(told, age),
        connection=connection,
        ledger_problem=lambda: problem,
        paused=lambda: paused,
        clock=ManualClock().clock,
    )


def test_it_is_open_on_proof_alone() -> None:
    assert trading_gate(SETTINGS, REPORT).evaluate() == Open()


SUSPENDED = HoldReport(reason=GateReason.SUSPENDED)
STOPPING = HoldReport(reason=GateReason.PLANNED_STOP)


@pytest.mark.parametrize(
    ("settings", "report", "reason"),
    [
        (SETTINGS.model_copy(update={"holds": (SUSPENDED,)}), REPORT, "Suspended"),
        (SETTINGS, REPORT.model_copy(update={"holds": (STOPPING,)}), "PlannedStop"),
        (SETTINGS, REPORT.model_copy(update={"state": LoginState.REJECTED}), "Rejected"),
        (SETTINGS, REPORT.model_copy(update={"full_auth_time": None}), "RestartWindow"),
    ],
    ids=["the operator's hold", "the sentinel's hold", "no login", "no full login this week"],
)
def test_it_is_closed_by(settings: ExecutorSettings, report: SentinelReport, reason: str) -> None:
    seen = trading_gate(settings, report).evaluate()
    assert isinstance(seen, Closed)
    assert seen.reason == reason


def test_a_pause_closes_it_and_says_who_why_and_since_when() -> None:
    paused = PauseReport(by="R.", reason="earnings", since=datetime(2026, 11, 23, 17, tzinfo=UTC))
    words = "R. has paused trading since 2026-11-23T17:00:00Z: earnings (POST /v1/resume ends it)"
    assert trading_gate(SETTINGS, REPORT, paused=paused).evaluate() == Closed(
        GateReason.PAUSED, words
    )
    held = SETTINGS.model_copy(update={"holds": (SUSPENDED,)})
    assert trading_gate(held, REPORT, paused=paused).evaluate() == Closed(GateReason.PAUSED, words)
    silent = trading_gate(SETTINGS, None, paused=paused).evaluate()
    assert isinstance(silent, Closed)
    assert silent.reason == GateReason.NO_NEWS


def test_a_connection_without_proof_closes_it() -> None:
    bare = trading_gate(SETTINGS, REPORT, state=ConnectionState())
    assert isinstance(bare.evaluate(), Closed)


def test_a_ledger_that_cannot_be_written_closes_it_whatever_else_is_so() -> None:
    for told in (REPORT, None):
        seen = trading_gate(SETTINGS, told, problem="the disk is full").evaluate()
        assert seen == Closed(GateReason.LEDGER_UNAVAILABLE, "the disk is full")


@pytest.mark.parametrize(("told", "age"), [(None, 0.0), (REPORT, 5.1)])
def test_silence_closes_it(told: SentinelReport | None, age: float) -> None:
    seen = trading_gate(SETTINGS, told, age=age).evaluate()
    assert isinstance(seen, Closed)
    assert seen.reason == GateReason.NO_NEWS


@pytest.mark.parametrize(
    ("settings", "state", "told", "accounts"),
    [
        (SETTINGS, ConnectionState(), None, ()),
        (SETTINGS, ConnectionState(), REPORT, ("DU1234567",)),
        (SETTINGS, ConnectionState(accounts=("DU1", "DU2")), REPORT, ("DU1", "DU2")),
        (
            SETTINGS.model_copy(update={"accounts": ("DU2",)}),
            ConnectionState(accounts=("DU1", "DU2")),
            REPORT,
            ("DU2",),
        ),
    ],
    ids=["nothing known", "the sentinel's", "the connection's", "the settings'"],
)
def test_the_accounts_an_order_may_name_are(
    settings: ExecutorSettings,
    state: ConnectionState,
    told: SentinelReport | None,
    accounts: tuple[str, ...],
) -> None:
    assert trading_gate(settings, told, state=state).accounts() == accounts
