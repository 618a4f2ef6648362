"""Stories of logins on a real cluster: each module has a stage of its own, so that they run beside each other."""

from ibgateway_stage.fixtures import ibkr, long_ago, provided, stage

__all__ = ["ibkr", "long_ago", "provided", "stage"]
