"""Which spec is served: the stored one, or, while that is refused, the last accepted one. Pure.

A typo must not cost the week's restart, a person's request or a suspend. What the refused spec says
to do less is done all the same, as far as it can be read: nobody writes `suspend: true` by mistake.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from ibgateway_api.executor_spec import ExecutorSpec
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_api.week import Calendar
from ibgateway_operator.decide.spec_checks import spec_refusal
from ibgateway_operator.model.snapshot import IBGateway, Snapshot, SpecCheck

L = TypeVar("L", str, int)
"""A limit as the spec has it: money is a string."""


def served(
    gateway: IBGateway, now: datetime, calendar: Calendar, before: SpecCheck | None = None
) -> IBGateway:
    """The IBGateway as it is served. Without an accepted spec a refused one stays, and nothing is done.

    `calendar` has IBKR's times. `before` is what was found earlier: a spec is checked once a generation.
    """
    if gateway.checked:
        return gateway
    known = before is not None and before.generation == gateway.generation
    refusal = before.refusal if before and known else spec_refusal(gateway, now, calendar)
    checked = replace(gateway, checked=True, refusal=refusal)
    if refusal is None or gateway.accepted is None:
        return checked
    spec = narrowed(gateway.accepted, gateway.spec, gateway.raw)
    return replace(checked, spec=spec, suspend=spec.suspend)


def serving(snapshot: Snapshot) -> Snapshot:
    """The snapshot of the IBGateway as it is served."""
    return replace(snapshot, gateway=served(snapshot.gateway, snapshot.now, Calendar()))


def narrowed(
    accepted: IBGatewaySpec, refused: IBGatewaySpec | None, raw: Mapping[str, Any]
) -> IBGatewaySpec:
    """The accepted spec, and what the refused one allows less of; `refused` is None where it is unreadable."""
    gateway = raw.get("gateway")
    read_only = isinstance(gateway, Mapping) and gateway.get("readOnlyApi") is True
    executor = accepted.executor
    return accepted.model_copy(
        update={
            "suspend": accepted.suspend or raw.get("suspend") is True,
            "gateway": accepted.gateway.model_copy(
                update={"read_only_api": accepted.gateway.read_only_api or read_only}
            ),
            "executor": executor if refused is None else _executor(executor, refused.executor),
        }
    )


def _executor(accepted: ExecutorSpec, refused: ExecutorSpec) -> ExecutorSpec:
    """The smaller of each limit, and the accounts and symbols that both name."""
    mine, theirs = accepted.limits, refused.limits
    limits = mine.model_copy(
        update={
            "max_order_value": _least(mine.max_order_value, theirs.max_order_value, Decimal),
            "max_orders_per_day": _least(mine.max_orders_per_day, theirs.max_orders_per_day, int),
            "allowed_symbols": _both(mine.allowed_symbols, theirs.allowed_symbols),
            "price_collar_percent": _least(
                mine.price_collar_percent, theirs.price_collar_percent, Decimal
            ),
            "short_selling": mine.short_selling and theirs.short_selling,
        }
    )
    return accepted.model_copy(
        update={"limits": limits, "accounts": _both(accepted.accounts, refused.accounts)}
    )


def _both(mine: list[str], theirs: list[str]) -> list[str]:
    """What both name. One that names nothing allows what the other does; where they agree on nothing, ours stands."""
    return [one for one in mine if one in theirs] or mine or theirs


def _least(one: L | None, other: L | None, number: Callable[[L], int | Decimal]) -> L | None:
    """The smaller limit; None is no limit."""
    return min((limit for limit in (one, other) if limit is not None), key=number, default=None)
