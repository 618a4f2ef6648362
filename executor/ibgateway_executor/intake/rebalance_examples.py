"""Examples of the documents of rebalances, for the OpenAPI page. Pure."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from ibgateway_executor.intake.rebalance_schema import plan_document, rebalance_document
from ibgateway_executor.orders.order import Contract
from ibgateway_executor.rebalance.arithmetic import plan
from ibgateway_executor.rebalance.plan import AccountFunds, RebalanceRules, TargetLine
from ibgateway_executor.rebalance.progress import RebalanceRun, RebalanceState

_PLAN: Final = plan(
    AccountFunds(Decimal(142_000), Decimal(100_000)),
    [
        TargetLine(272093, "MSFT", Decimal(420), held=Decimal(100)),
        TargetLine(265598, "AAPL", Decimal(190), weight=Decimal("0.6")),
        TargetLine(43645828, "BND", Decimal(73), weight=Decimal("0.3")),
    ],
    RebalanceRules(reserve_percent=Decimal(1)),
)
REBALANCE_BODIES: Final[dict[str, Any]] = {
    "two targets and a reserve": {
        "targets": [
            {"contract": {"symbol": "AAPL"}, "weight": "0.6"},
            {"contract": {"symbol": "BND"}, "weight": "0.3"},
        ],
        "cashReservePercent": "1",
        "minTradeValue": "250",
        "driftTolerancePercent": "0.5",
    },
    "everything that a request may say": {
        "account": "DU1234567",
        "targets": [{"contract": {"conId": 756733}, "weight": "0.5"}],
        "untargeted": "keep",
        "locked": [{"symbol": "GLD"}],
        "excluded": [{"symbol": "TSLA"}],
        "replacements": [
            {"contract": {"conId": 756733}, "instead": {"symbol": "VOO"}, "scale": "1"}
        ],
        "prices": "given",
        "givenPrices": [
            {"contract": {"conId": 756733}, "price": "580"},
            {"contract": {"symbol": "VOO"}, "price": "530"},
        ],
        "unsettled": "skip",
        "phaseSeconds": 120,
        "validUntil": "2026-11-23T16:00:00-05:00",
    },
}
PREVIEW: Final = {
    "dryRun": True,
    "account": "DU1234567",
    "currency": "USD",
    "settlement": "margin",
    "marketsOpen": True,
    "marketsOpenAt": None,
    "closed": [],
    "closing": [],
    "hoursUnknown": [],
    "objections": [],
    "prices": "snapshot",
    **plan_document(_PLAN),
}
REBALANCE: Final = rebalance_document(
    RebalanceRun(
        id="9f1c2ab34de56f7081920a3b",
        sequence=1,
        account="DU1234567",
        request='{"targets":[{"contract":{"symbol":"AAPL"},"weight":"0.6"}]}',
        accepted_at=datetime(2026, 11, 23, 14, 31, 7, tzinfo=UTC),
        valid_until=datetime(2026, 11, 24, 14, 31, 7, tzinfo=UTC),
        state=RebalanceState.SELLING,
        began_at=datetime(2026, 11, 23, 14, 31, 9, tzinfo=UTC),
        session_end=datetime(2026, 11, 23, 21, 0, tzinfo=UTC),
        plan=_PLAN,
        contracts={272093: Contract(272093, "MSFT")},
        updated_at=datetime(2026, 11, 23, 14, 31, 9, tzinfo=UTC),
    )
)
TARGETS: Final = {
    "url": "https://desk.example.com/targets",
    "account": "DU1234567",
    "next": "2026-11-24T10:00:00-05:00",
    "rebalance": "9f1c2ab34de56f7081920a3b",
    "problem": None,
    "lastGood": {
        "source": "https://desk.example.com/targets",
        "fetchedAt": "2026-11-23T15:00:01+00:00",
        "ageSeconds": 5400,
        "body": REBALANCE_BODIES["two targets and a reserve"],
    },
}
HISTORY: Final[dict[str, Any]] = {
    "history": [
        {
            "number": 4,
            "at": "2026-11-23T14:32:10+00:00",
            "from": "Buying",
            "to": "Completed",
            "reason": "",
            "message": "",
            "cause": "executor",
            "evidence": {"driftAfter": "0.004000"},
        }
    ],
    "next": None,
}
