"""A world around a real executor process: the simulator's IBKR, a login, a sentinel, an HTTP client."""

from executor_world.client import Client
from executor_world.gateway import Gateway
from executor_world.process import ExecutorProcess
from executor_world.sentinel import Sentinel
from executor_world.world import World, world

__all__ = ["Client", "ExecutorProcess", "Gateway", "Sentinel", "World", "world"]
