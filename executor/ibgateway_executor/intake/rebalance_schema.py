"""The HTTP documents of `/v1/rebalances` and their translation. Pure.

Weights and money are text, as in orders: a number loses digits. An unknown field is an error.
"""

import hashlib
import json
import re
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator
from pydantic.functional_validators import BeforeValidator

from ibgateway_executor.intake.schema import ClientBody, ContractBody, Moment, Price, canonical
from ibgateway_executor.orders.order import Contract
from ibgateway_executor.rebalance.plan import (
    Omission,
    PlannedTrade,
    PlannedWeight,
    RebalancePlan,
)
from ibgateway_executor.rebalance.progress import RebalanceReport, RebalanceRun, TradeOutcome

MOST_TARGETS: Final = 500
_WEIGHT: Final = re.compile(r"0(\.[0-9]{1,9})?|1(\.0{1,9})?")
_PERCENT: Final = re.compile(r"[0-9]{1,2}(\.[0-9]{1,6})?|100(\.0{1,6})?")
_AMOUNT: Final = re.compile(r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?")


def _weight(value: object) -> Decimal:
    if isinstance(value, str) and _WEIGHT.fullmatch(value):
        return Decimal(value)
    raise ValueError('write a part of the account from 0 to 1 as text, such as "0.25"')


def _percent(value: object) -> Decimal:
    if isinstance(value, str) and _PERCENT.fullmatch(value):
        return Decimal(value)
    raise ValueError('write a percentage from 0 to 100 as text, such as "1.5"')


def _amount(value: object) -> Decimal:
    if isinstance(value, str) and _AMOUNT.fullmatch(value):
        return Decimal(value)
    raise ValueError('write an amount of 0 or more as text, such as "250"')


def _scale(value: object) -> Decimal:
    scale = _amount(value)
    if not Decimal("0.01") <= scale <= 10:
        raise ValueError('write a factor from 0.01 to 10 as text, such as "1"')
    return scale


Weight = Annotated[Decimal, BeforeValidator(_weight)]
Percentage = Annotated[Decimal, BeforeValidator(_percent)]
Amount = Annotated[Decimal, BeforeValidator(_amount)]
Scale = Annotated[Decimal, BeforeValidator(_scale)]


class PriceSource(StrEnum):
    """Where a rebalance's prices come from."""

    SNAPSHOT = "snapshot"
    DELAYED = "delayed"
    GIVEN = "given"


class TargetBody(ClientBody):
    """A contract and the part of the account it is to be."""

    contract: ContractBody
    weight: Weight
    """Text from "0" to "1"."""


class PriceBody(ClientBody):
    """A contract and its price."""

    contract: ContractBody
    price: Price
    """Text, in the contract's currency."""


class ReplacementBody(ClientBody):
    """Instead of `contract`, `instead` is bought, for `scale` times the money. Nothing of `contract` is sold for it."""

    contract: ContractBody
    instead: ContractBody
    scale: Scale = Decimal(1)
    """Text from "0.01" to "10"."""


class RebalanceBody(ClientBody):
    """`POST /v1/rebalances`."""

    account: str = Field(default="", pattern=r"^([A-Z]{1,3}[0-9]{3,12})?$")
    """Account to trade; may be left out where there is exactly one."""
    targets: Annotated[tuple[TargetBody, ...], Field(max_length=MOST_TARGETS)]
    """What the account is to be; the weights are at most 1 in all. Empty: everything is sold."""
    cash_reserve_percent: Percentage | None = None
    """Part of the account's value that stays cash; default: spec.executor.cashReservePercent, else 0."""
    min_trade_value: Amount = Decimal(0)
    """Smaller trades are left out."""
    drift_tolerance_percent: Percentage = Decimal(0)
    """A contract whose weight is off by no more, in percent of the account, is left alone."""
    untargeted: Literal["sell", "keep"] = "sell"
    """What becomes of positions without a target."""
    locked: Annotated[tuple[ContractBody, ...], Field(max_length=MOST_TARGETS)] = ()
    """Stay as they are, and count."""
    excluded: Annotated[tuple[ContractBody, ...], Field(max_length=MOST_TARGETS)] = ()
    """Are not there: neither traded nor counted."""
    replacements: Annotated[tuple[ReplacementBody, ...], Field(max_length=MOST_TARGETS)] = ()
    """What is bought instead of what the account may not hold; for buys only."""
    prices: PriceSource = PriceSource.SNAPSHOT
    """snapshot: of now. delayed: late ones will do where there is no subscription. given: of `givenPrices` alone."""
    given_prices: Annotated[tuple[PriceBody, ...], Field(max_length=2 * MOST_TARGETS)] = ()
    """For `prices: given`."""
    unsettled: Literal["wait", "skip"] = "wait"
    """In a cash account: whether buys wait until what the sells brought is settled, or are made of what is settled."""
    phase_seconds: int = Field(default=300, ge=10, le=3600)
    """How long the sells, and then the buys, may take until what is left of them is cancelled. It begins only while all sessions last twice as long yet."""
    valid_until: Moment | None = None
    """Last moment at which it may begin; default: 24 h, of which Saturday and Sunday do not count."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        total = sum((target.weight for target in self.targets), Decimal(0))
        if total > 1:
            raise ValueError(f"the targets' weights are {total} in all: at most 1")
        if self.given_prices and self.prices is not PriceSource.GIVEN:
            raise ValueError("givenPrices are used with prices: given alone")
        return self

    @property
    def time_needed(self) -> timedelta:
        """So long the markets have to be open yet when it begins: for the sells, and then for the buys."""
        return timedelta(seconds=2 * self.phase_seconds)

    def fingerprint(self) -> str:
        """The same for requests that mean the same."""
        said = self.model_dump(by_alias=True, exclude_defaults=True)
        document = json.dumps(said, sort_keys=True, default=canonical)
        return f"1:{hashlib.sha256(document.encode()).hexdigest()}"


def contract_named(body: ContractBody) -> Contract:
    """The contract that a request means, with its number or not; beside a number nothing else is asked for."""
    if body.con_id:
        return Contract(con_id=body.con_id, sec_type="", exchange=body.exchange, currency="")
    return Contract(
        symbol=body.symbol,
        sec_type=body.sec_type,
        exchange=body.exchange,
        currency=body.currency,
        primary_exchange=body.primary_exchange,
    )


def rebalance_document(run: RebalanceRun) -> dict[str, Any]:
    """A rebalance as `GET /v1/rebalances/{id}` shows it."""
    return {
        "id": run.id,
        "state": run.state.value,
        "reason": run.reason,
        "message": run.message,
        "until": run.until.isoformat() if run.until else None,
        "account": run.account,
        "acceptedAt": run.accepted_at.isoformat(),
        "validUntil": run.valid_until.isoformat(),
        "beganAt": run.began_at.isoformat() if run.began_at else None,
        "sessionEnd": run.session_end.isoformat() if run.session_end else None,
        "cancelRequested": run.cancel_requested,
        "plan": None if run.plan is None else plan_document(run.plan),
        "buys": None if run.buys is None else [_trade(buy) for buy in run.buys],
        "report": None if run.report is None else report_document(run.report),
        "updatedAt": run.updated_at.isoformat() if run.updated_at else None,
        "stateSince": run.state_since.isoformat() if run.state_since else None,
        "request": json.loads(run.request),
    }


def plan_document(plan: RebalancePlan) -> dict[str, Any]:
    """A plan, as a dry run answers it."""
    return {
        "accountValue": money(plan.value),
        "cashReserve": money(plan.reserve),
        "cashAfter": money(plan.cash_after),
        "driftBefore": weight_text(plan.drift_before),
        "driftAfter": weight_text(plan.drift_after),
        "orders": [_trade(trade) for trade in plan.trades],
        "weights": [
            _weight_document(weight) | {"price": _price_text(plan.prices.get(weight.con_id))}
            for weight in plan.weights
        ],
        "leftOut": [_omission(left) for left in plan.omissions],
    }


def report_document(report: RebalanceReport) -> dict[str, Any]:
    """What became of a rebalance."""
    return {
        "orders": [_outcome(outcome) for outcome in report.outcomes],
        "weights": [_weight_document(weight) for weight in report.weights],
        "driftBefore": weight_text(report.drift_before),
        "driftAfter": weight_text(report.drift_after),
        "accountValue": money(report.value_after),
        "cash": money(report.cash_after),
        "slippage": money(report.slippage),
        "commission": None if report.commission is None else money(report.commission),
    }


def _trade(trade: PlannedTrade) -> dict[str, Any]:
    return {
        "conId": trade.con_id,
        "symbol": trade.symbol,
        "side": trade.side.value,
        "quantity": trade.quantity,
        "decisionPrice": format(trade.price, "f"),
        "value": money(trade.value),
    }


def _outcome(made: TradeOutcome) -> dict[str, Any]:
    return _trade(made.trade) | {
        "orderId": made.order_id or None,
        "state": made.state,
        "message": made.message,
        "filledQuantity": format(made.filled, "f"),
        "averagePrice": None if made.average_price is None else format(made.average_price, "f"),
        "slippage": None if made.slippage is None else money(made.slippage),
        "commission": None if made.commission is None else money(made.commission),
    }


def _weight_document(weight: PlannedWeight) -> dict[str, Any]:
    return {
        "conId": weight.con_id,
        "symbol": weight.symbol,
        "target": weight_text(weight.target),
        "before": weight_text(weight.before),
        "after": weight_text(weight.after),
    }


def _price_text(price: Decimal | None) -> str | None:
    return None if price is None else format(price, "f")


def _omission(left: Omission) -> dict[str, Any]:
    return {
        "conId": left.con_id,
        "symbol": left.symbol,
        "reason": left.reason.value,
        "message": left.message,
    }


def money(amount: Decimal) -> str:
    """To the ten-thousandth."""
    return format(amount.quantize(Decimal("0.0001")), "f")


def weight_text(weight: Decimal) -> str:
    """To the millionth."""
    return format(weight.quantize(Decimal("0.000001")), "f")
