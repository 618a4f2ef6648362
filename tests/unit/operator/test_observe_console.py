"""The console's word on NetworkPolicies: asked once a minute, believed while it is away."""

import pytest

from ibgateway_api.names import Key
from ibgateway_operator.model.memory import ConsoleMemory
from ibgateway_operator.observe.console import Consoles
from ibgateway_operator.observe.observer import Observer
from operator_fakes import FakeHttpClient, OperatorWorld

CONSOLE = ("http://10.0.0.9:8080", "paper")


async def test_the_last_word_stands_while_the_console_is_away(http: FakeHttpClient) -> None:
    time = 0.0
    memory = ConsoleMemory(address=CONSOLE)
    consoles = Consoles(http, lambda: time)
    assert memory.enforced is None
    http.answers["/network-policy"] = b'{"enforced": false}'
    await consoles.look(memory)
    assert memory.enforced is False
    del http.answers["/network-policy"]
    time = 61.0
    await consoles.look(memory)
    assert memory.enforced is False


@pytest.mark.parametrize("answer", [b'{"enforced": null}', b"[]", b"{"])
async def test_no_word_is_asked_for_again_soon(http: FakeHttpClient, answer: bytes) -> None:
    memory = ConsoleMemory(address=CONSOLE)
    consoles = Consoles(http, lambda: 0.0)
    http.answers["/network-policy"] = answer
    await consoles.look(memory)
    assert memory.enforced is None
    assert consoles.due(memory) == 10.0


async def test_it_is_asked_once_a_minute(http: FakeHttpClient) -> None:
    memory = ConsoleMemory(address=CONSOLE)
    consoles = Consoles(http, lambda: 0.0)
    http.answers["/network-policy"] = b'{"enforced": true}'
    await consoles.look(memory)
    http.answers["/network-policy"] = b'{"enforced": false}'
    await consoles.look(memory)
    assert memory.enforced is True
    assert consoles.due(memory) == 60.0


class TestStill:
    """A quiet gateway's console is asked without a reconcile, until it says something else."""

    @pytest.fixture
    async def quiet(self, trading: OperatorWorld) -> OperatorWorld:
        trading.http.answers["/network-policy"] = b'{"enforced": true}'
        for _ in range(3):
            trading.pass_time(10.1)
            trading.hear_again()
            await trading.reconcile()
        return trading

    async def test_what_it_said_before_changes_nothing(self, quiet: OperatorWorld) -> None:
        for _ in range(3):
            quiet.pass_time(60.0)
            again = await quiet.app.reconciler.still(quiet.key)
            assert again is not None
            assert again.seconds == pytest.approx(60.0)

    async def test_another_word_is_reconciled(self, quiet: OperatorWorld) -> None:
        quiet.http.answers["/network-policy"] = b'{"enforced": false}'
        quiet.pass_time(60.0)
        assert await quiet.app.reconciler.still(quiet.key) is None
        assert "status" in await quiet.reconcile()

    async def test_so_is_one_whose_secrets_are_to_be_looked_at(self, quiet: OperatorWorld) -> None:
        quiet.pass_time(3961.0)
        assert await quiet.app.reconciler.still(quiet.key) is None

    async def test_so_is_one_that_was_never_reconciled(self, world: OperatorWorld) -> None:
        assert await world.app.reconciler.still(world.key) is None

    async def test_so_is_one_whose_last_reconcile_failed(
        self, quiet: OperatorWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def breaks(observer: Observer, key: Key) -> None:
            raise RuntimeError("no luck")

        monkeypatch.setattr(Observer, "observe", breaks)
        with pytest.raises(RuntimeError):
            await quiet.reconcile()
        assert await quiet.app.reconciler.still(quiet.key) is None
