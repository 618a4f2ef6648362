"""The operator's exceptions.

OperatorError
├── ApiError                 the API server answered with an error
│   ├── NotFoundError        404
│   ├── ConflictError        409: it exists already, or a UID precondition failed
│   └── InvalidError         422 or 400: the object is wrong; trying again does not help
├── ApiUnavailableError      the API server could not be reached, or is overloaded
├── LeadershipError          the operator does not hold the Lease and writes nothing
└── UnbuildableSpecError     no manifests can be made of a spec

A sentinel, executor or console that does not answer is the runtime's EndpointUnavailableError.
"""


class OperatorError(Exception):
    """The root of everything the operator raises."""


class ApiError(OperatorError):
    """The API server refused; `status` is the HTTP code, `message` its own words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class NotFoundError(ApiError):
    """The object is not there."""


class ConflictError(ApiError):
    """The object exists already, or is another one than expected."""


class InvalidError(ApiError):
    """The API server does not take the object as it is."""


class ApiUnavailableError(OperatorError):
    """The API server could not be reached or asks for patience; `after` is for how many seconds, where it says so."""

    def __init__(self, message: str, *, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


class LeadershipError(OperatorError):
    """This operator does not hold the Lease: another one may be at work."""


class UnbuildableSpecError(OperatorError):
    """A value of the spec that no builder of a child knows what to do with."""
