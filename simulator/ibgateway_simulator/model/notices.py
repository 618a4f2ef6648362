"""System messages about the link and the data farms, by code; the texts are IBKR's where they are known."""

from collections.abc import Mapping
from typing import Final

FARMS: Final = (2104, 2106, 2158)
"""What each client is told when it starts."""
LINK_DOWN: Final = 2110

NOTICES: Final[Mapping[int, str]] = {
    1100: "Connectivity between IBKR and Trader Workstation has been lost.",
    1101: "Connectivity between IBKR and Trader Workstation has been restored - data lost.",
    1102: "Connectivity between IBKR and Trader Workstation has been restored - data maintained. "
    "All data farms are connected: usfarm; ushmds; secdefil.",
    1300: "TWS socket port has been reset and this connection is being dropped.",
    2103: "Market data farm connection is broken:usfarm",
    2104: "Market data farm connection is OK:usfarm",
    2105: "HMDS data farm connection is broken:ushmds",
    2106: "HMDS data farm connection is OK:ushmds",
    2107: "HMDS data farm connection is inactive but should be available upon demand.ushmds",
    2108: "Market data farm connection is inactive but should be available upon demand.usfarm",
    2109: "Order Event Warning: Attribute 'Outside Regular Trading Hours' is ignored based on the"
    " order type and destination.",
    2110: "Connectivity between Trader Workstation and server is broken.",
    2119: "Market data farm is connecting:usfarm",
    2157: "Sec-def data farm connection is broken:secdefil",
    2158: "Sec-def data farm connection is OK:secdefil",
    2159: "Sec-def data farm connection is inactive but should be available upon demand.secdefil",
}


def text_of(code: int) -> str:
    """The message of a code; a plain word for one that is not listed."""
    return NOTICES.get(code, "Notice.")
