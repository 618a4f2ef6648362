"""What IBC does when another login or a broken line comes between the Gateway and its session."""

from pathlib import Path

import pytest

from ibgateway_simulator.gateway.protocols import ExitProcess
from simulator_fakes.login_flow import ACCOUNT, FlowRun


async def test_a_kicked_session_logs_in_again_when_it_is_free(tmp_path: Path) -> None:
    run = FlowRun(tmp_path)
    await run.logged_in()
    await run.flow.receive({"type": "kicked", "style": "waits"})
    assert run.lines() == [
        "detected dialog entitled: Re-login is required; event=Opened",
        "Re-login to session",
        "Click button: Re-login",
        "detected dialog entitled: Re-login is required; event=Closed",
        "detected frame entitled: Connecting to server...; event=Opened",
        "detected frame entitled: Connecting to server...; event=Activated",
        "detected frame entitled: Connecting to server...; event=Focused",
    ]
    assert run.posted[0]["kind"] == "relogin"
    assert run.posted[0]["session"] == "s1"
    assert "api closed" not in run.did
    await run.flow.receive(ACCOUNT)
    assert run.lines() == [
        "detected frame entitled: Starting application...; event=Lost focus",
        "detected frame entitled: Starting application...; event=Deactivated",
        "detected frame entitled: Starting application...; event=Closed",
        "Login has completed",
    ]


async def test_secondary_yields_to_another_session(tmp_path: Path) -> None:
    run = FlowRun(tmp_path, ExistingSessionDetectedAction="secondary")
    await run.log_in()
    with pytest.raises(ExitProcess) as end:
        await run.flow.receive({"type": "existing", "other": "person"})
    assert end.value.code == 0
    assert run.lines() == [
        "detected dialog entitled: Existing session detected; event=Opened",
        "End this session and let the other session proceed (scenario 2)",
        "Click button: Exit Application",
        "detected dialog entitled: Existing session detected; event=Closed",
    ]


async def test_primary_takes_over_once(tmp_path: Path) -> None:
    run = FlowRun(tmp_path, ExistingSessionDetectedAction="primary")
    await run.log_in()
    await run.flow.receive({"type": "existing", "other": "person"})
    assert run.lines() == [
        "detected dialog entitled: Existing session detected; event=Opened",
        "Don't know the type of the other session, so continue this one (scenario 3)",
        "Click button: Continue Login",
        "detected dialog entitled: Existing session detected; event=Closed",
    ]
    assert run.posted[-1] == {"type": "existing_answer", "go_on": True}
    with pytest.raises(ExitProcess):
        await run.flow.receive({"type": "existing", "other": "person"})
    assert run.lines()[1].endswith("(scenario 4)")


async def test_a_person_decides_under_manual(tmp_path: Path) -> None:
    run = FlowRun(tmp_path, ExistingSessionDetectedAction="manual")
    await run.flow.begin()
    await run.flow.clicked("paperuser", "pw")
    await run.flow.receive({"type": "existing", "other": "person"})
    assert run.did[-1] == (
        "dialog Existing session detected ['Continue Login', 'Exit Application']"
    )
    await run.flow.button("Existing session detected", "Continue Login")
    assert run.posted[-1] == {"type": "existing_answer", "go_on": True}


async def test_a_lost_link_is_a_frame_that_opens_and_closes(tmp_path: Path) -> None:
    run = FlowRun(tmp_path)
    await run.logged_in()
    await run.flow.receive({"type": "link", "up": False})
    assert run.lines()[0] == "detected frame entitled: Connecting to server...; event=Opened"
    await run.flow.receive({"type": "link", "up": True})
    assert run.lines()[-1] == "detected frame entitled: Starting application...; event=Closed"
    assert "api closed" not in run.did
