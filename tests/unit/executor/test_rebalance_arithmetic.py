"""The trades of a rebalance: never more than there is, never short, and nothing to do a second time."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ibgateway_executor.orders.order import Contract, Side
from ibgateway_executor.rebalance.arithmetic import plan
from ibgateway_executor.rebalance.plan import (
    AccountFunds,
    OmissionReason,
    RebalancePlan,
    RebalanceRules,
    Replacement,
    TargetLine,
    replacement_problems,
)
from ibgateway_executor.rebalance.rounding import Rounding, rounded_up

Case = tuple[AccountFunds, list[TargetLine], RebalanceRules]


def line(symbol: str, price: str, held: str = "0", weight: str | None = None, **more: object) -> TargetLine:  # fmt: skip
    number = sum(ord(letter) << 8 * at for at, letter in enumerate(symbol))
    wanted = None if weight is None else Decimal(weight)
    made = TargetLine(number, symbol, Decimal(price), Decimal(held), wanted)
    return replace(made, **more)  # type: ignore[arg-type] # fields by name


def funds(cash: str, lines: Sequence[TargetLine]) -> AccountFunds:
    value = Decimal(cash) + sum((item.value for item in lines), Decimal(0))
    return AccountFunds(value, Decimal(cash))


def traded(found: RebalancePlan) -> dict[str, int]:
    return {
        trade.symbol: trade.quantity if trade.side is Side.BUY else -trade.quantity
        for trade in found.trades
    }


def reasons(found: RebalancePlan) -> dict[str, OmissionReason]:
    return {left.symbol: left.reason for left in found.omissions}


def test_cash_is_spread_over_the_targets_less_the_reserve() -> None:
    lines = [line("AAA", "10", weight="0.6"), line("BBB", "20", weight="0.4")]
    found = plan(funds("1000", lines), lines, RebalanceRules(reserve_percent=Decimal(10)))
    assert traded(found) == {"AAA": 54, "BBB": 18}
    assert (found.reserve, found.cash_after) == (Decimal(100), Decimal(100))
    assert [(w.symbol, w.before, w.after) for w in found.weights] == [
        ("AAA", Decimal(0), Decimal("0.54")),
        ("BBB", Decimal(0), Decimal("0.36")),
    ]


def test_what_has_no_target_is_sold_and_what_is_held_already_is_not_bought_again() -> None:
    lines = [line("AAA", "10", "60", "1"), line("OLD", "4", "100")]
    found = plan(funds("0", lines), lines, RebalanceRules())
    assert traded(found) == {"OLD": -100, "AAA": 40}
    assert [trade.side for trade in found.trades] == [Side.SELL, Side.BUY]
    assert (found.drift_before, found.drift_after) == (Decimal("0.4"), Decimal(0))


def test_what_has_no_target_is_kept_by_request() -> None:
    lines = [line("AAA", "10", weight="1"), line("OLD", "4", "100")]
    found = plan(funds("600", lines), lines, RebalanceRules(keep_untargeted=True))
    assert traded(found) == {"AAA": 60}
    assert reasons(found) == {"OLD": OmissionReason.KEPT}


def test_a_locked_position_stays_and_counts_an_excluded_one_is_not_there() -> None:
    lines = [
        line("AAA", "10", weight="0.5"),
        line("LOC", "10", "50", "0.5", locked=True),
        line("EXC", "10", "900", excluded=True),
    ]
    found = plan(funds("500", lines), lines, RebalanceRules())
    assert traded(found) == {"AAA": 50}
    assert found.value == Decimal(1000)
    assert reasons(found) == {"LOC": OmissionReason.LOCKED, "EXC": OmissionReason.EXCLUDED}


def test_targets_shrink_where_locked_positions_leave_no_room_for_them() -> None:
    lines = [
        line("AAA", "10", weight="0.5"),
        line("BBB", "10", "10", weight="0.5"),
        line("LOC", "10", "80", locked=True),
    ]
    found = plan(funds("100", lines), lines, RebalanceRules())
    assert traded(found) == {"AAA": 10}
    assert reasons(found)["BBB"] is OmissionReason.ON_TARGET


def test_too_little_cash_shrinks_the_buys_in_proportion() -> None:
    lines = [
        line("AAA", "1", weight="0.4"),
        line("BBB", "1", weight="0.2"),
        line("LOC", "1", "700", locked=True, weight="0.4"),
    ]
    account = replace(funds("300", lines), cash=Decimal(150))
    found = plan(account, lines, RebalanceRules())
    assert traded(found) == {"AAA": 100, "BBB": 50}
    assert set(reasons(found).values()) == {OmissionReason.NO_CASH, OmissionReason.LOCKED}


def test_a_short_position_is_never_touched_and_its_price_is_held_back() -> None:
    lines = [line("AAA", "10", weight="1"), line("SHO", "10", "-20")]
    found = plan(AccountFunds(Decimal(800), Decimal(1000)), lines, RebalanceRules())
    assert traded(found) == {"AAA": 80}
    assert reasons(found) == {"SHO": OmissionReason.SHORT}


def test_drift_within_the_tolerance_and_trades_that_are_too_small_are_left() -> None:
    lines = [
        line("AAA", "1", "480", "0.5"),
        line("BBB", "1", "295", "0.3"),
        line("CCC", "1", weight="0.2"),
    ]
    rules = RebalanceRules(tolerance_percent=Decimal(2), minimum_trade=Decimal(10))
    found = plan(funds("225", lines), lines, rules)
    assert traded(found) == {"CCC": 200}
    assert reasons(found) == {
        "AAA": OmissionReason.WITHIN_TOLERANCE,
        "BBB": OmissionReason.WITHIN_TOLERANCE,
    }
    found = plan(funds("225", lines), lines, replace(rules, tolerance_percent=Decimal(0)))
    assert traded(found) == {"AAA": 20, "CCC": 200}
    assert reasons(found) == {"BBB": OmissionReason.BELOW_MINIMUM}


def test_cash_that_is_too_little_for_several_trades_goes_into_one_that_is_large_enough() -> None:
    lines = [line(name, "1", weight="0.25") for name in ("AAA", "BBB", "CCC", "DDD")]
    account = AccountFunds(Decimal(1000), Decimal(150))
    found = plan(account, lines, RebalanceRules(minimum_trade=Decimal(100)))
    assert [trade.quantity for trade in found.trades] == [150]


def test_a_fraction_of_a_share_can_not_be_sold() -> None:
    lines = [line("AAA", "10", "10.5"), line("BBB", "10", "0.4"), line("CCC", "10", weight="1")]
    found = plan(funds("0", lines), lines, RebalanceRules())
    assert traded(found) == {"AAA": -10, "CCC": 10}
    assert reasons(found)["BBB"] is OmissionReason.FRACTION


def test_open_orders_of_ours_count_as_done() -> None:
    lines = [
        line("AAA", "10", "10", "0.5", open_buys=30),
        line("BBB", "10", "50", open_sells=45),
    ]
    found = plan(funds("400", lines), lines, RebalanceRules())
    assert traded(found) == {"AAA": 10, "BBB": -5}
    found = plan(funds("400", lines), [replace(x, open_sells=50) for x in lines], RebalanceRules())
    assert "BBB" not in traded(found)


def test_a_replacement_is_bought_instead_and_what_is_held_of_the_first_stays() -> None:
    first, other = line("UPR", "10", "20", "0.5"), line("SPY", "10", "0", None)
    rules = RebalanceRules(replacements={first.con_id: Replacement(other.con_id, Decimal(2))})
    found = plan(funds("800", [first, other]), [first, other], rules)
    assert traded(found) == {"SPY": 60}
    assert reasons(found) == {"UPR": OmissionReason.REPLACED}


def test_a_replaced_contract_is_still_sold_down_to_its_target() -> None:
    first, other = line("UPR", "10", "90", "0.5"), line("SPY", "10", "0", None)
    rules = RebalanceRules(replacements={first.con_id: Replacement(other.con_id, Decimal(1))})
    found = plan(funds("100", [first, other]), [first, other], rules)
    assert traded(found) == {"UPR": -40}


def test_money_that_is_in_holdings_nobody_can_trade_here_is_not_spent() -> None:
    lines = [line("AAA", "10", weight="1")]
    account = AccountFunds(Decimal(1000), Decimal(1000), other_value=Decimal(400))
    assert traded(plan(account, lines, RebalanceRules())) == {"AAA": 60}


def test_an_account_without_any_value_trades_nothing() -> None:
    lines = [line("AAA", "10", "5"), line("BBB", "10", weight="1")]
    found = plan(AccountFunds(Decimal(-5), Decimal(-55)), lines, RebalanceRules())
    assert (found.trades, found.weights) == ((), ())


def test_a_replaced_contract_that_is_being_sold_already_is_not_bought_back() -> None:
    lines = [line("OLD", "10", "10", "1", open_sells=10), line("NEW", "10")]
    rules = RebalanceRules(replacements={lines[0].con_id: Replacement(lines[1].con_id, Decimal(1))})
    found = plan(funds("200", lines), lines, rules)
    assert traded(found) == {"NEW": 20}


prices = st.decimals("0.01", "900", places=2)
wholes = st.integers(0, 300).map(Decimal)
quantities = st.one_of(wholes, wholes, st.decimals("-40", "300", places=2))


@st.composite
def replacement_sets(draw: st.DrawFn, count: int) -> dict[int, Replacement]:
    """None, or some that are not refused: what is bought instead of several may be one and the same."""
    numbers = list(range(1, count + 1))
    replaced = draw(st.lists(st.sampled_from(numbers), unique=True, max_size=min(3, count - 1)))
    others = st.sampled_from([number for number in numbers if number not in replaced])
    scales = st.sampled_from([Decimal("0.5"), Decimal(1), Decimal(2)])
    return {first: Replacement(draw(others), draw(scales)) for first in replaced}


@st.composite
def cases(draw: st.DrawFn, most: int = 8) -> Case:
    count = draw(st.integers(1, most))
    parts = draw(st.lists(st.integers(0, 100), min_size=count, max_size=count))
    whole = max(sum(parts), draw(st.integers(1, 300)))
    lines = []
    for number, part in enumerate(parts):
        held = draw(quantities)
        sells = draw(st.integers(0, int(held))) if held >= 1 and draw(st.booleans()) else 0
        lines.append(
            TargetLine(
                number + 1,
                f"S{number}",
                draw(prices),
                held,
                draw(st.sampled_from([None, *[Decimal(part) / whole] * 3])),
                open_buys=draw(st.sampled_from([0, 0, 0, 7])),
                open_sells=sells,
                locked=draw(st.sampled_from([False, False, False, True])),
                excluded=draw(st.sampled_from([False, False, False, True])),
            )
        )
    cash = draw(st.decimals("-500", "90000", places=2))
    value = cash + sum((item.value for item in lines), Decimal(0))
    rules = RebalanceRules(
        reserve_percent=draw(st.sampled_from([Decimal(0), Decimal(1), Decimal("12.5")])),
        minimum_trade=draw(st.sampled_from([Decimal(0), Decimal(100), Decimal(2500)])),
        tolerance_percent=draw(st.sampled_from([Decimal(0), Decimal("0.5"), Decimal(3)])),
        keep_untargeted=draw(st.booleans()),
        replacements=draw(replacement_sets(count)),
    )
    return AccountFunds(value, cash), lines, rules


def after(case: Case, found: RebalancePlan) -> Case:
    """The account when everything has filled at the prices it was decided at."""
    account, lines, rules = case
    moved = {t.con_id: t.quantity if t.side is Side.BUY else -t.quantity for t in found.trades}
    now = [replace(item, held=item.held + moved.get(item.con_id, 0)) for item in lines]
    return replace(account, cash=found.cash_after), now, rules


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), max_size=6))
def test_replacements_are_taken_where_each_has_one_end_and_else_refused(
    pairs: list[tuple[int, int]],
) -> None:
    """Followed from any contract, what is bought in its place is found at once, and is the same whichever pair is read first."""
    wrong = replacement_problems([(Contract(one), Contract(other)) for one, other in pairs])
    ends = {one: [other for first, other in pairs if first == one] for one, _ in pairs}
    good = all(len(found) == 1 and found[0] not in ends for found in ends.values())
    assert good == (not wrong)


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ((("A", "A"),), "A is replaced by itself"),
        ((("A", "B"), ("B", "C")), "B is bought instead of A, and is replaced itself"),
        ((("A", "B"), ("B", "A")), "B is bought instead of A, and is replaced itself"),
        ((("A", "B"), ("B", "C"), ("C", "A")), "C is bought instead of B, and is replaced itself"),
        ((("A", "B"), ("A", "C")), "A is replaced 2 times"),
    ],
)
def test_what_is_wrong_with_replacements_is_said(
    pairs: tuple[tuple[str, str], ...], words: str
) -> None:
    contracts = {name: Contract(number, name) for number, name in enumerate("ABC", 1)}
    told = replacement_problems([(contracts[one], contracts[other]) for one, other in pairs])
    assert words in told


@given(cases())
@settings(max_examples=200)
def test_a_plan_never_spends_what_is_not_there_nor_sells_what_is_not_held(case: Case) -> None:
    account, lines, rules = case
    found = plan(account, lines, rules)
    by_id = {item.con_id: item for item in lines}
    spent = sum((trade.value for trade in found.of_side(Side.BUY)), Decimal(0))
    brought = sum((trade.value for trade in found.of_side(Side.SELL)), Decimal(0))
    assert found.cash_after == account.cash + brought - spent
    assert not spent or found.cash_after >= found.reserve
    assert len({trade.con_id for trade in found.trades}) == len(found.trades)
    for trade in found.trades:
        item = by_id[trade.con_id]
        assert not item.locked
        assert not item.excluded
        assert item.held >= 0
        assert trade.quantity > 0
        assert trade.value >= rules.minimum_trade
        if trade.side is Side.SELL:
            assert trade.quantity <= item.held - item.open_sells


@given(cases())
@settings(max_examples=200)
def test_a_second_rebalance_right_after_the_first_has_nothing_to_do(case: Case) -> None:
    found = plan(*case)
    assert plan(*after(case, found)).trades == ()


@given(cases())
@settings(max_examples=150)
def test_what_is_traded_ends_within_a_share_of_its_target_unless_a_reason_is_said(
    case: Case,
) -> None:
    account, lines, rules = case
    found = plan(account, lines, rules)
    unfinished = {left.con_id for left in found.omissions}
    weights = {weight.con_id: weight for weight in found.weights}
    by_id = {item.con_id: item for item in lines}
    for number in {trade.con_id for trade in found.trades} - unfinished:
        item, weight = by_id[number], weights[number]
        if item.open_buys or item.open_sells or number in rules.replacements or rules.replacements:
            continue
        if rules.minimum_trade or rules.tolerance_percent:
            continue
        off = abs(weight.after - weight.target) * found.value
        assert off <= item.price * Decimal("1.000001")


@given(
    st.lists(st.tuples(prices, st.integers(1, 60)), min_size=1, max_size=7),
    st.decimals("0", "9000", places=2),
    st.integers(0, 40),
)
@settings(max_examples=150)
def test_the_sum_of_the_differences_is_the_smallest_that_the_cash_allows(
    wanted: list[tuple[Decimal, int]], cash: Decimal, kept: int
) -> None:
    whole = sum(part for _, part in wanted) + kept
    lines = [
        TargetLine(at, f"S{at}", price, weight=Decimal(part) / whole)
        for at, (price, part) in enumerate(wanted, 1)
    ]
    found = plan(AccountFunds(cash, cash), lines, RebalanceRules())
    bought = {trade.con_id: trade.quantity for trade in found.trades}
    targets = {item.con_id: (item.weight or 0) * cash for item in lines}

    def off(quantities: dict[int, int]) -> Decimal:
        return sum(
            (abs(targets[i.con_id] - quantities.get(i.con_id, 0) * i.price) for i in lines),
            Decimal(0),
        )

    ways = [
        [
            int(targets[i.con_id] // i.price) + up
            for up in ((0, 1) if targets[i.con_id] >= i.price else (0,))
        ]
        for i in lines
    ]
    allowed = [
        way
        for way in (dict(zip(targets, numbers, strict=True)) for numbers in product(*ways))
        if sum((way[i.con_id] * i.price for i in lines), Decimal(0)) <= cash
    ]
    assert off(bought) <= min(off(way) for way in allowed) + Decimal("1e-15")


@given(
    st.lists(st.tuples(prices, st.integers(1, 1000)), max_size=9),
    st.decimals("0", "3000", places=2),
)
@settings(max_examples=150)
def test_no_other_choice_of_roundings_gains_more(
    raw: list[tuple[Decimal, int]], spare: Decimal
) -> None:
    choices = [Rounding(at, cost, cost * part / 1000) for at, (cost, part) in enumerate(raw)]

    def gained(chosen: frozenset[int]) -> Decimal:
        return sum((choices[at].gain for at in chosen), Decimal(0))

    def costs(chosen: frozenset[int]) -> Decimal:
        return sum((choices[at].cost for at in chosen), Decimal(0))

    found = rounded_up(choices, spare)
    assert costs(found) <= spare
    every = (
        frozenset(at for at, taken in enumerate(mask) if taken)
        for mask in product((False, True), repeat=len(choices))
    )
    assert gained(found) == max(gained(way) for way in every if costs(way) <= spare)


@pytest.mark.parametrize("count", [50, 300])
def test_many_contracts_are_rounded_at_least_as_well_as_by_largest_remainder(count: int) -> None:
    choices = [
        Rounding(at, Decimal(100 + at * 37 % 91), Decimal(1 + at * 53 % 97)) for at in range(count)
    ]
    spare = Decimal(60 * count)
    left, greedy = spare, Decimal(0)
    for choice in sorted(choices, key=lambda c: (-c.gain / c.cost, c.con_id)):
        if choice.cost <= left:
            left, greedy = left - choice.cost, greedy + choice.gain
    found = rounded_up(choices, spare)
    assert sum((c.gain for c in choices if c.con_id in found), Decimal(0)) >= greedy
