"""The only package that imports ib_async: its camelCase, floats and unset markers stop here."""

from ibgateway_executor.broker.ib.connection import Address, IbBroker, Limits, connect

__all__ = ["Address", "IbBroker", "Limits", "connect"]
