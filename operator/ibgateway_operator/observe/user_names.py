"""Which gateways use which user name: nobody is compared with everybody."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ibgateway_api.names import Key


@dataclass
class UserNames:
    """User names by their keyed hash, and of whom they are known."""

    _users: dict[Key, str] = field(default_factory=dict)
    """Of each gateway whose Secret was looked at; empty where it has none."""
    _gateways: dict[str, set[Key]] = field(default_factory=dict)

    def saw(self, key: Key, user: str) -> None:
        """A gateway's Secret was looked at."""
        if self._users.get(key) == user:
            return
        self.forget(key)
        self._users[key] = user
        if user:
            self._gateways.setdefault(user, set()).add(key)

    def forget(self, key: Key) -> None:
        """The gateway is gone."""
        user = self._users.pop(key, "")
        if user:
            self._gateways[user].discard(key)
            if not self._gateways[user]:
                del self._gateways[user]

    def of(self, user: str) -> frozenset[Key]:
        """Who was seen to use it."""
        return frozenset(self._gateways.get(user, ()))

    def unseen(self, keys: Iterable[Key]) -> list[Key]:
        """Those whose Secret was not looked at yet."""
        return [key for key in keys if key not in self._users]

    def known(self) -> dict[str, set[Key]]:
        """All of them."""
        return self._gateways
