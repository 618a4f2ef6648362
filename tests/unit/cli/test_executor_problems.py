"""Every code of the executor and every reason to wait has a next step."""

import json
import re

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from ibgateway.client import UnansweredError
from ibgateway.client.errors import problem_error
from ibgateway_api.gate import GateReason
from ibgateway_api.login import LoginState
from ibgateway_cli.errors import ExitCode
from ibgateway_cli.executor import problems, waiting
from ibgateway_cli.executor.problems import plugin_error
from ibgateway_cli.main import app
from ibgateway_executor.intake.examples import problem_example
from ibgateway_executor.intake.problems import KINDS
from ibgateway_executor.orders.order import OrderReason
from ibgateway_executor.rebalance.progress import RebalanceReason

ENDS = {
    "",
    *("UnknownAccount", "UnknownContract", "AmbiguousContract", "ContradictingContract"),
    *("UnsupportedContract", "OrderValueLimit", "SymbolNotAllowed", "PriceCollar", "ShortSale"),
    *("CannotReplace", "NothingLeft", "RejectedByBroker", "CancelledByClient"),
    *("CancelledByBroker", "NotFoundAtBroker", "ExecutorRestarted", "ConnectionLost"),
    *("NoAcknowledgement", "AmbiguousAnswer", "ResolvedByPerson", "LedgerMayBeRestored"),
    *("NothingToDo", "NotAllFilled", "Refused", "OtherOrders", "UnreadableRequest"),
    *("OrdersNotCancelled", "PlanOutdated", "SessionEnded", "NotSettled"),
}
"""Reasons of what does not wait any more, or whose fate is in doubt: the resolution is its own line."""


def test_every_code_has_a_next_step_and_no_other_has() -> None:
    assert set(problems.NEXT_STEPS) == set(KINDS)


@pytest.mark.parametrize("code", sorted(KINDS))
def test_a_problem_is_one_line_and_its_next_step(code: str) -> None:
    content = json.dumps(problem_example(code)).encode()
    error = plugin_error(problem_error(KINDS[code].status, content, None))
    assert "\n" not in error.sentence
    assert error.sentence.startswith(KINDS[code].title)
    assert not error.sentence.endswith(".")
    assert error.next_step
    assert error.exit_code not in (ExitCode.DONE, ExitCode.FAILED)


def test_somebody_elses_answer_is_not_taken_for_the_executors() -> None:
    error = plugin_error(problem_error(502, b"<html>bad \x1b[2Jgateway</html>", None))
    assert error.sentence == (
        "something between here and the executor answers: <html>bad [2Jgateway</html>"
    )
    assert error.exit_code is ExitCode.UNREACHABLE
    assert plugin_error(UnansweredError("late")).exit_code is ExitCode.UNREACHABLE


@pytest.mark.parametrize("reason", [*GateReason, *(s for s in LoginState if s != "LoggedIn")])
def test_every_reason_of_a_closed_gate_has_a_next_step(reason: str) -> None:
    assert waiting.gate_step(str(reason))


def test_every_reason_to_wait_has_a_next_step_and_no_other_has() -> None:
    reasons = {str(reason) for reason in (*OrderReason, *RebalanceReason)} - ENDS
    assert reasons - {str(r) for r in GateReason} == set(waiting.NEXT_STEPS) - {"Paused"}


def test_every_command_that_a_next_step_names_is_there() -> None:
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    steps = [*problems.NEXT_STEPS.values(), *waiting.NEXT_STEPS.values()]
    steps += [waiting.gate_step(str(reason)) for reason in GateReason]
    steps.append(waiting.resolve_line("id"))
    named = set(re.findall(r"kubectl ibgateway ([a-z]+)", " ".join(steps)))
    assert named > {"pause", "resolve", "history"}
    assert sorted(named - set(group.commands)) == []
