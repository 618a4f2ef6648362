"""The header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07), read. Pure.

The draft wants a structured field's string, `"k-1"`. What most clients send, `k-1`, is the same key.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from ibgateway_executor.errors import OrderRefusedError

FIELD_PATTERN: Final = r"^([!#-~][!-~]{0,254}|\"([ !#-\[\]-~]|\\[\"\\]){1,255}\")$"
"""1 to 255 characters: bare, without a space and not beginning with a quotation mark; or a string (RFC 9651, section 3.3.3)."""
KEY_SCHEMA: Final[dict[str, Any]] = {"pattern": FIELD_PATTERN}
"""The same for the API's description alone: FastAPI would answer what does not match with another problem."""
_FIELD: Final = re.compile(FIELD_PATTERN.removesuffix("$"))
_ESCAPED: Final = re.compile(r"\\(.)")


class IdempotencyKey(NamedTuple):
    """A key, and the field it came in: the key is what counts."""

    key: str
    field: str

    @property
    def quoted(self) -> bool:
        """Whether it came as a string. Before strings were read, the quotation marks were part of the key."""
        return self.field != self.key


def read_key(fields: Sequence[str]) -> IdempotencyKey:
    """The key of a request's Idempotency-Key fields; OrderRefusedError where there is not exactly one."""
    if not fields:
        raise OrderRefusedError(
            400,
            "IdempotencyKeyMissing",
            "send an Idempotency-Key that you derive from the decision behind the order",
        )
    field = fields[0]
    found = _FIELD.fullmatch(field) if len(fields) == 1 else None
    if found is None:
        raise OrderRefusedError(
            400,
            "IdempotencyKeyInvalid",
            "send one Idempotency-Key: 1 to 255 visible ASCII characters, or a string in quotation marks",
        )
    return IdempotencyKey(_ESCAPED.sub(r"\1", field[1:-1]) if found[2] else field, field)
