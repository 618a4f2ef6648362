"""The desk: the executor's own gate, from the sentinel's news, its settings and its proof."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ibgateway_api.gate import Closed, GateReason, Open
from ibgateway_api.login import LoginState
from ibgateway_api.reports import HoldReport, SentinelReport
from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor.broker.connection_state import ConnectionState
from ibgateway_executor.gate import TradingGate
from ibgateway_executor.news import News
from ibgateway_executor.settings import WatchedFile

NOON = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)
SETTINGS = ExecutorSettings(
    namespace="trading", gateway="paper", api_host="h", api_port=4004, sentinel_url="http://s"
)
REPORT = SentinelReport(
    boot="b",
    sequence=1,
    at=NOON,
    state=LoginState.LOGGED_IN,
    since=NOON,
    accounts=("DU1",),
    full_auth_time=NOON - timedelta(days=1),
)
PROVEN = ConnectionState(
    connected=True, accounts=("DU1",), ledger_accounts=("DU1",), skew=0.1, reconciled=True
)


def desk(tmp_path: Path, settings: ExecutorSettings, report: SentinelReport) -> TradingGate:
    """A desk with fresh news and a proven connection."""
    path = tmp_path / "settings.json"
    path.write_text(settings.to_json())
    news = News(lambda: None, clock=lambda: 0.0)
    news.tell(report)
    made = TradingGate(
        WatchedFile(path, ExecutorSettings.model_validate_json), news, clock=lambda: NOON
    )
    made.proof = lambda: PROVEN
    return made


def test_it_is_open_on_proof_alone(tmp_path: Path) -> None:
    assert desk(tmp_path, SETTINGS, REPORT).gate() == Open()


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
def test_it_is_closed_by(
    tmp_path: Path, settings: ExecutorSettings, report: SentinelReport, reason: str
) -> None:
    seen = desk(tmp_path, settings, report).gate()
    assert isinstance(seen, Closed)
    assert seen.reason == reason


def test_a_connection_without_proof_closes_it(tmp_path: Path) -> None:
    bare = desk(tmp_path, SETTINGS, REPORT)
    bare.proof = ConnectionState
    assert isinstance(bare.gate(), Closed)
