"""A rebalance's plan and its report, as tables. Pure."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ibgateway_api.rebalance_documents import (
    PlannedRebalance,
    RebalanceDocument,
    RebalanceOmission,
    RebalancePlanDocument,
    RebalanceReportDocument,
    RebalanceTrade,
    RebalanceWeight,
)
from ibgateway_cli.executor.cells import (
    NOTHING,
    columns,
    facts,
    moment,
    money,
    percent,
    quantity,
    state,
    why,
    words,
)


def plan_page(plan: PlannedRebalance) -> RenderableType:
    """What would be traded, and the account before and after it."""
    orders = orders_planned(plan.orders, plan.currency)
    parts: list[RenderableType] = [_headline(plan), "", orders, "", weights_planned(plan)]
    if plan.left_out:
        parts += ["", _left_out(plan.left_out)]
    parts += ["", _sums(plan), *_markets(plan)]
    parts += [
        Text("Nothing would be traded now: ", style="red").append_text(why(o.reason, o.message))
        for o in plan.objections
    ]
    return Group(*parts)


def orders_planned(orders: Iterable[RebalanceTrade], currency: str) -> RenderableType:
    """The exact orders, sells first."""
    value = f"VALUE {currency}".strip()
    table = columns("ORDER", "QUANTITY", "CONTRACT", "PRICE", value, right=_NUMBERS | {value})
    for trade in orders:
        table.add_row(
            state(trade.side),
            quantity(trade.quantity),
            words(trade.symbol),
            quantity(trade.decision_price),
            money(trade.value),
        )
    return table if table.row_count else Text("No orders: the account is where it should be.")


def weights_planned(plan: RebalancePlanDocument) -> Table:
    """Each contract's part of the account, before and after."""
    traded = {trade.con_id: trade for trade in plan.orders}
    table = columns("CONTRACT", "PRICE", "BEFORE", "TARGET", "AFTER", "OFF BY", right=_NUMBERS)
    for weight in plan.weights:
        table.add_row(words(weight.symbol), _price(weight, traded), *_weight(weight))
    table.add_row("drift", "", percent(plan.drift_before), "", percent(plan.drift_after), "")
    return table


def run_line(run: RebalanceDocument) -> Text:
    """Where a rebalance stands, in one line."""
    line = words(f"rebalance {run.id} of {run.account} is ").append_text(state(run.state))
    if run.reason or run.message:
        line.append(" ").append_text(why(run.reason, run.message))
    return line.append(f" until {moment(run.until)}") if run.until else line


def run_page(run: RebalanceDocument) -> RenderableType:
    """A rebalance with its report, or as far as it has come."""
    parts: list[RenderableType] = [run_line(run)]
    if run.report:
        parts += ["", *_report(run.report)]
    elif run.plan:
        parts += ["", orders_planned(run.plan.orders, ""), "", weights_planned(run.plan)]
    return Group(*parts)


def runs_table(runs: Iterable[RebalanceDocument]) -> Table:
    """A line for each rebalance."""
    table = columns("REBALANCE", "ACCEPTED", "ACCOUNT", "STATE", "DRIFT", "WHY")
    for run in runs:
        table.add_row(
            words(run.id),
            moment(run.accepted_at),
            words(run.account),
            state(run.state),
            _drift(run),
            why(run.reason, run.message),
        )
    return table


def cash_before(plan: RebalancePlanDocument) -> Decimal:
    """What it has before: what is left, with the buys and without the sells."""
    moved = sum((t.value if t.side == "BUY" else -t.value for t in plan.orders), Decimal(0))
    return plan.cash_after + moved


_NUMBERS = frozenset(
    ("QUANTITY", "PRICE", "BEFORE", "TARGET", "AFTER", "OFF BY", "FILLED", "SLIPPAGE", "COMMISSION")
)


def _headline(plan: PlannedRebalance) -> Text:
    return words(
        f"Account {plan.account}, worth {money(plan.account_value)} {plan.currency}"
        f" ({plan.settlement}), by {plan.prices} prices."
    )


def _price(weight: RebalanceWeight, traded: Mapping[int, RebalanceTrade]) -> str:
    if weight.price is not None:
        return quantity(weight.price)
    found = traded.get(weight.con_id)
    return quantity(found.decision_price) if found else NOTHING


def _weight(weight: RebalanceWeight) -> tuple[str, str, str, str]:
    off = weight.after - weight.target
    return percent(weight.before), percent(weight.target), percent(weight.after), percent(off)


def _left_out(left: Iterable[RebalanceOmission]) -> Table:
    table = columns("LEFT OUT", "WHY")
    for each in left:
        table.add_row(words(each.symbol), why(each.reason, each.message))
    return table


def _sums(plan: PlannedRebalance) -> Table:
    return facts(
        [
            ("cash before", f"{money(cash_before(plan))} {plan.currency}"),
            ("cash after", f"{money(plan.cash_after)} {plan.currency}"),
            ("reserve", f"{money(plan.cash_reserve)} {plan.currency}"),
        ]
    )


def _markets(plan: PlannedRebalance) -> list[RenderableType]:
    """When it could begin."""
    lines = [f"{name} closes too soon: it would wait for the next session" for name in plan.closing]
    lines += [f"The hours of {name} are not known: it would wait" for name in plan.hours_unknown]
    if not plan.markets_open and plan.markets_open_at:
        closed = ", ".join(plan.closed)
        lines.append(f"Closed now: {closed}. It would begin at {moment(plan.markets_open_at)}.")
    return [words(line) for line in lines]


def _report(report: RebalanceReportDocument) -> list[RenderableType]:
    names = ("ORDER", "QUANTITY", "CONTRACT", "STATE", "FILLED", "SLIPPAGE", "COMMISSION", "WHY")
    orders = columns(*names, right=_NUMBERS)
    for made in report.orders:
        price = f" at {quantity(made.average_price)}" if made.average_price is not None else ""
        orders.add_row(
            state(made.side),
            quantity(made.quantity),
            words(made.symbol),
            state(made.state),
            quantity(made.filled_quantity) + price,
            money(made.slippage),
            money(made.commission),
            words(made.message),
        )
    weights = columns("CONTRACT", "BEFORE", "TARGET", "AFTER", "OFF BY", right=_NUMBERS)
    for weight in report.weights:
        weights.add_row(words(weight.symbol), *_weight(weight))
    weights.add_row("drift", percent(report.drift_before), "", percent(report.drift_after), "")
    sums = facts(
        [
            ("account", money(report.account_value)),
            ("cash", money(report.cash)),
            ("slippage", money(report.slippage)),
            ("commission", money(report.commission)),
        ]
    )
    return [orders, "", weights, "", sums]


def _drift(run: RebalanceDocument) -> str:
    found = run.report or run.plan
    return f"{percent(found.drift_before)} -> {percent(found.drift_after)}" if found else NOTHING
