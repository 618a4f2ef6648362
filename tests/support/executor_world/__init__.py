"""A world around a real executor process: the simulator's IBKR, a login, a sentinel, an HTTP client."""

from executor_world.client import JsonClient, until
from executor_world.gateway import WindowlessGateway
from executor_world.losses import InjectedLosses, injected_losses
from executor_world.process import CLIENT_TOKEN, ExecutorProcess
from executor_world.sentinel import AGENT_TOKEN, SentinelStub
from executor_world.world import ExecutorWorld, open_world, world

__all__ = [
    "AGENT_TOKEN",
    "CLIENT_TOKEN",
    "ExecutorProcess",
    "ExecutorWorld",
    "InjectedLosses",
    "JsonClient",
    "SentinelStub",
    "WindowlessGateway",
    "injected_losses",
    "open_world",
    "until",
    "world",
]
