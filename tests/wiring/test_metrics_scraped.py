"""Running programs, scraped over their sockets: what happens moves the right series, and nothing in them is secret."""

import time
from pathlib import Path

import pytest

from executor_world import world
from executor_world.process import CLIENT_TOKEN
from executor_world.sentinel import AGENT_TOKEN
from ibgateway_api.login import LoginState
from notification_world import ntfy
from scraped_text import Scrape, scrape, scrape_until
from sentinel_world import TOKEN, pod_on_host

pytestmark = pytest.mark.timeout(240)

KEY = "idempotency-key-canary-9c1d"
TOPIC = "topic-canary-4be7"
ACCOUNT, USER, PASSWORD = "DU1234567", "paperuser", "paperpassword"


def state(seen: Scrape) -> dict[str, float]:
    return seen.of("login_state", "state")


def waits_for_its_approval(seen: Scrape) -> None:
    assert state(seen) == {"AwaitingApproval": 1.0}
    assert time.time() < seen.of("push_deadline_timestamp_seconds")[""] < time.time() + 60
    assert seen.of("pushes_total") == {"": 1.0}
    assert seen.of("login_attempts_total", "cause") == {"Start": 1.0}
    assert seen.of("restarts_total", "cause") == {"Start": 1.0}
    assert seen.of("window_open") == {"": 1.0}
    assert seen.of("full_authentication_timestamp_seconds") == {}


def is_logged_in(seen: Scrape) -> None:
    assert state(seen) == {"LoggedIn": 1.0}
    assert seen.of("push_deadline_timestamp_seconds") == {}
    full = seen.of("full_authentication_timestamp_seconds")[""]
    assert time.time() - 60 < full < time.time()
    assert seen.of("window_open") == {"": 0.0}
    assert seen.of("api_handshake_seconds_count") == {"": 1.0}
    assert 0 < seen.of("api_handshake_seconds_sum")[""] < 5
    assert seen.of("session_conflicts_total") == {"": 0.0}
    assert seen.of("login_state_seconds_total", "state")["AwaitingApproval"] > 0
    assert seen.of("sentinel_volume_available_bytes")[""] > 0
    assert seen.of("login_attempts_last_day") == {"": 1.0}


def has_been_kicked(seen: Scrape) -> None:
    assert state(seen) == {"SessionConflict": 1.0}
    assert seen.of("session_conflicts_total")[""] >= 1.0
    assert seen.of("permit_refused", "reason") == {"SessionConflict": 1.0}
    assert seen.of("next_attempt_timestamp_seconds")[""] > time.time()
    assert seen.of("pushes_total") == {"": 1.0}


async def test_a_login_and_a_kick_move_the_sentinels_series(tmp_path: Path) -> None:
    async with ntfy() as phone, pod_on_host(tmp_path) as pod:
        port = pod.ports["metrics"]
        pod.tell_people(f"ntfy://127.0.0.1:{phone.port}/{TOPIC}")
        await pod.state("AwaitingApproval")
        waits_for_its_approval(await scrape_until(port, lambda s: "AwaitingApproval" in state(s)))
        await pod.approve()
        await pod.state("LoggedIn")
        is_logged_in(await scrape(port))
        await phone.titles(2)
        told = await scrape_until(port, lambda s: s.of("notifications_total", "result") != {})
        assert set(told.of("notifications_total", "result")) == {"taken"}
        await pod.ibkr_said("POST", f"/v1/users/{USER}/kick", {"style": "waits"})
        await pod.until(lambda r: r["state"] == "SessionConflict" and "waiting" in r)
        kicked = await scrape(port)
    has_been_kicked(kicked)
    assert kicked.series() <= 70
    assert kicked.tells(TOKEN, TOPIC, USER, PASSWORD, ACCOUNT) == []


def waits_for_its_gateway(seen: Scrape) -> None:
    assert seen.of("executor_gate_open") == {"": 0.0}
    assert seen.of("executor_ledger_writable") == {"": 1.0}
    assert seen.of("executor_volume_available_bytes")[""] > 0
    oldest = seen.of("executor_oldest_unsent_order_timestamp_seconds")[""]
    assert time.time() - 60 < oldest < time.time()


def has_sent_two(seen: Scrape) -> None:
    assert seen.of("executor_gate_open") == {"": 1.0}
    assert seen.of("executor_gate_closed", "reason") == {}
    assert seen.of("executor_orders_accepted_total") == {"": 2.0}
    assert seen.of("executor_orders_sent_total") == {"": 2.0}
    assert seen.of("executor_order_moves_total", "state")["Filled"] == 2.0
    assert seen.of("executor_acknowledgement_seconds_count") == {"": 2.0}
    states = ("Unsent", "Sending", "Working", "Unknown")
    assert seen.of("executor_orders", "state") == dict.fromkeys(states, 0.0)
    assert seen.of("executor_oldest_unsent_order_timestamp_seconds") == {}
    assert abs(seen.of("executor_clock_skew_seconds")[""]) < 5
    assert seen.of("executor_broker_connected") == {"": 1.0}


async def test_orders_and_a_kick_move_the_executors_series(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.executor.start()
        _, waiting = await w.place_when_up("waits")
        port = w.executor.health_port
        waits_for_its_gateway(
            await scrape_until(port, lambda s: s.of("executor_orders", "state")["Unsent"] == 1)
        )
        await w.log_in()
        await w.ready()
        _, order = await w.place(KEY)
        for placed in (waiting, order):
            await w.reaches(placed["id"], "Filled")
        traded = await scrape(port)
        has_sent_two(traded)
        w.sentinel.tell(LoginState.SESSION_CONFLICT)
        await w.not_ready()
        kicked = await scrape(port)
    assert kicked.of("executor_gate_closed", "reason") == {"SessionConflict": 1.0}
    assert kicked.of("executor_gate_seconds_total", "reason")["GateOpen"] > 0
    assert kicked.series() <= 70
    secrets = (CLIENT_TOKEN, AGENT_TOKEN, KEY, order["id"], ACCOUNT, USER)
    assert [*traded.tells(*secrets), *kicked.tells(*secrets)] == []
