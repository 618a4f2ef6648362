"""Answers about the market: contracts and prices."""

import asyncio

from ibgateway_simulator.ibkr.api_connection import AnswerTable, ApiClientConnection
from ibgateway_simulator.ibkr.ibkr import SimulatedIbkr
from ibgateway_simulator.model.trading import market
from ibgateway_simulator.model.trading.hours import TIME_ZONE_ID
from ibgateway_simulator.tws.requests import ApiRequest, ClientRequest

NO_CONTRACT = "No security definition has been found for the request"
NO_DATA = "Market data is not available: the connection to the server is broken"
"""Of this message only the code is known from a log."""
COMPETING = "No market data during competing live session"


class MarketAnswers:
    """Requests of one client about contracts and prices, and its price subscriptions."""

    def __init__(self, ibkr: SimulatedIbkr, connection: ApiClientConnection) -> None:
        self._ibkr = ibkr
        self._connection = connection
        self._subscribed: dict[int, market.ListedContract] = {}

    def table(self) -> AnswerTable:
        """What answers which request."""
        return {
            ApiRequest.REQ_CONTRACT_DETAILS: self._contract_details,
            ApiRequest.REQ_MKT_DATA: self._market_data,
            ApiRequest.CANCEL_MKT_DATA: self._cancel_market_data,
        }

    def changed(self) -> None:
        """Send the prices that the client has subscribed to."""
        for req_id, contract in self._subscribed.items():
            self._send_ticks(req_id, contract)

    def unreachable(self, request: ClientRequest) -> None:
        """What a Gateway says by itself that has started without IBKR's servers."""
        if request.kind == ApiRequest.REQ_CONTRACT_DETAILS:
            self._connection.error(request.req_id, 200, NO_CONTRACT)
        elif request.kind == ApiRequest.REQ_MKT_DATA:
            self._connection.error(request.req_id, 10159, NO_DATA)

    def _contract(self, request: ClientRequest) -> market.ListedContract | None:
        """The contract that both requests name; error 200 when nobody knows it.

        None also where it is asked for in vain.
        """
        known = request.contract_query().find()
        if known is None:
            self._connection.error(request.req_id, 200, NO_CONTRACT)
        elif known.symbol in self._ibkr.book.faults.mute_symbols:
            return None
        return known

    def _contract_details(self, request: ClientRequest) -> None:
        req_id, known = request.req_id, self._contract(request)
        if known is None:
            return
        hours, now = self._ibkr.book.hours, self._ibkr.now()
        zone = self._ibkr.book.faults.time_zone_id
        self._connection.send(
            self._connection.say.contract_details(
                known,
                req_id,
                hours=(hours.trading_text(now), hours.text(now)),
                zone=TIME_ZONE_ID if zone is None else zone,
            ),
            self._connection.say.contract_details_end(req_id),
        )

    def _market_data(self, request: ClientRequest) -> None:
        req_id, known = request.req_id, self._contract(request)
        if known is None:
            return
        if self._ibkr.book.faults.competing_data:
            self._connection.error(req_id, 10197, COMPETING)
            return
        self._connection.send(self._connection.say.market_data_type(req_id))
        self._send_ticks(req_id, known)
        if request.snapshot:
            self._end_snapshot_later(req_id)
        else:
            self._subscribed[req_id] = known

    def _end_snapshot_later(self, req_id: int) -> None:
        end = self._connection.say.tick_snapshot_end(req_id)
        seconds = self._ibkr.book.faults.snapshot_seconds
        if seconds:
            asyncio.get_running_loop().call_later(seconds, self._connection.send, end)
        else:
            self._connection.send(end)

    def _cancel_market_data(self, request: ClientRequest) -> None:
        self._subscribed.pop(request.req_id, None)

    def _send_ticks(self, req_id: int, contract: market.ListedContract) -> None:
        quote = market.quote(self._ibkr.book.prices[contract.con_id])
        told = [(1, quote.bid), (2, quote.ask)]
        if not self._ibkr.book.faults.no_last_price:
            told += [(4, quote.last), (9, quote.last)]
        for tick, price in told:
            self._connection.send(self._connection.say.tick_price(req_id, tick, price, 100))
        self._connection.send(self._connection.say.tick_size(req_id, 8, 1_000_000))
