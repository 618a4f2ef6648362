"""What may leave the cluster in a report: no value of a Secret, and no account id. Pure."""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote

_ACCOUNT: Final = re.compile(r"(?<![A-Za-z0-9])[A-Z]{1,3}\d{5,12}(?![A-Za-z0-9])")
"""An account id of IBKR's, such as U1234567 or DU1234567, where nobody has named it."""
_LONG: Final = 4
"""A value that is shorter is taken out as a whole word only: else half of all texts would go."""


class Redaction:
    """Takes out what is known to be secret, and masks account ids: one id has one mask in the whole report."""

    def __init__(self, secrets: Mapping[str, Iterable[bytes]], accounts: Iterable[str]) -> None:
        found = {
            form: name
            for name, values in secrets.items()
            for value in values
            for form in _forms(value)
        }
        self._names = found
        longest_first = sorted(found, key=len, reverse=True)
        self._secret = (
            re.compile("|".join(_pattern(form) for form in longest_first)) if found else None
        )
        self._masks: dict[str, str] = {}
        for account in accounts:
            self._mask(account)

    def __call__(self, text: str) -> str:
        """The text as it may leave."""
        if self._secret is not None:
            text = self._secret.sub(lambda found: f"[{self._names[found[0]]}]", text)
        for account in sorted(self._masks, key=len, reverse=True):
            text = re.sub(re.escape(account), self._masks[account], text, flags=re.IGNORECASE)
        return _ACCOUNT.sub(lambda found: self._mask(found[0]), text)

    def _mask(self, account: str) -> str:
        kind = "paper" if account.startswith("D") else "live"
        return self._masks.setdefault(account, f"[{kind}-account-{len(self._masks) + 1}]")


def _forms(value: bytes) -> Iterable[str]:
    """A value as it may stand in a text: itself, its lines, in base64, and as JSON, YAML and addresses write it."""
    text = value.decode(errors="replace").strip()
    forms = {text, *text.splitlines(), base64.b64encode(value).decode()}
    for line in tuple(forms):
        forms |= {json.dumps(line)[1:-1], json.dumps(line, ensure_ascii=False)[1:-1]}
        forms |= {line.replace("'", "''"), quote(line, safe="")}
    return {form.strip() for form in forms if form.strip()}


def _pattern(form: str) -> str:
    if len(form) < _LONG:
        return rf"(?<![A-Za-z0-9]){re.escape(form)}(?![A-Za-z0-9])"
    return re.escape(form)
