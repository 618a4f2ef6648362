"""The commands that talk to a gateway's executor, for the plugin's program."""

from ibgateway_cli.app import PluginApp
from ibgateway_cli.executor import (
    ending_commands,
    order_commands,
    pause_command,
    reading_commands,
    rebalance_commands,
)

app = PluginApp()
for command in (
    pause_command.pause,
    reading_commands.orders,
    reading_commands.queue,
    reading_commands.history,
    order_commands.order,
    ending_commands.cancel,
    ending_commands.resolve,
    rebalance_commands.rebalance,
    rebalance_commands.rebalances,
    reading_commands.positions,
    reading_commands.account,
    reading_commands.executions,
):
    app.command()(command)
