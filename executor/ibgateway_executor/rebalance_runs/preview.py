"""What a rebalance would do now: nothing is stored or sent."""

import asyncio
from decimal import Decimal
from functools import partial
from typing import Any

from ibgateway_executor.broker.contracts import Contracts
from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.errors import BrokerError, OrderRefusedError
from ibgateway_executor.intake.rebalance_schema import RebalanceBody, plan_document
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.rebalance.arithmetic import plan
from ibgateway_executor.rebalance_runs.account import account
from ibgateway_executor.rebalance_runs.contracts import hours
from ibgateway_executor.rebalance_runs.objections import RebalanceObjections
from ibgateway_runtime.clock import Clock


async def preview(
    broker: Broker | None,
    body: RebalanceBody,
    *,
    account_id: str,
    reserve_percent: Decimal,
    ledger: Ledger,
    contracts: Contracts,
    objections: RebalanceObjections,
    clock: Clock,
) -> dict[str, Any]:
    """The plan of this moment, when it could run, and what forbids it. Our own open orders count as cancelled: a run does that first.

    OrderRefusedError where the broker can't be asked (503) or the request does not fit.
    """
    if broker is None:
        raise OrderRefusedError(
            503,
            "BrokerUnavailable",
            "there is no connection to the gateway: try again when it is logged in",
        )
    try:
        seen = await account(
            broker,
            partial(contracts.candidates, broker),
            body,
            account_id=account_id,
            reserve_percent=reserve_percent,
            orders=(),
        )
        made = await asyncio.to_thread(plan, seen.funds, seen.lines, seen.rules)
        forbidden = await objections.of(
            *(broker, made.trades, seen.contracts),
            account=account_id,
            now=clock.now(),
            cancelled={o.order_ref for o in ledger.active if o.terms.account == account_id},
        )
    except BrokerError as error:
        raise OrderRefusedError(
            503, "BrokerUnavailable", f"the broker can't be asked: {error}"
        ) from error
    traded = {trade.con_id for trade in made.trades}
    wanted = (c for n, c in seen.candidates.items() if n in traded)
    markets = hours(wanted, clock.now(), lasting=body.time_needed)
    return {
        "dryRun": True,
        "account": account_id,
        "currency": seen.report.currency,
        "settlement": seen.report.settlement.value,
        "marketsOpen": markets.all_open,
        "marketsOpenAt": markets.opens.isoformat() if markets.opens else None,
        "closed": list(markets.closed),
        "closing": list(markets.closing),
        "hoursUnknown": list(markets.unknown),
        "objections": [{"reason": str(o.reason), "message": o.message} for o in forbidden],
        "prices": body.prices.value,
        **plan_document(made),
    }
