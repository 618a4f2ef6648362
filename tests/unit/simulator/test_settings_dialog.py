"""Configure > Settings: what a person changes there counts at once and is kept as the real Gateway keeps it."""

import asyncio
import json
from pathlib import Path

import pytest

from ibgateway_simulator.gateway.inputs import SettingsApplied, SettingsClosed, SettingsRequested
from ibgateway_simulator.gateway.settings import (
    ApiSettings,
    Remembered,
    remember,
    remembered,
    user_folder,
)
from simulator_fakes.ibkr_world import IbkrWorld
from simulator_fakes.login_flow import FlowRun

TITLE = "DU1234567 Trader Workstation Configuration (Simulated Trading)"
BY_HAND = {"type": "api_settings", "read_only": True}


async def test_the_window_shows_what_is_set_and_ibc_reports_it(tmp_path: Path) -> None:
    run = FlowRun(tmp_path, ReadOnlyApi="no")
    await run.logged_in()
    run.flow.by_hand.handle(SettingsRequested())
    run.flow.by_hand.handle(SettingsRequested())
    assert run.did == [f"settings {TITLE} {ApiSettings(read_only=False)}"]
    assert f"detected dialog entitled: {TITLE}; event=Opened" in run.lines()
    run.flow.by_hand.handle(SettingsClosed())
    run.flow.by_hand.handle(SettingsClosed())
    assert run.did[1:] == ["settings closed"]
    assert run.lines()[-1] == f"detected dialog entitled: {TITLE}; event=Closed"
    assert run.posted == []


async def test_what_is_applied_is_told_and_kept(tmp_path: Path) -> None:
    run = FlowRun(tmp_path)
    await run.logged_in()
    run.flow.by_hand.handle(SettingsRequested())
    run.flow.by_hand.handle(SettingsApplied(ApiSettings(True, "7")))
    assert run.posted == [BY_HAND]
    kept = remembered(user_folder(tmp_path, "paperuser"))
    assert (kept.read_only, kept.master_client_id) == (True, "7")


@pytest.mark.parametrize(("option", "next_start"), [("", True), ("no", False), ("yes", True)])
async def test_a_restart_keeps_it_unless_ibc_sets_the_checkbox(
    tmp_path: Path, option: str, next_start: bool
) -> None:
    folder = user_folder(tmp_path, "paperuser")
    remember(folder, Remembered(read_only=False))
    options = {"ReadOnlyApi": option} if option else {}
    run = FlowRun(tmp_path, **options)
    await run.logged_in()
    run.flow.by_hand.handle(SettingsApplied(ApiSettings(True, "7")))
    run.flow.set_restart_time("11:45 PM")
    again = FlowRun(tmp_path, **options)
    await again.log_in()
    assert again.posted[0]["read_only"] is next_start
    assert remembered(folder).master_client_id == "7"


async def test_a_session_that_comes_back_by_itself_keeps_the_hand_on_the_checkbox(
    tmp_path: Path,
) -> None:
    run = FlowRun(tmp_path, ReadOnlyApi="no")
    await run.logged_in()
    run.flow.by_hand.handle(SettingsApplied(ApiSettings(True)))
    await run.flow.line(up=False)
    await run.flow.line(up=True)
    assert run.posted[-1]["read_only"] is True


async def test_orders_of_clients_that_are_connected_are_refused_from_then_on(
    world: IbkrWorld,
) -> None:
    await world.login(read_only=False)
    client = await world.tws()
    await world.socket.send_json(BY_HAND)
    assert (await world.event("api_settings"))["read_only"] is True
    client.order(1)
    assert (await client.error(321))[2] == "1"
    await world.socket.send_json({**BY_HAND, "read_only": False})
    async with asyncio.timeout(20):
        while (await world.call("GET", "/v1/state"))["sessions"][0]["read_only"]:
            pass
    client.order(2)
    await client.until("3", "2", "Filled")


def test_what_an_earlier_simulator_kept_is_read(tmp_path: Path) -> None:
    (tmp_path / "simulator.json").write_text(json.dumps({"read_only": False, "restart_time": ""}))
    assert remembered(tmp_path) == Remembered(read_only=False)
