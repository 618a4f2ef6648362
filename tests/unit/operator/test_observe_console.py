"""The console's word on NetworkPolicies: asked once a minute, believed while it is away."""

import pytest

from ibgateway_operator.model.memory import ConsoleMemory
from ibgateway_operator.observe.console import Consoles
from ibgateway_runtime.http_client import Endpoint
from operator_fakes import FakeHttpClient

CONSOLE = Endpoint("http://10.0.0.9:8080", "paper", "t")


async def test_the_last_word_stands_while_the_console_is_away(http: FakeHttpClient) -> None:
    time = 0.0
    memory = ConsoleMemory()
    consoles = Consoles(http, lambda: time)
    assert memory.enforced is None
    http.answers["/network-policy"] = b'{"enforced": false}'
    await consoles.look(memory, CONSOLE)
    assert memory.enforced is False
    del http.answers["/network-policy"]
    time = 61.0
    await consoles.look(memory, CONSOLE)
    assert memory.enforced is False


@pytest.mark.parametrize("answer", [b'{"enforced": null}', b"[]", b"{"])
async def test_no_word_is_asked_for_again_soon(http: FakeHttpClient, answer: bytes) -> None:
    memory = ConsoleMemory()
    consoles = Consoles(http, lambda: 0.0)
    http.answers["/network-policy"] = answer
    await consoles.look(memory, CONSOLE)
    assert memory.enforced is None
    assert consoles.due(memory) == 10.0


async def test_it_is_asked_once_a_minute(http: FakeHttpClient) -> None:
    memory = ConsoleMemory()
    consoles = Consoles(http, lambda: 0.0)
    http.answers["/network-policy"] = b'{"enforced": true}'
    await consoles.look(memory, CONSOLE)
    http.answers["/network-policy"] = b'{"enforced": false}'
    await consoles.look(memory, CONSOLE)
    assert memory.enforced is True
    assert consoles.due(memory) == 60.0
