"""The API probe and the kept connection, against a small server that speaks the API's frames."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ibgateway_agent.sentinel.log.login_fold import LoginFold
from ibgateway_agent.sentinel.probe.handshake import ProbeResult, probe
from ibgateway_agent.sentinel.probe.monitor import ApiMonitor, ProbeTimings
from ibgateway_agent.sentinel.settings import SentinelEnvironment
from ibgateway_agent.sentinel.state import GatewayState
from ibgateway_api.login import Login, LoginState, Sign
from ibgateway_api.settings import SentinelSettings
from ibgateway_runtime.clock import system_clock
from sentinel_fakes import (
    ApiBehaviour,
    EvidenceRecorder,
    FakeGatewayApi,
    gateway_api,
)

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
RUNNING = Login(LoginState.LOGGING_IN, NOW, running=True)
TIMINGS = ProbeTimings()
LIMIT = 10.0


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGatewayApi]:
    async with gateway_api() as fake:
        yield fake


async def test_a_closed_port(gateway: FakeGatewayApi) -> None:
    assert (await probe(1)).result is ProbeResult.PORT_CLOSED


@pytest.mark.parametrize(
    ("behaviour", "result"),
    [
        (ApiBehaviour(closes=True), ProbeResult.ACCEPTED_THEN_CLOSED),
        (ApiBehaviour(greets=False), ProbeResult.ACCEPTED_BUT_SILENT),
        (ApiBehaviour(accounts=""), ProbeResult.NO_ACCOUNTS),
        (ApiBehaviour(gives_next_id=False), ProbeResult.NO_NEXT_ID),
        (ApiBehaviour(id_in_use=True), ProbeResult.CLIENT_ID_IN_USE),
        (ApiBehaviour(), ProbeResult.READY),
    ],
)
async def test_how_far_a_probe_comes(
    gateway: FakeGatewayApi, behaviour: ApiBehaviour, result: ProbeResult
) -> None:
    gateway.behaviour = behaviour
    probed = await probe(gateway.port, seconds=0.3)
    assert probed.result is result
    if probed.connection is not None:
        assert probed.accounts == ("DU1234567",)
        probed.connection.close()


def state(port: int, login: Login = RUNNING, **settings: object) -> GatewayState:
    """What the loop would have written."""
    nowhere = Path("/nonexistent")
    environment = SentinelEnvironment(nowhere, nowhere, nowhere, nowhere, api_port=port)
    return GatewayState(environment, SentinelSettings.model_validate(settings), LoginFold(login))


@contextlib.asynccontextmanager
async def monitored(
    known: GatewayState, timings: ProbeTimings = TIMINGS
) -> AsyncIterator[tuple[ApiMonitor, EvidenceRecorder]]:
    receiver = EvidenceRecorder()
    made = ApiMonitor(known, receiver, system_clock(), timings)
    task = asyncio.create_task(made.run())
    try:
        yield made, receiver
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_port_that_opens_with_the_login_is_found(gateway: FakeGatewayApi) -> None:
    gateway.behaviour = ApiBehaviour(closes=True)
    async with monitored(state(gateway.port)) as (monitor, receiver):
        monitor.probe_now()
        await receiver.until(lambda: receiver.probes.count(ProbeResult.ACCEPTED_THEN_CLOSED) > 2)
        gateway.behaviour = ApiBehaviour()
        await receiver.has(Sign.API_READY, "DU1234567")


async def test_nothing_is_probed_without_a_process(gateway: FakeGatewayApi) -> None:
    known = state(gateway.port, Login(LoginState.WAITING_FOR_PERMIT, NOW))
    async with monitored(known) as (monitor, receiver):
        await asyncio.sleep(0.2)
        assert receiver.probes == []
        known.fold = LoginFold(RUNNING)
        monitor.probe_now()
        await receiver.has(Sign.API_READY, "DU1234567")


async def test_the_kept_connection_hears_the_link(gateway: FakeGatewayApi) -> None:
    async with monitored(state(gateway.port)) as (_, receiver):
        await receiver.has(Sign.API_READY, "DU1234567")
        for code, sign in (
            ("1100", Sign.LINK_LOST),
            ("1102", Sign.LINK_RESTORED),
            ("2110", Sign.LINK_LOST),
            ("1101", Sign.LINK_RESTORED),
        ):
            gateway.says("2104")
            gateway.says(code)
            await receiver.has(sign, code)
    assert len(receiver.evidence) == 5


async def test_a_closed_connection_is_told_and_found_again(gateway: FakeGatewayApi) -> None:
    async with monitored(state(gateway.port)) as (_, receiver):
        await receiver.has(Sign.API_READY, "DU1234567")
        gateway.writers[-1].close()
        await receiver.has(Sign.API_CLOSED)
        await receiver.until(lambda: receiver.evidence.count((Sign.API_READY, "DU1234567")) == 2)


async def test_the_gateway_proves_itself_anew_when_something_happened(
    gateway: FakeGatewayApi,
) -> None:
    async with monitored(state(gateway.port)) as (monitor, receiver):
        await receiver.has(Sign.API_READY, "DU1234567")
        monitor.probe_now()
        await receiver.until(lambda: receiver.evidence.count((Sign.API_READY, "DU1234567")) == 2)
    assert len(gateway.contracts_asked) == 2


async def test_a_silent_gateway_is_told_and_one_that_wakes_too(gateway: FakeGatewayApi) -> None:
    timings = ProbeTimings(question_every=0.02, silent_after=0.1)
    async with monitored(state(gateway.port), timings) as (_, receiver):
        await receiver.has(Sign.API_READY, "DU1234567")
        gateway.behaviour = ApiBehaviour(answers=False)
        await receiver.has(Sign.API_SILENT)
        gateway.behaviour = ApiBehaviour()
        await receiver.until(lambda: receiver.evidence[-1] == (Sign.API_READY, "DU1234567"))
    assert receiver.evidence.count((Sign.API_SILENT, "")) == 1


async def test_another_account_than_expected_is_no_login(gateway: FakeGatewayApi) -> None:
    known = state(gateway.port, expectedAccounts=["DU7654321"])
    async with monitored(known) as (_, receiver):
        await receiver.has(Sign.API_UNEXPECTED_ACCOUNT, "DU1234567")
    assert (Sign.API_READY, "DU1234567") not in receiver.evidence


async def test_more_accounts_than_expected_are_a_login(gateway: FakeGatewayApi) -> None:
    gateway.behaviour = ApiBehaviour(accounts="DU1234567,DU7654321,")
    known = state(gateway.port, expectedAccounts=["DU7654321"])
    async with monitored(known) as (_, receiver):
        await receiver.has(Sign.API_READY, "DU1234567,DU7654321")


async def test_a_live_account_in_paper_mode_is_no_login(gateway: FakeGatewayApi) -> None:
    gateway.behaviour = ApiBehaviour(accounts="U1234567,")
    async with monitored(state(gateway.port)) as (_, receiver):
        await receiver.has(Sign.API_UNEXPECTED_ACCOUNT, "U1234567")


async def test_the_next_client_id_is_taken_where_one_is_held(gateway: FakeGatewayApi) -> None:
    gateway.behaviour = ApiBehaviour(id_in_use=True)
    async with monitored(state(gateway.port)) as (monitor, receiver):
        monitor.probe_now()
        await receiver.has(Sign.API_READY, "DU1234567")
    assert receiver.probes[0] is ProbeResult.CLIENT_ID_IN_USE


async def test_a_handshake_alone_is_no_login(gateway: FakeGatewayApi) -> None:
    gateway.behaviour = ApiBehaviour(serves=False)
    timings = ProbeTimings(proof_every=0.05)
    async with monitored(state(gateway.port), timings) as (_, receiver):
        await receiver.has(Sign.LINK_LOST, "IBKR's servers do not answer")
        assert (Sign.API_READY, "DU1234567") not in receiver.evidence
        gateway.behaviour = ApiBehaviour()
        await receiver.has(Sign.API_READY, "DU1234567")


@pytest.mark.parametrize(
    ("code", "sign"),
    [
        ("1100", Sign.LINK_LOST),
        ("2110", Sign.LINK_LOST),
        ("502", Sign.LINK_LOST),
        ("504", Sign.LINK_LOST),
        ("1101", Sign.LINK_RESTORED),
        ("1102", Sign.LINK_RESTORED),
    ],
)
async def test_what_is_said_during_the_handshake_is_heard_before_anything_is_proven(
    gateway: FakeGatewayApi, code: str, sign: Sign
) -> None:
    gateway.behaviour = ApiBehaviour(says=("2104", code))
    async with monitored(state(gateway.port)) as (_, receiver):
        await receiver.has(Sign.API_READY, "DU1234567")
    assert receiver.evidence[:2] == [(sign, code), (Sign.API_READY, "DU1234567")]


async def test_ibkr_is_asked_again_until_it_answers_where_nobody_says_1102(
    gateway: FakeGatewayApi,
) -> None:
    timings = ProbeTimings(proof_every=0.05)
    known = state(gateway.port)
    async with monitored(known, timings) as (_, receiver):
        await receiver.has(Sign.API_READY, "DU1234567")
        gateway.behaviour = ApiBehaviour(serves=False)
        gateway.says("2110")
        await receiver.has(Sign.LINK_LOST, "2110")
        known.fold = LoginFold(replace(RUNNING, state=LoginState.CONNECTION_LOST, link_lost=True))
        asked = len(gateway.contracts_asked)
        await receiver.until_polled(lambda: len(gateway.contracts_asked) > asked + 2)
        gateway.behaviour = ApiBehaviour()
        await receiver.until(lambda: receiver.evidence[-1] == (Sign.API_READY, "DU1234567"))


async def test_an_answer_to_a_question_from_before_the_loss_proves_nothing(
    gateway: FakeGatewayApi,
) -> None:
    gateway.behaviour = ApiBehaviour(serves=False)
    async with monitored(state(gateway.port)) as (_, receiver):
        await asyncio.wait_for(gateway.contract_asked.wait(), LIMIT)
        gateway.says("1100")
        gateway.sends("10", gateway.contracts_asked[-1], "SPY")
        gateway.says("1101")
        await receiver.has(Sign.LINK_RESTORED, "1101")
    assert (Sign.API_READY, "DU1234567") not in receiver.evidence


async def test_an_unknown_contract_is_an_answer_only_while_the_link_stands(
    gateway: FakeGatewayApi,
) -> None:
    gateway.behaviour = ApiBehaviour(serves=False)
    known = state(gateway.port, replace(RUNNING, link_lost=True))
    async with monitored(known) as (_, receiver):
        await asyncio.wait_for(gateway.contract_asked.wait(), LIMIT)
        unknown = ("4", "2", gateway.contracts_asked[-1], "200", "No security definition", "")
        gateway.sends(*unknown)
        gateway.says("1101")
        await receiver.has(Sign.LINK_RESTORED, "1101")
        assert (Sign.API_READY, "DU1234567") not in receiver.evidence
        await receiver.until_polled(lambda: len(gateway.contracts_asked) > 1)
        known.fold = LoginFold(RUNNING)
        gateway.sends("4", "2", gateway.contracts_asked[-1], "200", "No security definition", "")
        await receiver.has(Sign.API_READY, "DU1234567")


async def test_a_login_that_is_proven_is_not_asked_for_again(gateway: FakeGatewayApi) -> None:
    known = state(gateway.port, replace(RUNNING, state=LoginState.LOGGED_IN, proven=True))
    timings = ProbeTimings(proof_every=0.02, question_every=0.02)
    async with monitored(known, timings) as (_, receiver):
        await receiver.has(Sign.API_READY, "DU1234567")
        await receiver.until_polled(lambda: gateway.asked.count(["49", "1"]) > 10)
    assert len(gateway.contracts_asked) == 1
