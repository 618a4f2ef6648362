"""How often an IBGateway's Secrets are looked at. Pure.

The operator may not watch Secrets: a right to watch is a right to read all of them. So it looks as often
as somebody waits for what it would see.
"""

import zlib
from typing import Final

from ibgateway_api.names import Component
from ibgateway_operator.model.snapshot import Snapshot

BLOCKED_SECONDS: Final = 10.0
"""Somebody who has just been told what is wrong with a Secret is about to correct it."""
WAITING_SECONDS: Final = 60.0
TRADING_SECONDS: Final = 3600.0
"""What a Secret says now matters to the next start only, and before one the login has ended."""


def seconds_between_looks(snapshot: Snapshot, *, blocked: bool) -> float:
    """Seconds from one look to the next. `blocked`: the gateway is not started because of a Secret."""
    if blocked:
        return BLOCKED_SECONDS
    if not snapshot.logged_in or _pending(snapshot):
        return WAITING_SECONDS
    return TRADING_SECONDS * _share(snapshot.gateway.uid)


def _share(uid: str) -> float:
    """From 0.9 to 1.1, for each gateway another: a thousand that began together don't ask together."""
    return 0.9 + zlib.crc32(uid.encode()) % 1000 / 5000


def _pending(snapshot: Snapshot) -> bool:
    """Whether a pod has not begun: it may miss a Secret of ours that somebody has deleted."""
    pods = (snapshot.pod(component) for component in Component)
    return any(pod and (pod.get("status") or {}).get("phase") == "Pending" for pod in pods)
