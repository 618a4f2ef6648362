"""Secrets: looked at by `get` once a minute, never listed, never logged.

Of the user's Secret only which keys have a value and a keyed hash of the user name stay in memory; the
key is random and dies with the process. Our own token Secrets are created once and never overwritten;
of these the agent token is kept, because the sentinel asks for it.
"""

import base64
import hashlib
import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ibgateway_api import names
from ibgateway_api.names import Key
from ibgateway_operator.desired.input import DesiredInput
from ibgateway_operator.desired.secrets import secret_names, token_secret, vnc_secret
from ibgateway_operator.errors import ConflictError, NotFoundError
from ibgateway_operator.kube.client import ApiServer
from ibgateway_operator.model.kinds import SECRET
from ibgateway_operator.model.manifests import Manifest, is_terminating, owner_uid
from ibgateway_operator.model.snapshot import Credentials

EVERY_SECONDS: Final = 60.0
WHILE_MISSING_SECONDS: Final = 10.0
"""Somebody who has just been told that a Secret is missing is about to create it."""

logger = logging.getLogger(__name__)


@dataclass
class Secrets:
    """What is known of Secrets. `random_token` makes tokens; `hash_key` is random a process."""

    cluster: ApiServer
    clock: Callable[[], float]
    random_token: Callable[[], str]
    hash_key: bytes
    _seen: dict[Key, Credentials] = field(default_factory=dict)
    _next: dict[Key, float] = field(default_factory=dict)
    _tokens: dict[Key, str] = field(default_factory=dict)
    _made: dict[Key, frozenset[str]] = field(default_factory=dict)

    def credentials(self, key: Key) -> Credentials | None:
        """What was last seen of the user's Secret."""
        return self._seen.get(key)

    def agent_token(self, key: Key) -> str:
        """The token that the sentinel and the executor ask for; empty before it is known."""
        return self._tokens.get(key, "")

    def due(self, key: Key) -> float:
        """Seconds until the next look."""
        return max(self._next.get(key, 0.0) - self.clock(), 0.0)

    def forget(self, key: Key) -> None:
        """The IBGateway is gone."""
        for known in (self._seen, self._next, self._tokens, self._made):
            known.pop(key, None)

    async def look(self, key: Key, secret: str) -> None:
        """Look at the user's Secret when it is time, or when another one is named."""
        known = self._seen.get(key)
        if known is not None and known.secret == secret and self.due(key) > 0:
            return
        self._seen[key] = await self._credentials(Key(key.namespace, secret))
        wait = WHILE_MISSING_SECONDS if self._seen[key].missing() else EVERY_SECONDS
        self._next[key] = self.clock() + wait
        self._made.pop(key, None)

    async def make(self, plan: DesiredInput) -> bool:
        """See to it that the operator's own Secrets exist. False where one has to be tried again."""
        wanted = _wanted(plan)
        if self._made.get(plan.key) == wanted:
            return True
        made = [await self._token(plan, name) for name in secret_names(plan)]
        if plan.vnc_secret in wanted:
            made.append(await self._ensure(plan, vnc_secret(plan)) is not None)
        if all(made):
            self._made[plan.key] = wanted
        return all(made)

    async def _token(self, plan: DesiredInput, name: str) -> bool:
        stored = await self._ensure(plan, token_secret(plan, name, self.random_token()))
        token = _value(stored, names.SECRET_TOKEN) if stored else ""
        if name == plan.children.agent_token and token:
            self._tokens[plan.key] = token
        return bool(token)

    async def _ensure(self, plan: DesiredInput, manifest: Manifest) -> Manifest | None:
        """The stored Secret, created where there was none; None while an old one is on its way out."""
        key = Key(plan.key.namespace, manifest["metadata"]["name"])
        stored = await self._get(key)
        if stored is None:
            try:
                return await self.cluster.create(manifest)
            except ConflictError:
                return None
        leaving = is_terminating(stored) or owner_uid(stored) not in ("", plan.uid)
        return None if leaving else stored

    async def _get(self, key: Key) -> Manifest | None:
        try:
            return await self.cluster.get(SECRET, key)
        except NotFoundError:
            return None

    async def _credentials(self, key: Key) -> Credentials:
        stored = await self._get(key)
        if stored is None:
            return Credentials(key.name)
        values = {name: _value(stored, name) for name in stored.get("data") or {}}
        user = values.get(names.SECRET_USERNAME, "")
        return Credentials(
            secret=key.name,
            found=True,
            keys=frozenset(name for name, value in values.items() if value),
            user=self._hash(user) if user else "",
            default_vnc=values.get(names.SECRET_VNC_PASSWORD) == names.DEFAULT_VNC_PASSWORD,
        )

    def _hash(self, text: str) -> str:
        return hmac.new(self.hash_key, text.encode(), hashlib.sha256).hexdigest()


def _wanted(plan: DesiredInput) -> frozenset[str]:
    """The names of the Secrets of ours that this plan needs; with the uid, for names come again."""
    default = not plan.live and not plan.vnc_from_user
    return frozenset([*secret_names(plan), *([plan.vnc_secret] if default else []), plan.uid])


def _value(stored: Mapping[str, Any], name: str) -> str:
    """A value of a Secret without surrounding blanks; what is no text counts as present and odd."""
    encoded = (stored.get("data") or {}).get(name) or ""
    return base64.b64decode(encoded).decode(errors="replace").strip()
