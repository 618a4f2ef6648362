"""For how long silence tells nothing: an operator, or a gateway, that has only just begun. Pure."""

from typing import Final

from ibgateway_api.gate import NEWS_LIMIT_SECONDS
from ibgateway_api.names import Component
from ibgateway_operator.model.manifests import Manifest, is_terminating
from ibgateway_operator.model.memory import GatewayMemory
from ibgateway_operator.model.snapshot import pod_ip, pod_of

UNHEARD_SECONDS: Final = 60.0
"""For how long a restarted operator may take until it listens to a gateway; its executor judges for itself."""
FIRST_NEWS_SECONDS: Final = 15.0
"""How long a gate that an earlier operator keeps open waits for the first news once this one listens: with a thousand
connections to be made on a machine that has other things to do, five seconds closed gates for nothing. A silence
after news counts after five seconds as always, and the executor closes by itself after five seconds in any case."""
BEGINNING_SECONDS: Final = 5.0
"""For how long nothing is said of a gateway that has only just been made and of which there is no news yet."""


def is_heard(memory: GatewayMemory) -> bool:
    """Whether there ever was news."""
    return memory.listening is not None and memory.listening.age < float("inf")


def has_status(body: Manifest) -> bool:
    """Whether any operator has said anything of this IBGateway."""
    return bool((body.get("status") or {}).get("conditions"))


def settling(
    body: Manifest, memory: GatewayMemory, pods: tuple[Manifest, ...], now: float
) -> float:
    """Seconds until a running sentinel can have been heard: a restarted operator must not close a gate.

    Silence counts from when the listening began; where many gateways wait for that, within a limit.
    """
    if is_heard(memory) or not pod_ip(pod_of(pods, Component.GATEWAY)):
        return 0.0
    listening = memory.listening
    if listening is None or listening.listened is None:
        if not has_status(body):
            return 0.0  # no operator before this one has opened its gate
        limit = NEWS_LIMIT_SECONDS if is_terminating(body) else UNHEARD_SECONDS
        return max(memory.since + limit - now, 0.0)
    limit = FIRST_NEWS_SECONDS if has_status(body) else NEWS_LIMIT_SECONDS
    return max(limit - listening.listened, 0.0)


def beginning(body: Manifest, memory: GatewayMemory, limit: float, now: float) -> float:
    """Seconds for which a gateway that this operator has just made may come up before anything is said."""
    if has_status(body) or memory.begun is None:
        return 0.0
    return max(memory.begun + limit - now, 0.0)
