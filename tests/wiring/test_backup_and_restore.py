"""A copy that is taken while the executor works, and put back: what was sent since is found at IBKR, not sent again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from executor_world import ExecutorWorld, world
from executor_world.client import until
from ibgateway_api.login import LoginState


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[ExecutorWorld]:
    async with world(tmp_path) as made:
        made.executor.backup.mkdir()
        yield made


def copies(here: ExecutorWorld) -> list[Path]:
    return sorted(here.executor.backup.glob("ledger-*.db"))


async def test_an_order_that_was_sent_after_the_copy_is_not_sent_again(
    here: ExecutorWorld,
) -> None:
    await here.executor.start()
    await here.up()
    _, waiting = await here.place("k1")
    _, cancelled = await here.place("k0", contract={"symbol": "MSFT"})
    await copied_by_itself(here)
    copy = await copied(here)
    await here.orders.send("DELETE", f"/v1/orders/{cancelled['id']}")
    await here.log_in()
    await here.reaches(waiting["id"], "Filled")
    _, later = await here.place("k2")
    await here.reaches(later["id"], "Filled")
    await suspended(here)
    await put_back(here, copy)
    await here.up()
    found = await here.orders.get("/v1/orders?state=Waiting")
    assert {order["id"] for order in found["orders"]} == {waiting["id"], cancelled["id"]}
    await here.orders.send("DELETE", f"/v1/orders/{cancelled['id']}")
    await here.log_in()
    await here.not_ready("a restore has paused trading")
    await here.reaches(waiting["id"], "Filled")
    await here.orders.send("POST", "/v1/resume", {"by": "R."})
    await here.ready()
    assert (await here.orders.ask("GET", f"/v1/orders/{later['id']}"))[0] == 404
    history = await here.orders.get(f"/v1/orders/{waiting['id']}/history")
    assert history["history"][-1]["cause"] == "broker"
    status, again = await here.place("k2")
    assert (status, again["id"], again["state"]) == (202, later["id"], "Filled")
    assert len(await here.placed_frames()) == 2
    assert len(list(here.executor.data.glob("ledger.db.replaced-*Z"))) == 1
    assert "the ledger is a restored copy now" in here.executor.log.read_text()


def test_the_page_ends_the_pause_last_and_moves_nothing_into_an_empty_ledger() -> None:
    page = (Path(__file__).parents[2] / "docs/backup.md").read_text()
    steps = page.split("## Restore")[1].split("\n## ")[0]
    calls = ('"suspend":true', "ibgateway_executor restore", '"suspend":false', "pause paper --end")
    places = [steps.index(call) for call in calls]
    assert places == sorted(places)
    move = page.split("## Move to another cluster")[1]
    assert move.index("With `suspend: true`") < move.index("4. Restore the copy: steps 2 to 7")


async def copied_by_itself(here: ExecutorWorld) -> None:
    """The first one."""

    async def taken() -> bool:
        return len(copies(here)) == 1

    await until("a copy by itself", taken)
    await measured(here, "backup_failing 0.0", "backup_timestamp_seconds 1")


async def copied(here: ExecutorWorld) -> Path:
    """A copy by hand."""
    code, told = await here.executor.tool("backup")
    assert code == 0, told
    assert "the ledger was copied to" in told
    return copies(here)[-1]


async def suspended(here: ExecutorWorld) -> None:
    """The gateway is gone, and the executor has heard of it."""
    await here.gateway.logout()
    here.sentinel.tell(LoginState.STOPPED)
    await here.not_ready("")


async def put_back(here: ExecutorWorld, copy: Path) -> None:
    """By hand, and the executor is started anew."""
    code, told = await here.executor.tool("restore", str(copy))
    assert code == 0, told
    assert "restart its pod now" in told
    await here.executor.kill()
    await here.executor.start()


async def measured(here: ExecutorWorld, *series: str) -> None:
    """Wait until the executor shows each of these."""

    async def shown() -> bool:
        text = await here.probes.get("/metrics")
        return all(f"\nibgateway_executor_{each}" in text for each in series)

    await until(f"metrics: {series}", shown)


async def test_a_copy_that_can_not_be_taken_is_measured_and_told_to_the_operator(
    here: ExecutorWorld, tmp_path: Path
) -> None:
    here.executor.environment = {"EXECUTOR_BACKUP_DIR": str(tmp_path / "away")}
    await here.executor.start()
    await here.up()
    await measured(here, "backup_failing 1.0", "backup_failures_total 1.0")
    told = await here.agent.get("/v1/gate")
    assert "No such file or directory" in told["backupProblem"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("restore", "/no/such/copy.db"), "is no ledger"),
        (("restore",), "say `backup`, or `restore` and a copy"),
        (("backup", "now"), "say `backup`, or `restore` and a copy"),
        (("backup",), "see that there is a ledger"),
    ],
)
async def test_what_can_not_be_done_is_one_clear_line(
    here: ExecutorWorld, arguments: tuple[str, ...], words: str
) -> None:
    code, told = await here.executor.tool(*arguments)
    assert code == 1
    assert words in told
    assert "Traceback" not in told


async def test_a_database_is_its_owners_to_copy(here: ExecutorWorld, tmp_path: Path) -> None:
    here.executor.database = tmp_path / "url"
    code, told = await here.executor.tool("backup")
    assert (code, "pg_dump" in told) == (1, True)
