"""Stand-ins for what the executor talks to, and small worlds around one part of it."""

from executor_fakes.broker import FakeBroker
from executor_fakes.clock import ManualClock
from executor_fakes.dispatch import DispatchWorld
from executor_fakes.gateway import ConnectionWorld
from executor_fakes.intake import ORDER, IntakeWorld
from executor_fakes.rebalance import RebalanceWorld
from executor_fakes.sentinel import FixedSentinel
from executor_fakes.store import HookedStore, accept, empty_ledger, observe, open_hooked
from executor_fakes.values import AAPL, NOON, SETTINGS, TERMS, entry, report
from executor_fakes.wakeup import CountingWakeup

__all__ = [
    "AAPL",
    "NOON",
    "ORDER",
    "SETTINGS",
    "TERMS",
    "ConnectionWorld",
    "CountingWakeup",
    "DispatchWorld",
    "FakeBroker",
    "FixedSentinel",
    "HookedStore",
    "IntakeWorld",
    "ManualClock",
    "RebalanceWorld",
    "accept",
    "empty_ledger",
    "entry",
    "observe",
    "open_hooked",
    "report",
]
