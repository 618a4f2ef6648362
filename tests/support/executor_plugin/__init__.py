"""Executors for the plugin's unit tests: one with the real routes, in process, and one that answers what a test says."""

from executor_plugin.intake import IntakeExecutor
from executor_plugin.scripted import ScriptedExecutor, problem, stream

__all__ = ["IntakeExecutor", "ScriptedExecutor", "problem", "stream"]
