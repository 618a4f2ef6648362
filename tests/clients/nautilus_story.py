"""The story with IBKR's own client of today: `python nautilus_story.py HOST PORT CONTROL_URL`.

nautilus_ibapi 10.46.1 is IBKR's API 10.46 as it is, under another name on PyPI; it asks for server versions up to 225 and so is
spoken to in protobuf. What it is told differs from ibapi_story.py in three names only.
"""

import sys

import ibapi_story
from ibapi.order_cancel import OrderCancel


class CurrentClient(ibapi_story.Client):
    """Collects what the server says; `until` waits for it."""

    def commissionAndFeesReport(self, commissionAndFeesReport):
        report = commissionAndFeesReport
        self.commissions[report.execId] = report.commissionAndFees
        self.tell()

    def error(self, reqId, errorTime, errorCode, errorString, advancedOrderRejectJson=""):
        super().error(reqId, errorCode, errorString)

    def cancelOrder(self, orderId):
        super().cancelOrder(orderId, OrderCancel())


if __name__ == "__main__":
    ibapi_story.main(*sys.argv[1:], client=CurrentClient())
