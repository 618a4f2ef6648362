"""The children of an IBGateway with what is asked of them at every look, made once an input."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ibgateway_api.names import Key
from ibgateway_operator.desired import DesiredInput, desired
from ibgateway_operator.desired.config import settings_hash
from ibgateway_operator.model.kinds import CONFIG_MAP
from ibgateway_operator.model.manifests import Manifest, digest, name_of
from ibgateway_operator.model.memory import Place

KEPT_GATEWAYS: Final = 32
"""About as many as are in work at once; the children of each take some 100 KiB."""


@dataclass(frozen=True)
class DesiredState:
    """Nobody may change them: the next look is given the same ones."""

    given: DesiredInput
    """What they were made from."""
    manifests: tuple[Manifest, ...]
    marks: Mapping[Place, str]
    """The digest of each, by its place."""
    settings: Mapping[str, str]
    """The hash of each ConfigMap's settings, by its name."""


def built(given: DesiredInput) -> DesiredState:
    """Raises UnbuildableSpecError for a value that no builder knows what to do with. Pure."""
    manifests = tuple(desired(given))
    return DesiredState(
        given,
        manifests,
        marks={(m["kind"], name_of(m)): digest(m) for m in manifests},
        settings={name_of(m): settings_hash(m) for m in manifests if m["kind"] == CONFIG_MAP.kind},
    )


class DesiredMemory:
    """Makes them anew where the input is another one."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, DesiredState] = OrderedDict()

    def of(self, given: DesiredInput) -> DesiredState:
        """The children that this input asks for; raises what `built` does."""
        known = self._kept.get(given.key)
        if known is None or known.given != given:
            known = built(given)
            self._kept[given.key] = known
        self._kept.move_to_end(given.key)
        while len(self._kept) > KEPT_GATEWAYS:
            self._kept.popitem(last=False)
        return known
