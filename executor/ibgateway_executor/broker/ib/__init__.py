"""The only package that imports the IB library (ib_async or ib_insync): its camelCase, floats and unset markers stop here."""

from ibgateway_executor.broker.ib.address import GatewayAddress, RequestLimits
from ibgateway_executor.broker.ib.connection import IbBroker, connect
from ibgateway_executor.broker.ib.library import client_log, library_name

__all__ = ["GatewayAddress", "IbBroker", "RequestLimits", "client_log", "connect", "library_name"]
