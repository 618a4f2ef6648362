"""Pages of orders: a cursor goes on where the last page ended, whatever happens in between."""

from datetime import timedelta
from typing import Any

import pytest

from executor_fakes import NOON, IntakeWorld
from ibgateway_executor.intake.cursors import LARGEST_SEQUENCE, PageQuery
from ibgateway_executor.rebalance.progress import RebalanceRun, cancel

ANY = PageQuery("/v1/orders")
REBALANCES = PageQuery("/v1/rebalances")


async def page(intake: IntakeWorld, query: str) -> Any:
    answer = await intake.http.get(f"/v1/orders?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(document: Any) -> list[str]:
    return [order["id"] for order in document["orders"]]


async def test_a_cursor_leads_to_the_next_page_until_there_is_none(intake: IntakeWorld) -> None:
    for number in range(3):
        await intake.place(f"k{number}")
    first = await page(intake, "limit=2")
    rest = await page(intake, f"limit=2&cursor={first['next']}")
    assert (ids(first), ids(rest), rest["next"]) == (["id0", "id1"], ["id2"], None)


async def test_the_link_leads_there_too_with_its_filters(intake: IntakeWorld) -> None:
    for number in range(3):
        await intake.place(f"k{number}", contract={"symbol": "BRK B"})
    query = "limit=1&symbol=BRK%20B&since=2026-11-23T12:00:00-05:00"
    answer = await intake.http.get(f"/v1/orders?{query}")
    link = answer.links["next"]["url"]
    assert f"cursor={answer.json()['next']}" in link
    following = await intake.http.get(link)
    assert ids(following.json()) == ["id1"]
    assert ids((await intake.http.get(following.links["next"]["url"])).json()) == ["id2"]
    last = await intake.http.get((await intake.http.get(link)).links["next"]["url"])
    assert "next" not in last.links


async def test_what_comes_or_is_archived_meanwhile_moves_no_page(intake: IntakeWorld) -> None:
    for number in range(4):
        await intake.place(f"k{number}")
    first = await page(intake, "limit=2")
    await intake.http.delete("/v1/orders/id0")
    await intake.http.delete("/v1/orders/id1")
    intake.time.advance(timedelta(days=40).total_seconds())
    assert await intake.ledger.archive(intake.time.clock.now()) == 2
    await intake.place("k4")
    rest = await page(intake, f"limit=2&cursor={first['next']}")
    assert ids(rest) == ["id2", "id3"]
    assert ids(await page(intake, f"limit=2&cursor={rest['next']}")) == ["id4"]


async def test_the_newest_come_first_and_their_cursor_leads_back(intake: IntakeWorld) -> None:
    for number in range(4):
        await intake.place(f"k{number}")
    first = await page(intake, "newestFirst=true&limit=2")
    assert ids(first) == ["id3", "id2"]
    await intake.place("k4")
    rest = await intake.http.get(f"/v1/orders?newestFirst=true&limit=1&cursor={first['next']}")
    assert ids(rest.json()) == ["id1"]
    last = await intake.http.get(rest.links["next"]["url"])
    assert (ids(last.json()), last.json()["next"]) == (["id0"], None)
    assert ids(await page(intake, "newestFirst=true&state=Accepted&limit=1")) == ["id4"]
    assert ids(await page(intake, "newestFirst=false&limit=1")) == ["id0"]


async def test_a_cursor_of_the_one_way_leads_nowhere_in_the_other(intake: IntakeWorld) -> None:
    for number in range(3):
        await intake.place(f"k{number}")
    first = await page(intake, "newestFirst=true&limit=1")
    answer = await intake.http.get(f"/v1/orders?limit=1&cursor={first['next']}")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "cursor")


async def test_filters_narrow_what_is_shown(intake: IntakeWorld) -> None:
    await intake.place("k0", account="DU1234567")
    await intake.place("k1", contract={"symbol": "MSFT"}, clientReference="basket 7")
    await intake.http.delete("/v1/orders/id1")
    intake.time.advance(60)
    await intake.place("k2")
    assert ids(await page(intake, "account=DU1234567")) == ["id0"]
    assert ids(await page(intake, "symbol=MSFT")) == ["id1"]
    assert ids(await page(intake, "clientReference=basket+7")) == ["id1"]
    assert ids(await page(intake, "state=Cancelled")) == ["id1"]
    assert ids(await page(intake, "state=Accepted&symbol=MSFT")) == []
    assert ids(await page(intake, "since=2026-11-23T17:01:00Z")) == ["id2"]
    assert ids(await page(intake, "since=2026-11-23T17:00:00Z")) == ["id0", "id1", "id2"]


