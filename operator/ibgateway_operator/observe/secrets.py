"""Secrets: looked at by `get` as often as the gateway's state asks for, never listed, never logged.

Of the user's Secret only which keys have a value and a keyed hash of the user name stay in memory; the
key is random and dies with the process. Our own token Secrets are created once and never overwritten;
of these the agent token is kept, because the sentinel asks for it.
"""

import base64
import hashlib
import hmac
import logging
import unicodedata
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ibgateway_api import names
from ibgateway_api.names import Key
from ibgateway_operator.decide.secret_looks import BLOCKED_SECONDS
from ibgateway_operator.desired.input import DesiredInput
from ibgateway_operator.desired.secrets import secret_names, token_secret, vnc_secret
from ibgateway_operator.errors import ConflictError, NotFoundError
from ibgateway_operator.kube.client import ApiServer
from ibgateway_operator.model import vnc_password
from ibgateway_operator.model.kinds import SECRET
from ibgateway_operator.model.manifests import Manifest, is_terminating, owner_uid
from ibgateway_operator.model.memory import SecretsMemory
from ibgateway_operator.model.snapshot import Credentials, IBGateway

OWN_SECONDS: Final = 60.0
"""How often at most the operator's own Secrets are looked for: they go only where somebody deletes them."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Secrets:
    """Looks at Secrets and makes ours. `random_token` makes tokens; `hash_key` is random a process."""

    api_server: ApiServer
    clock: Callable[[], float]
    random_token: Callable[[], str]
    hash_key: bytes

    def due(self, memory: SecretsMemory) -> float:
        """Seconds until the next look."""
        if memory.looked_at is None:
            return 0.0
        every = BLOCKED_SECONDS if memory.trouble else memory.every
        return max(memory.looked_at + every - self.clock(), 0.0)

    async def look(self, gateway: IBGateway, memory: SecretsMemory) -> None:
        """Look at the user's Secret when it is time, or when another one is named."""
        if gateway.spec is None:
            return
        name, known = gateway.spec.credentials_secret_ref.name, memory.credentials
        other = known is not None and known.secret != name
        asked = _asked_for(gateway)
        if not other and asked == memory.looked_for and self.due(memory) > 0:
            return
        memory.looked_at, memory.looked_for = self.clock(), asked
        memory.credentials = await self._credentials(Key(gateway.key.namespace, name))
        if known is not None and not other and known.version != memory.credentials.version:
            memory.rotated_at = self.clock()
        if memory.made_at is not None and memory.looked_at - memory.made_at >= OWN_SECONDS:
            memory.made = frozenset()

    async def read_agent_token(self, key: Key, uid: str, memory: SecretsMemory) -> None:
        """The agent token as an earlier operator made it; nothing where there is none."""
        stored = await self._get(Key(key.namespace, names.child_names(key.name).agent_token))
        if stored is not None and owner_uid(stored) == uid and not is_terminating(stored):
            memory.agent_token = _value(stored, names.SECRET_TOKEN)

    async def make(
        self,
        given: DesiredInput,
        memory: SecretsMemory,
        *,
        new: bool = False,
        mounted: Container[str] = (),
    ) -> bool:
        """See to it that the operator's own Secrets exist. False where one has to be tried again.

        `new`: they hardly do, so they are created before anybody asks. `mounted`: these surely did a
        moment ago, so an operator that has only just started leaves them to its next look.
        """
        wanted = _wanted(given)
        if memory.made == wanted:
            return True
        there = mounted if memory.made_at is None and memory.agent_token else ()
        asked = [name for name in secret_names(given) if name not in there]
        made = [await self._token(given, name, memory, new=new) for name in asked]
        if given.vnc_secret in wanted and given.vnc_secret not in there:
            made.append(await self._ensure(given, vnc_secret(given), new=new) is not None)
        if all(made):
            memory.made, memory.made_at = wanted, self.clock()
        return all(made)

    async def _token(
        self, given: DesiredInput, name: str, memory: SecretsMemory, *, new: bool
    ) -> bool:
        """An agent token that was deleted comes back as it was: another one would close the gate
        until every pod has it."""
        agents = name == given.children.agent_token
        value = (memory.agent_token if agents else "") or self.random_token()
        stored = await self._ensure(given, token_secret(given, name, value), new=new)
        token = _value(stored, names.SECRET_TOKEN) if stored else ""
        if agents and token:
            memory.agent_token = token
        return bool(token)

    async def _ensure(
        self, given: DesiredInput, manifest: Manifest, *, new: bool
    ) -> Manifest | None:
        """The stored Secret, created where there was none; None while an old one is on its way out."""
        key = Key(given.key.namespace, manifest["metadata"]["name"])
        if new and (created := await self._create(manifest)) is not None:
            return created
        stored = await self._get(key)
        if stored is None:
            return await self._create(manifest)
        leaving = is_terminating(stored) or owner_uid(stored) not in ("", given.uid)
        return None if leaving else stored

    async def _create(self, manifest: Manifest) -> Manifest | None:
        """None where the name is taken."""
        try:
            return await self.api_server.create(manifest)
        except ConflictError:
            return None

    async def _get(self, key: Key) -> Manifest | None:
        try:
            return await self.api_server.get(SECRET, key)
        except NotFoundError:
            return None

    async def _credentials(self, key: Key) -> Credentials:
        stored = await self._get(key)
        if stored is None:
            return Credentials(key.name)
        values = {name: _value(stored, name) for name in stored.get("data") or {}}
        user = values.get(names.SECRET_USERNAME, "")
        vnc = values.get(names.SECRET_VNC_PASSWORD, "")
        return Credentials(
            secret=key.name,
            found=True,
            keys=frozenset(name for name, value in values.items() if value),
            user=self._hash(user) if user else "",
            default_vnc=vnc_password.is_default(vnc),
            guessable_vnc=vnc_password.guessable(vnc, user) if vnc else "",
            long_vnc=vnc_password.is_cut_off(vnc),
            empty=frozenset(name for name, value in values.items() if not value),
            version=str(stored["metadata"].get("resourceVersion", "")),
            unusable=_unusable(stored),
        )

    def _hash(self, text: str) -> str:
        """IBKR takes a user name in any case: two spellings are one session."""
        return hmac.new(self.hash_key, text.casefold().encode(), hashlib.sha256).hexdigest()


