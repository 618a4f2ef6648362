"""What telling people needs to know: the addresses of the user's Secret, and the executor's word on what needs a person.

Addresses are kept in memory while they are in use: an API server that is away is one of the things to tell of.
"""

import base64
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ibgateway_api import names
from ibgateway_api.names import Key
from ibgateway_operator.errors import NotFoundError, OperatorError
from ibgateway_operator.kube.client import ApiServer
from ibgateway_operator.model.kinds import SECRET
from ibgateway_operator.model.people import PeopleMemory, PeopleReport
from ibgateway_operator.observe.executor import Executors
from ibgateway_runtime.http_client import Endpoint
from ibgateway_runtime.notifications.addresses import addresses_in

TROUBLE_SECONDS: Final = 60.0
"""A Secret that is missing, or whose addresses take nothing, is about to be corrected."""
EVERY_SECONDS: Final = 3600.0
DOUBT_SECONDS: Final = 60.0
"""The executor itself looks for an order in doubt every minute."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class People:
    """Looks at Secrets with addresses, and asks executors. `clock` is monotonic seconds."""

    api_server: ApiServer
    executors: Executors
    clock: Callable[[], float]

    async def look(self, key: Key, secret: str, memory: PeopleMemory) -> None:
        """Look at the Secret `secret` when it is time. What can't be asked leaves what was seen last."""
        if secret == memory.secret and self.clock() < memory.look_at:
            return
        try:
            stored = await self.api_server.get(SECRET, Key(key.namespace, secret))
            data = stored.get("data") or {}
        except NotFoundError:
            data = None
        except OperatorError as error:
            logger.warning("%s: the Secret of the addresses can't be read: %s", key, error)
            memory.look_at = self.clock() + TROUBLE_SECONDS
            return
        memory.secret = secret
        memory.addresses, memory.no_addresses = _addresses(secret, data)
        memory.look_at = self.clock() + (TROUBLE_SECONDS if memory.no_addresses else EVERY_SECONDS)

    def soon(self, memory: PeopleMemory) -> None:
        """Look again within a minute: an address takes nothing."""
        memory.look_at = min(memory.look_at, self.clock() + TROUBLE_SECONDS)

    async def ask(self, memory: PeopleMemory) -> bool:
        """Ask the executor what needs a person when it is time; whether its answer is another one."""
        if memory.executor is None or self.clock() < memory.ask_at:
            return False
        memory.ask_at = self.clock() + DOUBT_SECONDS
        report, before = await self.executors.ask(Endpoint(*memory.executor)), memory.executor_says
        if report is not None:
            memory.executor_says = PeopleReport.of(report)
        return memory.executor_says != before

    def due(self, memory: PeopleMemory) -> float:
        """Seconds until the executor is asked; infinite where it is not."""
        return max(memory.ask_at - self.clock(), 0.0) if memory.executor else float("inf")

    def look_due(self, memory: PeopleMemory) -> float:
        """Seconds until the Secret is looked at."""
        return max(memory.look_at - self.clock(), 0.0)


def _addresses(secret: str, data: dict[str, str] | None) -> tuple[tuple[str, ...], str]:
    """The addresses, and why there are none; never a word of what the Secret has."""
    if data is None:
        return (), f"Secret {secret} does not exist"
    if names.SECRET_URLS not in data:
        return (), f"Secret {secret} has no key {names.SECRET_URLS}"
    try:
        return addresses_in(base64.b64decode(data[names.SECRET_URLS]).decode()), ""
    except UnicodeDecodeError:
        return (), f"the key {names.SECRET_URLS} of Secret {secret} is no UTF-8 text"
    except ValueError as error:
        return (), f"Secret {secret}: {error}"
