"""Why a letter was not taken, in words of our own: what a receiver or apprise says may hold an address."""

from typing import Final

UNUSABLE: Final = "it is no address that apprise knows"
NOT_TAKEN: Final = "it was not reached, or did not take the message"
NO_ANSWER: Final = "it did not answer in time"
FAILED: Final = "sending it failed"
ENDED: Final = "the sending process has ended"
