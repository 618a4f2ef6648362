"""Stand-ins for the unit tests of the plugin: a kubectl over objects in memory, a terminal that records, an executor."""

from plugin_fakes.executor import FakeExecutor
from plugin_fakes.golden import golden
from plugin_fakes.kubectl import FakeKubectl
from plugin_fakes.objects import gateway_object, secret_object
from plugin_fakes.person import Invoked, PluginWorld

__all__ = [
    "FakeExecutor",
    "FakeKubectl",
    "Invoked",
    "PluginWorld",
    "gateway_object",
    "golden",
    "secret_object",
]
