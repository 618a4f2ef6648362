"""The pictures of docs/plugin.md are what the plugin shows."""

from datetime import UTC, datetime

import pytest

from ibgateway_api.reports import ExecutorReport
from ibgateway_cli.commands.doctor import table
from ibgateway_cli.doctor.check import CheckResult, CheckState
from ibgateway_cli.status.overview import facts_of, overview
from ibgateway_cli.status.screen import screen
from plugin_fakes import gateway_object
from plugin_fakes.objects import login_status
from plugin_fakes.picture import IMAGES, picture

AT = datetime(2026, 12, 2, 8, 0, 19, tzinfo=UTC)


def test_the_screen_of_status() -> None:
    status = login_status(
        "AwaitingApproval",
        "approve the push on IBKR Mobile until 2026-12-02T08:03:00Z",
        deadline="2026-12-02T08:03:00Z",
        attemptsToday=2,
    )
    report = ExecutorReport(open=False, open_orders=3)
    document = overview(facts_of(gateway_object(status=status)), report)
    picture("plugin-status", "kubectl ibgateway status", screen(document, AT))


def test_the_lines_of_doctor() -> None:
    found = [
        CheckResult("server", CheckState.FINE, "Kubernetes v1.35.0"),
        CheckResult(
            "secret keys",
            CheckState.WRONG,
            "the Secret ib-credentials lacks IB_PASSWORD",
            "kubectl edit secret ib-credentials, or make it anew: see docs/install.md",
        ),
        CheckResult(
            "policies",
            CheckState.DOUBT,
            "PolicyNotEnforced: the console reaches the API port",
            "use a network plugin that enforces them",
        ),
    ]
    picture("plugin-doctor", "kubectl ibgateway doctor", table(found))


@pytest.mark.parametrize("name", ["plugin-status", "plugin-doctor"])
def test_a_picture_fetches_nothing(name: str) -> None:
    svg = (IMAGES / f"{name}.svg").read_text()
    assert "url(" not in svg.replace("url(#", "")
    assert "@font-face" not in svg
