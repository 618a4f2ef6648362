"""Each alert has its runbook and each runbook its alert, and both name what the programs really expose."""

import re
from pathlib import Path
from typing import Final

import pytest

from exposed_metrics import names
from ibgateway_alerts import alerts, panels, queries, series_in
from ibgateway_api.gate import GateReason
from ibgateway_api.login import LoginState
from ibgateway_api.permits import PermitRefusal
from ibgateway_api.reasons import ConditionReason
from ibgateway_executor.orders.order import OrderReason
from ibgateway_operator.status.event_rules import BLOCKING

RUNBOOKS: Final = Path(__file__).parents[3] / "docs" / "runbooks"
SECTIONS: Final = {
    heading: (page.name, text)
    for page in sorted(RUNBOOKS.glob("*.md"))
    for heading, text in re.findall(
        r"^## (\w+)\n(.*?)(?=^## |\Z)", page.read_text(), re.MULTILINE | re.DOTALL
    )
}
ALERTS: Final = alerts()
EXPOSED: Final = names()
PARTS: Final = ("Means", "Look", "Do", "Pushes")


def reasons(name: str, label: str) -> set[str]:
    """The values of a label that the alert's expression names."""
    found = re.findall(rf'{label}[!=]?[=~]+"([^"]*)"', ALERTS[name]["expr"])
    return {value for text in found for value in text.split("|")}


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert set(SECTIONS) == set(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_leads_to_its_runbook_which_says_everything(name: str) -> None:
    page, text = SECTIONS[name]
    assert ALERTS[name]["annotations"]["runbook_url"] == f"{page}#{name.lower()}"
    assert tuple(re.findall(r"^\* \*\*(\w+)\*\*: \S", text, re.MULTILINE)) == PARTS
    assert ALERTS[name]["labels"]["severity"] in {"critical", "warning"}
    assert set(ALERTS[name]["annotations"]) == {"summary", "description", "runbook_url"}


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_asks_for_what_is_exposed(name: str) -> None:
    asked = series_in(ALERTS[name]["expr"])
    assert asked
    assert asked <= EXPOSED


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("*.md")), ids=lambda page: page.name)
def test_a_runbook_names_what_is_exposed(page: Path) -> None:
    named = {n for n in series_in(page.read_text()) if not n.startswith("ibgateway_operator_app")}
    families = {name.removesuffix("_bucket") for name in EXPOSED}
    assert named <= EXPOSED | families


def test_the_states_that_alerts_name_are_login_states() -> None:
    named = set().union(*(reasons(name, "state") for name in ALERTS)) - {"Unknown"}
    assert named <= set(LoginState)


def test_what_holds_a_gate_by_plan_is_a_reason_of_gates() -> None:
    assert reasons("IBGatewayGateClosed", "reason") <= set(GateReason)
    assert reasons("IBGatewaySilent", "reason") == {GateReason.NO_NEWS}
    assert reasons("IBGatewayParked", "reason") | reasons(
        "IBGatewayLoginBudgetSpent", "reason"
    ) <= set(PermitRefusal)
    assert reasons("IBGatewayQueueNotMoving", "reason") <= set(OrderReason)
    known = {*ConditionReason, *GateReason}
    assert reasons("IBGatewayExecutorDown", "reason") <= known


def test_setup_trouble_is_everything_that_waits_for_the_user() -> None:
    assert reasons("IBGatewaySetupTrouble", "reason") == set(BLOCKING)


def test_the_dashboard_asks_for_what_is_exposed() -> None:
    assert {name for query in queries() for name in series_in(query)} <= EXPOSED


def test_the_dashboard_lacks_nothing_that_a_person_would_look_for() -> None:
    """What is left out: what only alerts and queries by hand need."""
    asked = {name for query in queries() for name in series_in(query)}
    left = {name for name in EXPOSED if not name.startswith("process_")} - asked
    assert {name for name in left if not name.endswith(("_sum", "_count"))} == LEFT_OUT


LEFT_OUT: Final = {
    "ibgateway_console_bytes_total",
    "ibgateway_console_pressed_total",
    "ibgateway_console_refused_total",
    "ibgateway_console_sessions_total",
    "ibgateway_executor_broker_connected",
    "ibgateway_executor_gate_closed",
    "ibgateway_executor_ledger_writable",
    "ibgateway_executor_news_age_seconds",
    "ibgateway_executor_regular_session",
    "ibgateway_ibkr_outage",
    "ibgateway_login_state_since_timestamp_seconds",
    "ibgateway_next_attempt_timestamp_seconds",
    "ibgateway_notifications_undelivered",
    "ibgateway_operator_asked_timestamp_seconds",
    "ibgateway_operator_condition",
    "ibgateway_operator_login_state",
    "ibgateway_operator_programs",
    "ibgateway_operator_regular_session",
    "ibgateway_sentinel_blind",
    "ibgateway_sentinel_unwritten",
    "ibgateway_trading_held",
    "ibgateway_window_restart_timestamp_seconds",
    "ibgateway_window_start_timestamp_seconds",
}


def test_each_panel_has_a_title_a_place_and_the_chosen_source_of_its_own() -> None:
    found = panels()
    assert len({panel["id"] for panel in found}) == len(found)
    assert all(panel["title"] and panel["targets"] for panel in found)
    source = {"type": "prometheus", "uid": "${datasource}"}
    assert all(t["datasource"] == source for panel in found for t in panel["targets"])
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in found)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
