"""The only package that imports ib_async: its camelCase, floats and unset markers stop here."""

from ibgateway_executor.broker.ib.address import GatewayAddress, RequestLimits
from ibgateway_executor.broker.ib.connection import IbBroker, connect

__all__ = ["GatewayAddress", "IbBroker", "RequestLimits", "connect"]
