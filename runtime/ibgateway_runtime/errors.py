"""The errors of the shared effects.

IbgatewayError
├── SettingsError              the environment or a file does not describe a program: say what to do
└── EndpointUnavailableError   a program of a gateway did not answer, or not as agreed
    └── EndpointRefusedError   it says that this can't be now: the text is its own
"""


class IbgatewayError(Exception):
    """The root of what the shared effects raise."""


class SettingsError(IbgatewayError):
    """A program can't run like this; the message names the variable or file and what to do."""


class EndpointUnavailableError(IbgatewayError):
    """A program of a gateway did not answer, or not as agreed; `body` and `status` are what it said where it answered."""

    def __init__(self, message: str, body: bytes = b"", status: int = 0) -> None:
        super().__init__(message)
        self.body = body
        self.status = status


class EndpointRefusedError(EndpointUnavailableError):
    """A program answered that this can't be now (409); the message is its own, for people."""
