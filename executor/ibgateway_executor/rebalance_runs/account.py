"""An account as a rebalance sees it: what it holds, what that costs, what its targets are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from ibgateway_executor.broker.contracts import differences
from ibgateway_executor.broker.protocol import Broker, Candidate
from ibgateway_executor.errors import OrderRefusedError
from ibgateway_executor.intake.rebalance_schema import PriceSource, RebalanceBody, contract_named
from ibgateway_executor.intake.schema import ContractBody
from ibgateway_executor.orders.order import Contract, Order, Side
from ibgateway_executor.orders.portfolio import AccountReport, PositionReport
from ibgateway_executor.rebalance.funding import spendable
from ibgateway_executor.rebalance.plan import (
    AccountFunds,
    RebalanceRules,
    Replacement,
    TargetLine,
    replacement_problems,
)
from ibgateway_executor.rebalance_runs.contracts import Find, quoted, resolved

STOCK = "STK"


@dataclass(frozen=True)
class NamedContracts:
    """What a request names, by contract number."""

    weights: Mapping[int, Decimal]
    locked: frozenset[int]
    excluded: frozenset[int]
    replacements: Mapping[int, Replacement]
    prices: Mapping[int, Decimal]
    found: Mapping[int, Candidate]


@dataclass(frozen=True)
class RebalanceAccount:
    """An account before a rebalance; `candidates` are the contracts of its lines that may be traded."""

    report: AccountReport
    funds: AccountFunds
    lines: tuple[TargetLine, ...]
    rules: RebalanceRules
    candidates: Mapping[int, Candidate]

    @property
    def contracts(self) -> dict[int, Contract]:
        """What orders name."""
        return {number: candidate.contract for number, candidate in self.candidates.items()}


async def named(find: Find, body: RebalanceBody) -> NamedContracts:
    """The contracts of a request. OrderRefusedError where one is unknown, or has two meanings; any BrokerError."""
    bodies = [
        *(target.contract for target in body.targets),
        *(item.instead for item in body.replacements),
        *(item.contract for item in body.replacements),
        *body.locked,
        *body.excluded,
        *(item.contract for item in body.given_prices),
    ]
    answers = await resolved(find, (contract_named(item) for item in bodies))
    _check(
        bodies,
        answers,
        [*(t.contract for t in body.targets), *(r.instead for r in body.replacements)],
    )

    def number(item: ContractBody) -> int:
        return answers[contract_named(item)].contract.con_id

    weights = [(number(target.contract), target.weight) for target in body.targets]
    if len(dict(weights)) < len(weights):
        raise OrderRefusedError(
            422, "InvalidRequest", "targets: a contract stands in it twice: one weight for each"
        )
    wrong = replacement_problems(
        [
            (
                answers[contract_named(r.contract)].contract,
                answers[contract_named(r.instead)].contract,
            )
            for r in body.replacements
        ]
    )
    if wrong:
        raise OrderRefusedError(
            422,
            "InvalidRequest",
            f"replacements: {'; '.join(wrong)}: name each contract once, with what is bought in the end",
        )
    return NamedContracts(
        weights=dict(weights),
        locked=frozenset(number(item) for item in body.locked),
        excluded=frozenset(number(item) for item in body.excluded),
        replacements={
            number(item.contract): Replacement(number(item.instead), item.scale)
            for item in body.replacements
        },
        prices={number(item.contract): item.price for item in body.given_prices},
        found={candidate.contract.con_id: candidate for candidate in answers.values()},
    )


async def account(
    broker: Broker,
    find: Find,
    body: RebalanceBody,
    *,
    account_id: str,
    reserve_percent: Decimal,
    orders: Iterable[Order],
) -> RebalanceAccount:
    """What a plan is made of. `orders` are ours that have not ended.

    OrderRefusedError for a request that does not fit the account, or a price that is missing; any BrokerError.
    """
    known = await named(find, body)
    report = await broker.account(account_id)
    held = [p for p in await broker.positions() if p.account == account_id]
    mine, others = stocks_and_others(held, report.currency)
    foreign = [c.contract for c in known.found.values() if c.contract.currency != report.currency]
    if foreign:
        names = ", ".join(f"{c} ({c.currency})" for c in foreign)
        raise OrderRefusedError(
            422,
            "ForeignCurrency",
            f"the account is in {report.currency}, and a rebalance does not change money: {names}",
        )
    found = dict(known.found)
    unnamed = [p.contract for p in mine if p.contract.con_id not in found]
    for candidate in (await resolved(find, map(_by_number, unnamed))).values():
        found[candidate.contract.con_id] = candidate
    lines = _lines(mine, known, found, [o for o in orders if o.terms.account == account_id])
    priced = await _priced(broker, body, lines, found, known.prices)
    return RebalanceAccount(
        report,
        _funds(report, priced, others),
        priced,
        RebalanceRules(
            reserve_percent=reserve_percent,
            minimum_trade=body.min_trade_value,
            tolerance_percent=body.drift_tolerance_percent,
            keep_untargeted=body.untargeted == "keep",
            replacements=known.replacements,
        ),
        {line.con_id: found[line.con_id] for line in priced},
    )


def _check(
    bodies: Iterable[ContractBody],
    answers: Mapping[Contract, Candidate],
    bought: Iterable[ContractBody],
) -> None:
    """OrderRefusedError where a number is not what stands beside it, or what may be bought is no stock: a
    future's price is that of a part of it."""
    problems = []
    for item in bodies:
        found = answers[contract_named(item)].contract
        if item.con_id and (wrong := differences(_said(item), found)):
            problems.append(
                f"conId {found.con_id} is {found.symbol}, and the request says otherwise: {wrong}"
            )
    bought_there = {c.con_id: c for c in (answers[contract_named(i)].contract for i in bought)}
    others = [c for c in bought_there.values() if c.sec_type != STOCK]
    if others:
        names = ", ".join(f"{c} ({c.sec_type})" for c in others)
        problems.append(f"a rebalance trades stocks and exchange-traded funds (STK) alone: {names}")
    if problems:
        raise OrderRefusedError(422, "UnknownContract", "; ".join(problems))


