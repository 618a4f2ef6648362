"""Values that many tests start from."""

from datetime import UTC, datetime, timedelta

from ibgateway_api.login import LoginState
from ibgateway_api.reports import SentinelReport
from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor.ledger.store import Entry
from ibgateway_executor.orders.order import Contract, Order, OrderTerms, OrderType, Side

NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
"""Noon in New York on a Monday."""
AAPL = Contract(265598, "AAPL", primary_exchange="NASDAQ")
TERMS = OrderTerms("DU1234567", AAPL, Side.BUY, 10, OrderType.MARKET)
SETTINGS = ExecutorSettings(
    namespace="trading", gateway="paper", api_host="h", api_port=4004, sentinel_url="http://s"
)


def entry(
    name: str, terms: OrderTerms = TERMS, *, at: datetime = NOON, valid_by_default: bool = False
) -> Entry:
    """A new order whose id and key are `name`, valid for a day."""
    order = Order(
        name,
        0,
        terms,
        accepted_at=at,
        valid_until=at + timedelta(hours=24),
        valid_by_default=valid_by_default,
    )
    return Entry(name, "h", order, None, NOON, None)


def report(state: LoginState = LoginState.LOGGED_IN) -> SentinelReport:
    """A sentinel's report of a login of this week."""
    return SentinelReport(
        boot="b",
        sequence=1,
        at=NOON,
        state=state,
        since=NOON,
        accounts=("DU1234567",),
        full_auth_time=NOON - timedelta(days=1),
    )
