"""A refused spec does not cost what runs: the last accepted one is served, narrowed by what was meant."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ibgateway_api.spec import IBGatewaySpec
from ibgateway_api.week import Calendar
from ibgateway_operator.decide import served_spec
from ibgateway_operator.decide.served_spec import narrowed, served
from ibgateway_operator.decide.spec_checks import spec_refusal
from ibgateway_operator.model.snapshot import Finding, IBGateway, parse
from operator_fakes import NOW, OperatorWorld, ibgateway_body, report

REFUSED: dict[str, Any] = {"gateway": {"timeZone": "Mars/Olympus"}}
UNREADABLE: dict[str, Any] = {"login": 7}
UNBUILDABLE: dict[str, Any] = {"gateway": {"tolerations": [], "resources": {"requests": "1Gi"}}}
DRAINED = b'{"open":false,"unacknowledged":0}'


def spec(**fields: Any) -> IBGatewaySpec:
    return IBGatewaySpec.model_validate(
        {"credentialsSecretRef": {"name": "ib-credentials"}, **fields}
    )


@pytest.mark.parametrize("broken", [REFUSED, UNREADABLE, UNBUILDABLE])
async def test_the_weeks_restart_is_not_lost_to_a_refused_spec(
    trading: OperatorWorld, broken: dict[str, Any]
) -> None:
    trading.http.answers["/v1/gate"] = DRAINED
    trading.edit(**broken)
    trading.set_time(datetime(2026, 11, 22, 14, 0, 5, tzinfo=UTC))
    trading.hear(report())
    await trading.reconcile()
    assert trading.http.posted == [("/v1/restarts", '{"id":"2026-11-22T06:00:00Z"}')]
    assert trading.condition("SpecAccepted").startswith("False")
    assert "the last accepted spec is served" in trading.message("SpecAccepted")


async def test_a_request_is_handed_on_while_the_spec_is_refused(trading: OperatorWorld) -> None:
    trading.edit(**REFUSED)
    trading.request_login("2026-11-18T14:59:30Z")
    await trading.reconcile()
    await trading.reconcile()
    assert trading.http.posted == [("/v1/login-requests", '{"id":"2026-11-18T14:59:30Z"}')]
    assert trading.stored()["status"]["login"]["handledRequest"] == "2026-11-18T14:59:30Z"


@pytest.mark.parametrize("broken", [REFUSED, UNREADABLE])
async def test_a_refused_spec_that_suspends_suspends(
    trading: OperatorWorld, broken: dict[str, Any]
) -> None:
    trading.http.answers["/v1/gate"] = DRAINED
    trading.edit(**broken, suspend=True)
    await trading.reconcile()
    await trading.reconcile()
    assert trading.replicas("StatefulSet", "paper-gateway") == 0
    assert trading.condition("TradingAllowed") == "False Suspended"
    assert trading.condition("SpecAccepted").startswith("False")


async def test_the_last_accepted_spec_outlives_the_operator(trading: OperatorWorld) -> None:
    trading.edit(weeklyRestart={"restartAt": "11:00"})
    await trading.reconcile()
    trading.edit(weeklyRestart={"restartAt": "11:00"}, login={"maxAttempts": 1}, **REFUSED)
    trading.app.memories.clear()
    await trading.reconcile()
    trading.hear(report())
    await trading.reconcile()
    status = trading.stored()["status"]
    assert status["window"]["restart"] == "2026-11-22T16:00:00Z"
    settings = trading.api_server.named("ConfigMap", "paper-gateway")["data"]["settings.json"]
    assert '"maxAttempts":3' in settings


async def test_a_spec_is_checked_once_a_generation_and_not_with_each_status(
    world: OperatorWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[int] = []

    def noted(gateway: IBGateway, now: datetime, calendar: Calendar) -> Finding | None:
        checked.append(gateway.generation)
        return spec_refusal(gateway, now, calendar)

    monkeypatch.setattr(served_spec, "spec_refusal", noted)
    versions = {world.stored()["metadata"]["resourceVersion"]}
    await world.log_in()
    versions.add(world.stored()["metadata"]["resourceVersion"])
    world.edit(login={"maxAttempts": 1})
    await world.reconcile()
    assert len(versions) == 2
    assert checked == [3, 4]


async def test_what_is_refused_stays_refused_when_its_status_is_written(
    world: OperatorWorld,
) -> None:
    world.edit(**REFUSED)
    for _ in range(3):
        await world.reconcile()
        assert world.condition("SpecAccepted") == "False UnknownTimeZone"


async def test_what_was_found_wrong_stays_although_the_resource_is_parsed_again(
    trading: OperatorWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    trading.edit(**REFUSED)
    await trading.reconcile()
    monkeypatch.setattr(served_spec, "spec_refusal", lambda *_: pytest.fail("checked again"))
    trading.app.reconciler.observer.parsed.clear()
    await trading.reconcile()
    assert trading.condition("SpecAccepted") == "False UnknownTimeZone"


async def test_a_corrected_spec_is_served_at_once(trading: OperatorWorld) -> None:
    trading.edit(**REFUSED)
    await trading.reconcile()
    trading.edit(gateway={}, login={"maxAttempts": 1})
    assert "apply ConfigMap paper-gateway" in await trading.reconcile()
    assert trading.condition("SpecAccepted") == "True Accepted"


async def test_nothing_spins_while_an_earlier_spec_is_served(trading: OperatorWorld) -> None:
    trading.pass_time(61)
    trading.hear_again()
    trading.edit(**REFUSED)
    await trading.reconcile()
    assert trading.next_look() >= 10.0
    trading.hear_again()
    assert await trading.reconcile() == []


def test_a_refused_spec_that_follows_no_accepted_one_is_not_served() -> None:
    gateway = served(parse(ibgateway_body(REFUSED)), NOW, Calendar())
    assert gateway.refusal is not None
    assert gateway.is_served is False


def test_a_spec_is_read_once_whatever_the_status_says() -> None:
    first = served(parse(ibgateway_body()), NOW, Calendar())
    later = parse(ibgateway_body(status={"login": {"state": "LoggedIn"}}), first)
    assert later.spec is first.spec
    assert later.status != first.status
    edited = parse(ibgateway_body({"suspend": True}), later)
    assert edited.spec == spec(suspend=True)


def test_the_accepted_spec_is_read_once_as_long_as_its_text_is_the_same() -> None:
    accepted = spec().model_dump_json(by_alias=True)
    first = parse(ibgateway_body(status={"acceptedSpec": accepted}))
    status = {"acceptedSpec": accepted, "login": {"state": "LoggedIn"}}
    later = parse(ibgateway_body(status=status), first)
    assert later.accepted is first.accepted is not None
    suspended = spec(suspend=True).model_dump_json(by_alias=True)
    edited = parse(ibgateway_body(status={"acceptedSpec": suspended}), later)
    assert edited.accepted == spec(suspend=True)


def test_a_refused_spec_is_read_again_from_its_own_words_and_not_from_what_is_served() -> None:
    text = spec().model_dump_json(by_alias=True)
    before = served(parse(ibgateway_body(REFUSED, status={"acceptedSpec": text})), NOW, Calendar())
    again = parse(ibgateway_body(REFUSED, status={"acceptedSpec": text}), before)
    assert again.spec == spec(**REFUSED)
    unreadable = served(
        parse(ibgateway_body(UNREADABLE, status={"acceptedSpec": text})), NOW, Calendar()
    )
    again = parse(ibgateway_body(UNREADABLE, status={"acceptedSpec": text}), unreadable)
    assert (again.spec, again.problem) == (None, unreadable.problem)


@pytest.mark.parametrize("text", ["{", "[]", '{"executor":7}'])
def test_an_accepted_spec_that_nobody_can_read_counts_as_none(text: str) -> None:
    gateway = served(parse(ibgateway_body(REFUSED, status={"acceptedSpec": text})), NOW, Calendar())
    assert gateway.is_served is False


@pytest.mark.parametrize(
    ("accepted", "refused", "value", "count", "accounts"),
    [
        ({}, {"limits": {"maxOrderValue": "500", "maxOrdersPerDay": 3}}, "500", 3, []),
        ({"limits": {"maxOrderValue": "1000"}}, {}, "1000", None, []),
        (
            {"limits": {"maxOrderValue": "1000", "maxOrdersPerDay": 5}},
            {"limits": {"maxOrderValue": "900", "maxOrdersPerDay": 50}},
            "900",
            5,
            [],
        ),
        (
            {"accounts": ["DU1111111", "DU2222222"]},
            {"accounts": ["DU2222222"]},
            None,
            None,
            ["DU2222222"],
        ),
        ({"accounts": ["DU1111111"]}, {"accounts": []}, None, None, ["DU1111111"]),
        ({}, {"accounts": ["DU2222222"]}, None, None, ["DU2222222"]),
    ],
)
def test_the_narrower_of_each_limit_holds(
    accepted: dict[str, Any],
    refused: dict[str, Any],
    value: str | None,
    count: int | None,
    accounts: list[str],
) -> None:
    given = narrowed(spec(executor=accepted), spec(executor=refused), {}).executor
    assert (given.limits.max_order_value, given.limits.max_orders_per_day) == (value, count)
    assert given.accounts == accounts


@pytest.mark.parametrize(
    ("accepted", "refused", "symbols", "collar", "short"),
    [
        ({"shortSelling": True}, {"shortSelling": True}, [], None, True),
        ({"shortSelling": True}, {}, [], None, False),
        ({}, {"shortSelling": True}, [], None, False),
        (
            {"allowedSymbols": ["AAPL", "MSFT"], "priceCollarPercent": "10"},
            {"allowedSymbols": ["MSFT", "IBM"], "priceCollarPercent": "9.5"},
            ["MSFT"],
            "9.5",
            False,
        ),
        ({}, {"allowedSymbols": ["IBM"], "priceCollarPercent": "3"}, ["IBM"], "3", False),
        ({"allowedSymbols": ["AAPL"]}, {"allowedSymbols": ["IBM"]}, ["AAPL"], None, False),
    ],
)
def test_the_narrower_of_what_may_be_ordered_holds(
    accepted: dict[str, Any],
    refused: dict[str, Any],
    symbols: list[str],
    collar: str | None,
    short: bool,
) -> None:
    mine, theirs = (spec(executor={"limits": limits}) for limits in (accepted, refused))
    given = narrowed(mine, theirs, {}).executor.limits
    told = (given.allowed_symbols, given.price_collar_percent, given.short_selling)
    assert told == (symbols, collar, short)


def test_read_only_holds_also_where_the_rest_is_unreadable() -> None:
    given = narrowed(spec(), None, {"gateway": {"readOnlyApi": True}, "login": 7})
    assert given.gateway.read_only_api is True
    assert narrowed(spec(), None, {"gateway": 3}).gateway.read_only_api is False
