"""Asking the control API from a shell."""

import asyncio
import json

import pytest

from ibgateway_simulator.ask import ask
from simulator_fakes.ibkr_world import IbkrWorld


async def asked(world: IbkrWorld, *words: str) -> int:
    return await asyncio.to_thread(ask, list(words), world.ibkr.port)


async def test_an_answer_is_printed(world: IbkrWorld, capsys: pytest.CaptureFixture[str]) -> None:
    assert await asked(world, "GET", "/v1/pushes") == 0
    assert json.loads(capsys.readouterr().out) == []
    assert await asked(world, "PATCH", "/v1/faults", '{"hold_fills": true}') == 0
    assert json.loads(capsys.readouterr().out)["hold_fills"] is True


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("POST", "/v1/pushes/latest/approve"), "not done: no push is waiting"),
        (("POST", "/v1/users/nobody/kick"), "not done: "),
        (("PATCH", "/v1/faults", "{"), "not done: "),
        (("GET", "/nothing"), "not done: 404"),
    ],
)
async def test_a_no_is_a_sentence(
    world: IbkrWorld, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str
) -> None:
    assert await asked(world, *words) == 1
    said = capsys.readouterr()
    assert said.err.startswith(sentence)
    assert (said.out, said.err.count("\n")) == ("", 1)


def test_nobody_there_is_a_sentence_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(["GET", "/v1/pushes"], 1) == 1
    assert "does not answer at 127.0.0.1:1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [(), ("GET",), ("/v1/pushes",), ("DELETE", "/v1/pushes"), ("GET", "v1", "{}", "more")]
)
def test_a_wrong_call_says_how(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(list(words), 1) == 2
    assert capsys.readouterr().err.startswith("usage: ")
