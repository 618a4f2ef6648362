"""May the gateway be started? Pure.

What is found here starts no gateway, no executor and no console, and makes no claim: what runs goes on.
"""

from collections.abc import Callable
from typing import Final

from ibgateway_api.accounts import TradingMode
from ibgateway_api.reasons import ConditionReason
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_operator.model.snapshot import Finding, Snapshot

StartCheck = Callable[[IBGatewaySpec, Snapshot], Finding | None]


def blocker(spec: IBGatewaySpec, snapshot: Snapshot) -> Finding | None:
    """The first reason for which the gateway is not started; None where it may be."""
    return next((finding for check in START_CHECKS if (finding := check(spec, snapshot))), None)


def _credentials(spec: IBGatewaySpec, snapshot: Snapshot) -> Finding | None:
    """User name and password must be there before a gateway starts."""
    if snapshot.credentials is None:
        return Finding(
            ConditionReason.CREDENTIALS_UNKNOWN, "the credentials Secret has not been looked at yet"
        )
    missing = snapshot.credentials.missing()
    if not missing:
        return None
    return Finding(
        ConditionReason.CREDENTIALS_MISSING,
        f"{missing}: create it with the keys IB_USERNAME and IB_PASSWORD",
    )


def _unusable(spec: IBGatewaySpec, snapshot: Snapshot) -> Finding | None:
    """A value that can't be typed would be refused by IBKR, and each refusal counts towards a lock-out."""
    found = snapshot.credentials
    if found is None or not found.unusable:
        return None
    return Finding(
        ConditionReason.CREDENTIALS_UNUSABLE,
        f"in Secret {found.secret} {found.unusable}, which no login window takes: write the value anew,"
        " e.g. with kubectl create secret generic --from-env-file",
    )


def _duplicate(spec: IBGatewaySpec, snapshot: Snapshot) -> Finding | None:
    """One user name has one session at IBKR: two gateways would throw each other out."""
    if snapshot.duplicate is None:
        return None
    return Finding(
        ConditionReason.DUPLICATE_USER_NAME,
        f"IBGateway {snapshot.duplicate} is older or runs already, and uses the same user name: IBKR"
        " allows one session a user name, so give this one a user name of its own, or suspend the other",
    )


def _live_vnc(spec: IBGatewaySpec, snapshot: Snapshot) -> Finding | None:
    """In live mode the console's password is the user's own."""
    found = snapshot.credentials
    if spec.trading_mode is not TradingMode.LIVE or found is None:
        return None
    if not found.has_vnc:
        return Finding(
            ConditionReason.VNC_PASSWORD_MISSING,
            f"live mode needs a VNC password: add the key VNC_PASSWORD to Secret {found.secret}",
        )
    if found.default_vnc:
        return Finding(
            ConditionReason.DEFAULT_VNC_PASSWORD,
            f"VNC_PASSWORD in Secret {found.secret} is the documented default: live mode needs"
            " another one",
        )
    if found.guessable_vnc:
        return Finding(
            ConditionReason.GUESSABLE_VNC_PASSWORD,
            f"VNC_PASSWORD in Secret {found.secret} {found.guessable_vnc}: whoever opens the window can"
            " trade, so live mode needs another one, e.g. eight characters of openssl rand -base64 6",
        )
    return None


START_CHECKS: Final[tuple[StartCheck, ...]] = (_credentials, _unusable, _duplicate, _live_vnc)
