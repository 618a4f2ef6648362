"""The console's Deployment."""

from dataclasses import replace

import pytest

from ibgateway_agent.console.settings import TcpAddress, from_env
from ibgateway_api.accounts import TradingMode
from operator_fakes import desired_input, environment, pod_specs


def test_the_console_asks_for_a_token_of_its_own_where_it_is_told_to() -> None:
    plain = pod_specs(desired_input())["novnc"]["containers"][0]
    assert environment(plain)["CONSOLE_AUTH"] == "password"
    assert "CONSOLE_TOKEN_FILE" not in environment(plain)
    spec = pod_specs(desired_input({"novnc": {"auth": "token"}}))["novnc"]
    assert environment(spec["containers"][0])["CONSOLE_TOKEN_FILE"] == "/run/secrets/console/token"
    assert spec["volumes"][1]["secret"]["secretName"] == "paper-novnc-token"


def test_the_console_is_told_whose_window_it_shows_and_where_the_login_is_known() -> None:
    live = {"tradingMode": "live", "executor": {"accounts": ["U1234567"]}}
    for spec, mode in (({}, TradingMode.PAPER), (live, TradingMode.LIVE)):
        told = from_env(environment(pod_specs(desired_input(spec))["novnc"]["containers"][0]))
        assert str(told.gateway.key) == "trading/paper"
        assert told.gateway.mode is mode
        assert told.sentinel == TcpAddress(told.display.host, 8090)


def test_what_the_console_is_told_is_no_part_of_the_gateways_template() -> None:
    told = environment(pod_specs(desired_input())["novnc"]["containers"][0])
    for container in pod_specs(desired_input())["gateway"]["containers"]:
        assert not told.keys() & environment(container).keys()


LIVE = {"tradingMode": "live", "executor": {"accounts": ["U1234567"]}}


@pytest.mark.parametrize(
    ("spec", "buttons"),
    [
        ({}, True),
        ({"novnc": {"actions": "none"}}, False),
        ({"novnc": {"actions": "all"}}, True),
        (LIVE, False),
        ({**LIVE, "novnc": {"actions": "paper"}}, False),
        ({**LIVE, "novnc": {"actions": "all"}}, True),
    ],
)
def test_only_a_console_with_buttons_holds_what_can_ask_for_a_login(
    spec: dict[str, object],
    buttons: bool,
) -> None:
    pod = pod_specs(desired_input(spec))["novnc"]
    secrets = {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
    told = environment(pod["containers"][0])
    assert secrets == ({"paper-agent-token", "paper-vnc"} if buttons else set())
    assert (from_env(told).buttons is not None) is buttons


def test_of_the_users_secret_the_console_has_the_vnc_password_alone() -> None:
    for from_user, secret in ((True, "ib-credentials"), (False, "paper-vnc")):
        pod = pod_specs(desired_input(vnc_from_user=from_user))["novnc"]
        (vnc,) = [volume["secret"] for volume in pod["volumes"] if volume["name"] == "vnc"]
        assert vnc["secretName"] == secret
        assert vnc["items"] == [{"key": "VNC_PASSWORD", "path": "VNC_PASSWORD"}]
        assert vnc["optional"]


OPEN = {"novnc": {"allowedOrigins": ["https://vnc.example.com"]}}


@pytest.mark.parametrize(
    ("spec", "default", "buttons"),
    [
        (OPEN, True, False),
        (OPEN, False, True),
        ({"networkPolicy": {"enabled": False}}, True, False),
        ({"networkPolicy": {"enabled": False}}, False, True),
        ({"novnc": {**OPEN["novnc"], "auth": "token"}}, True, True),
        ({}, True, True),
    ],
)
def test_where_any_pod_reaches_the_page_the_documented_password_opens_no_buttons(
    spec: dict[str, object], default: bool, buttons: bool
) -> None:
    given = replace(desired_input(spec), vnc_is_default=default)
    told = environment(pod_specs(given)["novnc"]["containers"][0])
    assert (from_env(told).buttons is not None) is buttons