def _said(item: ContractBody) -> Contract:
    """What the client has said beside the number, not our defaults."""
    said = item.model_fields_set
    return Contract(
        con_id=item.con_id,
        symbol=item.symbol,
        sec_type=item.sec_type if "sec_type" in said else "",
        currency=item.currency if "currency" in said else "",
    )


def _by_number(contract: Contract) -> Contract:
    return Contract(con_id=contract.con_id, sec_type="", currency="")


def stocks_and_others(
    held: Sequence[PositionReport], currency: str
) -> tuple[list[PositionReport], list[PositionReport]]:
    """Stocks in the account's currency, and everything else."""
    mine = [p for p in held if p.contract.sec_type == STOCK and p.contract.currency == currency]
    return mine, [p for p in held if p not in mine]


def _lines(
    held: Sequence[PositionReport],
    known: NamedContracts,
    found: Mapping[int, Candidate],
    orders: Sequence[Order],
) -> list[TargetLine]:
    """A line for each contract that is held, a target, or bought instead of one; without its price."""
    quantities = {p.contract.con_id: p.quantity for p in held}
    instead = {r.con_id for r in known.replacements.values()}
    numbers = sorted(quantities.keys() | known.weights.keys() | instead)
    return [
        TargetLine(
            number,
            found[number].contract.symbol,
            Decimal(0),
            held=quantities.get(number, Decimal(0)),
            weight=known.weights.get(number),
            open_buys=_open(orders, number, Side.BUY),
            open_sells=_open(orders, number, Side.SELL),
            locked=number in known.locked,
            excluded=number in known.excluded,
        )
        for number in numbers
    ]


def _open(orders: Iterable[Order], number: int, side: Side) -> int:
    return sum(
        order.terms.quantity - int(order.filled)
        for order in orders
        if order.terms.contract.con_id == number and order.terms.side is side
    )


async def _priced(
    broker: Broker,
    body: RebalanceBody,
    lines: Sequence[TargetLine],
    found: Mapping[int, Candidate],
    given: Mapping[int, Decimal],
) -> tuple[TargetLine, ...]:
    """The lines with their prices. OrderRefusedError that lists those without one: nothing is traded on a guess."""
    if body.prices is PriceSource.GIVEN:
        prices = given
    else:
        wanted = {line.con_id: found[line.con_id].contract for line in lines}
        prices = await quoted(broker, wanted, delayed=body.prices is PriceSource.DELAYED)
    missing = [line.symbol for line in lines if line.con_id not in prices]
    if missing:
        raise OrderRefusedError(
            422,
            "NoPrice",
            f"there is no price of {', '.join(missing)}: allow delayed ones (prices: delayed), give them "
            "(prices: given), or subscribe to market data",
        )
    return tuple(replace(line, price=prices[line.con_id]) for line in lines)


def _funds(
    report: AccountReport, lines: Sequence[TargetLine], others: Sequence[PositionReport]
) -> AccountFunds:
    """Where other things are held, what the account is worth beside cash and stocks is theirs."""
    stocks = sum((line.value for line in lines), Decimal(0))
    rest = report.net_liquidation - report.total_cash - stocks if others else Decimal(0)
    cash = spendable(report, settled_alone=False)
    return AccountFunds(report.net_liquidation, cash, max(rest, Decimal(0)))
