"""Executors for the plugin's tests: one with the real routes, in process, one that answers what a test says, and the way to a process."""

from executor_plugin.intake import IntakeExecutor
from executor_plugin.lossy import LossyWay
from executor_plugin.scripted import ScriptedExecutor, problem, stream
from executor_plugin.wired import WiredPlugin, wired

__all__ = [
    "IntakeExecutor",
    "LossyWay",
    "ScriptedExecutor",
    "WiredPlugin",
    "problem",
    "stream",
    "wired",
]
