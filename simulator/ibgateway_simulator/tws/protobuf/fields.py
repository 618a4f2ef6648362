"""The fields of the protobuf messages that are spoken here, as the wire has them: types, names and numbers.

Messages carry IBKR's names, and only the fields that a simulated stock order needs; a client's other fields are
passed over. All are optional. Sizes and quantities are decimals in a string.
"""

from collections.abc import Mapping

PARTS: Mapping[str, str] = {
    "Contract": """
        int32 conId = 1; string symbol = 2; string secType = 3; string exchange = 8; string primaryExch = 9;
        string currency = 10; string localSymbol = 11; string tradingClass = 12;
    """,
    "ContractDetails": """
        string marketName = 1; string minTick = 2; string orderTypes = 3; string validExchanges = 4;
        int32 priceMagnifier = 5; string longName = 7; string industry = 9; string category = 10;
        string subcategory = 11; string timeZoneId = 12; string tradingHours = 13; string liquidHours = 14;
        int32 aggGroup = 18; string marketRuleIds = 21; string stockType = 23; string minSize = 24;
        string sizeIncrement = 25; string suggestedSizeIncrement = 26;
    """,
    "Order": """
        int32 clientId = 1; int32 orderId = 2; int64 permId = 3; string action = 5; string totalQuantity = 6;
        string orderType = 8; double lmtPrice = 9; double auxPrice = 10; string tif = 11; string account = 12;
        string clearingIntent = 15; bool outsideRth = 19; string orderRef = 28; int32 ocaType = 30;
        bool whatIf = 65; bool transmit = 66; string filledQuantity = 115;
    """,
    "OrderState": """
        string status = 1; double initMarginBefore = 2; double maintMarginBefore = 3;
        double equityWithLoanBefore = 4; double initMarginChange = 5; double maintMarginChange = 6;
        double equityWithLoanChange = 7; double initMarginAfter = 8; double maintMarginAfter = 9;
        double equityWithLoanAfter = 10; double commissionAndFees = 11; string commissionAndFeesCurrency = 14;
        string completedTime = 29; string completedStatus = 30;
    """,
    "Execution": """
        int32 orderId = 1; string execId = 2; string time = 3; string acctNumber = 4; string exchange = 5;
        string side = 6; string shares = 7; double price = 8; int64 permId = 9; int32 clientId = 10;
        string cumQty = 12; double avgPrice = 13; string orderRef = 14; int32 lastLiquidity = 18;
    """,
    "ExecutionFilter": """
        int32 clientId = 1; string acctCode = 2; string time = 3; string symbol = 4; string side = 7;
    """,
}
"""What is inside of messages."""

REQUESTS: Mapping[str, str] = {
    "StartApiRequest": "int32 clientId = 1;",
    "PlaceOrderRequest": "int32 orderId = 1; Contract contract = 2; Order order = 3;",
    "CancelOrderRequest": "int32 orderId = 1;",
    "GlobalCancelRequest": "",
    "OpenOrdersRequest": "",
    "AllOpenOrdersRequest": "",
    "AutoOpenOrdersRequest": "bool autoBind = 1;",
    "CompletedOrdersRequest": "bool apiOnly = 1;",
    "ExecutionRequest": "int32 reqId = 1; ExecutionFilter executionFilter = 2;",
    "IdsRequest": "int32 numIds = 1;",
    "ContractDataRequest": "int32 reqId = 1; Contract contract = 2;",
    "CancelContractData": "int32 reqId = 1;",
    "MarketDataRequest": "int32 reqId = 1; Contract contract = 2; string genericTickList = 3; bool snapshot = 4;",
    "CancelMarketData": "int32 reqId = 1;",
    "MarketDataTypeRequest": "int32 marketDataType = 1;",
    "AccountDataRequest": "bool subscribe = 1; string acctCode = 2;",
    "AccountUpdatesMultiRequest": "int32 reqId = 1; string account = 2; string modelCode = 3;",
    "CancelAccountUpdatesMulti": "int32 reqId = 1;",
    "AccountSummaryRequest": "int32 reqId = 1; string group = 2; string tags = 3;",
    "CancelAccountSummary": "int32 reqId = 1;",
    "PositionsRequest": "",
    "CancelPositions": "",
    "ManagedAccountsRequest": "",
    "SetServerLogLevelRequest": "int32 logLevel = 1;",
    "CurrentTimeRequest": "",
    "CurrentTimeInMillisRequest": "",
}
"""From a client."""

ANSWERS: Mapping[str, str] = {
    "ErrorMessage": """
        int32 id = 1; int64 errorTime = 2; int32 errorCode = 3; string errorMsg = 4;
    """,
    "ManagedAccounts": "string accountsList = 1;",
    "NextValidId": "int32 orderId = 1;",
    "CurrentTime": "int64 currentTime = 1;",
    "CurrentTimeInMillis": "int64 currentTimeInMillis = 1;",
    "OpenOrder": "int32 orderId = 1; Contract contract = 2; Order order = 3; OrderState orderState = 4;",
    "OpenOrdersEnd": "",
    "CompletedOrder": "Contract contract = 1; Order order = 2; OrderState orderState = 3;",
    "CompletedOrdersEnd": "",
    "OrderStatus": """
        int32 orderId = 1; string status = 2; string filled = 3; string remaining = 4; double avgFillPrice = 5;
        int64 permId = 6; int32 parentId = 7; double lastFillPrice = 8; int32 clientId = 9; string whyHeld = 10;
        double mktCapPrice = 11;
    """,
    "ExecutionDetails": "int32 reqId = 1; Contract contract = 2; Execution execution = 3;",
    "ExecutionDetailsEnd": "int32 reqId = 1;",
    "CommissionAndFeesReport": """
        string execId = 1; double commissionAndFees = 2; string currency = 3; double realizedPNL = 4;
        double bondYield = 5;
    """,
    "AccountValue": "string key = 1; string value = 2; string currency = 3; string accountName = 4;",
    "AccountUpdateTime": "string timeStamp = 1;",
    "AccountDataEnd": "string accountName = 1;",
    "PortfolioValue": """
        Contract contract = 1; string position = 2; double marketPrice = 3; double marketValue = 4;
        double averageCost = 5; double unrealizedPNL = 6; double realizedPNL = 7; string accountName = 8;
    """,
    "AccountUpdateMulti": """
        int32 reqId = 1; string account = 2; string key = 4; string value = 5; string currency = 6;
    """,
    "AccountUpdateMultiEnd": "int32 reqId = 1;",
    "AccountSummary": """
        int32 reqId = 1; string account = 2; string tag = 3; string value = 4; string currency = 5;
    """,
    "AccountSummaryEnd": "int32 reqId = 1;",
    "Position": "string account = 1; Contract contract = 2; string position = 3; double avgCost = 4;",
    "PositionEnd": "",
    "ContractData": "int32 reqId = 1; Contract contract = 2; ContractDetails contractDetails = 3;",
    "ContractDataEnd": "int32 reqId = 1;",
    "MarketDataType": "int32 reqId = 1; int32 marketDataType = 2;",
    "TickPrice": "int32 reqId = 1; int32 tickType = 2; double price = 3; string size = 4; int32 attrMask = 5;",
    "TickSize": "int32 reqId = 1; int32 tickType = 2; string size = 3;",
    "TickSnapshotEnd": "int32 reqId = 1;",
}
"""From the server."""