@pytest.mark.parametrize(
    ("query", "parameter", "words"),
    [
        ("cursor=x", "cursor", "exactly as `next` had it"),
        ("cursor=2", "cursor", "exactly as `next` had it"),
        (f"cursor={'9' * 151}", "cursor", "150 characters"),
        (f"cursor={ANY.cursor(1)}&symbol=AAPL", "cursor", "it belongs to other filters"),
        (f"cursor={REBALANCES.cursor(1)}", "cursor", "it belongs to other filters"),
        (f"cursor={ANY.cursor('a/b')}", "cursor", "exactly as `next` had it"),
        (f"cursor={ANY.cursor(LARGEST_SEQUENCE + 1)}", "cursor", "exactly as `next` had it"),
        ("after=1", "after", "is not a parameter of this path"),
        ("limit=1&limit=2", "limit", "stands in it twice"),
        ("newestFirst=perhaps", "newestFirst", "valid boolean"),
        ("limit=0", "limit", "greater than or equal to 1"),
        ("limit=501", "limit", "less than or equal to 500"),
        ("state=Nope", "state", "Input should be"),
        ("symbol=%00", "symbol", "pattern"),
        ("account=x", "account", "pattern"),
        ("since=2026-11-23", "since", "write a time with its zone"),
    ],
)
async def test_what_is_no_query_is_refused(
    intake: IntakeWorld, query: str, parameter: str, words: str
) -> None:
    answer = await intake.http.get(f"/v1/orders?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "InvalidRequest")
    (error,) = answer.json()["errors"]
    assert error["parameter"] == parameter
    assert words in error["detail"]


async def test_the_last_place_there_can_be_is_served(intake: IntakeWorld) -> None:
    last = await page(intake, f"cursor={ANY.cursor(LARGEST_SEQUENCE)}")
    assert last == {"orders": [], "next": None}


async def test_one_instant_in_two_zones_is_one_filter(intake: IntakeWorld) -> None:
    for number in range(2):
        await intake.place(f"k{number}")
    first = await page(intake, "limit=1&since=2026-11-23T12:00:00-05:00")
    assert ids(await page(intake, f"since=2026-11-23T17:00:00Z&cursor={first['next']}")) == ["id1"]


@pytest.mark.parametrize("path", ["/v1/orders?dryRun=true", "/v1/pause?x"])
async def test_a_post_takes_no_parameter_that_it_does_not_know(
    intake: IntakeWorld, path: str
) -> None:
    answer = await intake.http.post(path, headers={"Idempotency-Key": "k1"})
    assert "is not a parameter of this path" in answer.json()["detail"]


async def rebalanced(intake: IntakeWorld, *names: str) -> None:
    """One rebalance each, cancelled at once."""
    for name in names:
        run = RebalanceRun(name, 0, "DU1234567", "{}", NOON, NOON + timedelta(days=1))
        await intake.ledger.rebalances.accept(name, "h", run)
        await intake.ledger.rebalances.advance(name, cancel)


async def test_rebalances_go_on_by_cursor_and_link(intake: IntakeWorld) -> None:
    await rebalanced(intake, "r1", "r2", "r3")
    first = await intake.http.get("/v1/rebalances?limit=2")
    assert [run["id"] for run in first.json()["rebalances"]] == ["r1", "r2"]
    link = first.links["next"]["url"]
    assert f"cursor={first.json()['next']}" in link
    rest = await intake.http.get(link)
    assert ([run["id"] for run in rest.json()["rebalances"]], rest.json()["next"]) == (["r3"], None)
    assert "next" not in rest.links


async def test_a_rebalances_history_goes_on_by_cursor_and_is_its_own(intake: IntakeWorld) -> None:
    await intake.place("k0")
    await rebalanced(intake, "r1", "r2")
    path = "/v1/rebalances/r2/history"
    whole = (await intake.http.get(path)).json()
    assert [(line["number"], line["to"]) for line in whole["history"]] == [
        (1, "Accepted"),
        (2, "Cancelled"),
    ]
    first = await intake.http.get(path, params={"limit": 1})
    assert first.json()["history"] == whole["history"][:1]
    rest = await intake.http.get(first.links["next"]["url"])
    assert (rest.json()["history"], rest.json()["next"]) == (whole["history"][1:], None)
    other = await intake.http.get(
        "/v1/rebalances/r1/history", params={"cursor": first.json()["next"]}
    )
    assert (other.status_code, other.json()["code"]) == (422, "InvalidRequest")
    missing = await intake.http.get("/v1/rebalances/none/history")
    assert (missing.status_code, missing.json()["code"]) == (404, "NoSuchRebalance")
