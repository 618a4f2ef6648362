"""The JSON documents that the programs ask each other with over HTTP."""

from ibgateway_api.document import Document


class LoginRequest(Document):
    """`POST /v1/login-requests` of the sentinel: a person asks for one more attempt.

    `id` is the annotation's time stamp as written; a handled or older id is answered with 200 and
    does nothing. 409 where it would end a login and no attempt would be allowed after it: its text says
    why, until when and what helps. It was not taken, and may be asked again.
    """

    id: str


class RestartRequest(Document):
    """`POST /v1/restarts` of the sentinel: stop cleanly, then one `full` attempt in the same pod.

    `id` is the boundary's time in RFC 3339 UTC: the same week never restarts twice. 409 as above.
    """

    id: str