def _asked_for(gateway: IBGateway) -> str:
    """The login request that is set: whoever has corrected a Secret asks for an attempt with it."""
    return gateway.annotations.get(names.ANNOTATION_LOGIN_REQUESTED_AT, "")


def _wanted(given: DesiredInput) -> frozenset[str]:
    """The names of the Secrets of ours that this plan needs; with the uid, for names come again."""
    default = not given.live and not given.vnc_from_user
    return frozenset([*secret_names(given), *([given.vnc_secret] if default else []), given.uid])


def _value(stored: Mapping[str, Any], name: str) -> str:
    """A value of a Secret without surrounding blanks; what is no text counts as present and odd."""
    return _bytes(stored, name).decode(errors="replace").strip()


def _unusable(stored: Mapping[str, Any]) -> str:
    """The first key whose value no login window takes, and why; empty where all will do."""
    for name in (names.SECRET_USERNAME, names.SECRET_PASSWORD, names.SECRET_VNC_PASSWORD):
        try:
            text = _bytes(stored, name).decode().rstrip("\r\n")
        except UnicodeDecodeError:
            return f"{name} is no UTF-8 text"
        if any(unicodedata.category(character) == "Cc" for character in text):
            return f"{name} has a line end, a tab or another control character in it"
    return ""


def _bytes(stored: Mapping[str, Any], name: str) -> bytes:
    return base64.b64decode((stored.get("data") or {}).get(name) or "")
