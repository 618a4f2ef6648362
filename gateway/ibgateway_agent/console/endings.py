"""How a session can end: the WebSocket close code, the text a person reads, the label a metric has.

A browser shows a page nothing of a refused upgrade, so what a person must read travels in the close
frame (codes 4000-4999 are for applications, RFC 6455 section 7.4.2). The page decides by the code
whether to try again, to ask again, or to stop. Texts stay under the frame's 123 bytes.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """A close code, its text for a person (at most 123 bytes) and its label for metrics and logs."""

    code: int
    text: str
    label: str


VIEWER_LEFT: Final = SessionEnd(1000, "Disconnected.", "viewer-left")
STOPPING: Final = SessionEnd(1001, "The console is restarting, trying again.", "stopping")
NOT_BINARY: Final = SessionEnd(1003, "Only binary messages are understood here.", "not-binary")
TOKEN_REFUSED: Final = SessionEnd(4401, "The access token was refused.", "token-refused")
PASSWORD_REFUSED: Final = SessionEnd(4403, "The VNC password was refused.", "password-refused")
IDLE: Final = SessionEnd(
    4407, "Nobody has used this screen for half an hour: show the password again.", "idle"
)
NO_PASSWORD: Final = SessionEnd(4408, "No password came in time.", "no-password")
DOCUMENTED_PASSWORD: Final = SessionEnd(
    4405,
    "No buttons: the VNC password is the documented one. Set your own VNC_PASSWORD.",
    "documented-password",
)
TOO_MANY_FAILURES: Final = SessionEnd(
    4429, "Too many wrong attempts. Wait a minute, then try again.", "too-many-failures"
)
TOO_MANY_VIEWERS: Final = SessionEnd(
    4430, "Too many viewers are connected already.", "too-many-viewers"
)
BAD_VIEWER: Final = SessionEnd(
    4400, "This viewer asks for something not allowed here.", "bad-viewer"
)
BAD_DISPLAY: Final = SessionEnd(
    4502, "The gateway's display gave an answer that makes no sense, trying again.", "bad-display"
)
DISPLAY_DOWN: Final = SessionEnd(
    4503, "No screen: the gateway's display is not up, trying again.", "display-down"
)
DISPLAY_LOST: Final = SessionEnd(
    4504, "No screen: the gateway's display has gone, trying again.", "display-lost"
)
DISPLAY_SILENT: Final = SessionEnd(
    4505, "The gateway's display does not answer, trying again.", "display-silent"
)
