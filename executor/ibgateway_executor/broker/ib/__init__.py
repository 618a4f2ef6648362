"""The only package that imports ib_async: its camelCase, floats and unset markers stop here."""

from ibgateway_executor.broker.ib.connection import GatewayAddress, IbBroker, RequestLimits, connect

__all__ = ["GatewayAddress", "IbBroker", "RequestLimits", "connect"]
