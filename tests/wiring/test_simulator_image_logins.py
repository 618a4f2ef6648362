"""The simulator's image: a person at the login window, missed pushes, refused logins, other sessions."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from simulator_fakes.container import GatewayContainer, gateway_container

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[GatewayContainer]:
    async with gateway_container(tmp_path) as made:
        yield made


async def test_a_person_logs_in_by_keyboard_and_mouse_after_a_wrong_password(
    gateway: GatewayContainer,
) -> None:
    await gateway.start(TWS_PASSWORD_FILE="", TWS_PASSWORD="wrong")
    await gateway.said("entitled: Unrecognized Username or Password; event=Opened")
    await gateway.xdotool("mousemove", "512", "443", "click", "1")
    await gateway.said("Unrecognized Username or Password; event=Closed")
    await gateway.xdotool("mousemove", "560", "338", "click", "1", "type", "paperpassword")
    await gateway.xdotool("mousemove", "512", "390", "click", "1")
    await gateway.approve()
    assert gateway.ibc().count("Login attempt: 1") == 1
    assert "Login attempt: 2" not in gateway.ibc()
    results = [attempt["result"] for attempt in await gateway.call("GET", "/v1/logins")]
    assert results == ["wrong-password", "logged-in"]


async def test_a_missed_push_leaves_the_window_where_enter_logs_in(
    gateway: GatewayContainer,
) -> None:
    await gateway.start()
    await gateway.said("Second Factor Authentication initiated")
    await gateway.call("POST", "/v1/pushes/latest/ignore", {"seconds": 0})
    await gateway.said("Re-login after second factor authentication timeout not required")
    await gateway.said("entitled: IBKR Gateway; event=Focused", times=2)
    await gateway.xdotool("mousemove", "560", "338", "click", "1", "type", "paperpassword")
    await gateway.xdotool("key", "Return")
    await gateway.said("entitled: Second Factor Authentication; event=Opened", times=2)
    await gateway.call("POST", "/v1/pushes/latest/approve")
    await gateway.said("IBC: Login has completed")
    pushes = await gateway.call("GET", "/v1/pushes")
    assert [push["state"] for push in pushes] == ["missed", "approved"]
    assert gateway.ibc().count("Second Factor Authentication initiated") == 1


async def test_login_failed_starts_over_until_it_is_stopped(gateway: GatewayContainer) -> None:
    await gateway.call("PATCH", "/v1/login-rules", {"rejection": "login-failed"})
    await gateway.start(TWS_PASSWORD_FILE="", TWS_PASSWORD="wrong")
    await gateway.said("IBC will cold-restart shortly", times=2)
    await gateway.said("IBC: Login attempt: 1", times=3)
    assert "IBC: Cold restart in progress" in "\n".join(gateway.lines)


async def test_a_login_error_starts_over_and_the_next_login_succeeds(
    gateway: GatewayContainer,
) -> None:
    await gateway.call("PATCH", "/v1/login-rules", {"login_error_next": 1})
    await gateway.start()
    await gateway.approve()
    at = next(n for n, line in enumerate(gateway.lines) if line.endswith("Login error message:"))
    assert gateway.lines[at + 1].startswith("Login failed - Soft token=0 received")
    assert "IBC will cold-restart shortly" in gateway.lines
    results = [attempt["result"] for attempt in await gateway.call("GET", "/v1/logins")]
    assert results == ["login-error", "logged-in"]


async def test_a_secondary_session_yields_and_the_container_ends(gateway: GatewayContainer) -> None:
    await gateway.start(EXISTING_SESSION_DETECTED_ACTION="secondary")
    await gateway.said("Second Factor Authentication initiated")
    await gateway.call("POST", "/v1/users/paperuser/kick")
    await gateway.call("POST", "/v1/pushes/latest/approve")
    assert await gateway.ended() == 0
    assert "End this session and let the other session proceed (scenario 2)" in gateway.ibc()
