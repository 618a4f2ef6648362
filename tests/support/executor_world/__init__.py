"""A world around a real executor process: the simulator's IBKR, a login, a sentinel, an HTTP client."""

from executor_world.client import Client, until
from executor_world.gateway import Gateway
from executor_world.process import CLIENT_TOKEN, ExecutorProcess, free_port
from executor_world.sentinel import AGENT_TOKEN, Sentinel
from executor_world.world import World, world

__all__ = [
    "AGENT_TOKEN",
    "CLIENT_TOKEN",
    "Client",
    "ExecutorProcess",
    "Gateway",
    "Sentinel",
    "World",
    "free_port",
    "until",
    "world",
]
