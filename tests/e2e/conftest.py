"""The story on a real cluster: each module has a stage of its own."""

from ibgateway_stage.fixtures import ibkr, long_ago, provided, stage

__all__ = ["ibkr", "long_ago", "provided", "stage"]
