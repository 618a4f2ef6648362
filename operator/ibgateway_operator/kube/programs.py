"""The pods of programs that follow a gate, as the watches have shown them, with our own last writes."""

from collections.abc import Iterable

from ibgateway_api.names import Key
from ibgateway_operator.model.programs import ProgramPod
from ibgateway_operator.model.snapshot import Finding


class ProgramPods:
    """By their place and by the IBGateway that they name."""

    def __init__(self) -> None:
        self._pods: dict[Key, ProgramPod] = {}
        self._places: dict[Key, dict[Key, None]] = {}
        self._words: dict[Key, Finding] = {}

    def say(self, gateway: Key, word: Finding) -> list[ProgramPod]:
        """A gateway's word holds for the pods that name it now; gives them. Without any it is forgotten."""
        pods = self.of(gateway)
        if pods:
            self._words[gateway] = word
        return pods

    def word(self, gateway: Key) -> Finding | None:
        """The last word of a gateway; None where it had none to say since a pod names it."""
        return self._words.get(gateway)

    def forget_words(self) -> None:
        """Another operator may have said something else since."""
        self._words.clear()

    def put(self, pod: ProgramPod) -> bool:
        """Keep what is newest; whether it says anything of the gate that was not known."""
        known = self._pods.get(pod.place)
        same = known is not None and known.uid == pod.uid
        if known is not None and same and 0 < pod.version < known.version:
            return False
        if known is not None and known.follows != pod.follows:
            self._forget(known)
        self._pods[pod.place] = pod
        self._places.setdefault(pod.follows, {})[pod.place] = None
        if known is None or not same:
            return True
        return (known.follows, known.condition) != (pod.follows, pod.condition)

    def answered(self, pod: ProgramPod) -> bool:
        """A write of ours was answered; whether the pod names another gateway by now. One that is gone stays gone."""
        known = self._pods.get(pod.place)
        if known is None or known.uid != pod.uid:
            return False
        self.put(pod)
        return pod.follows != known.follows

    def drop(self, place: Key, uid: str) -> ProgramPod | None:
        """Forget this very pod; gives it, None where it is not known."""
        known = self._pods.get(place)
        if known is None or known.uid != uid:
            return None
        self._forget(known)
        return known

    def at(self, place: Key) -> ProgramPod | None:
        """The pod of this name; None where none follows a gate."""
        return self._pods.get(place)

    def of(self, gateway: Key) -> list[ProgramPod]:
        """The pods that name an IBGateway, whether or not there is one."""
        return [self._pods[place] for place in self._places.get(gateway, ())]

    def gateways(self) -> list[Key]:
        """Every IBGateway that a pod names."""
        return list(self._places)

    def counts(self) -> dict[Key, int]:
        """How many pods name each of them."""
        return {gateway: len(places) for gateway, places in self._places.items()}

    def missing(self, namespace: str, seen: Iterable[str]) -> list[ProgramPod]:
        """Those whose uid is not among what a list has shown; an empty namespace means all."""
        uids = set(seen)
        pods = self._pods.values()
        return [p for p in pods if namespace in ("", p.place.namespace) and p.uid not in uids]

    def _forget(self, pod: ProgramPod) -> None:
        del self._pods[pod.place]
        places = self._places[pod.follows]
        del places[pod.place]
        if not places:
            del self._places[pod.follows]
            self._words.pop(pod.follows, None)
