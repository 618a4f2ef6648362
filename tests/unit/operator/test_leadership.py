"""One operator works: never two, and the next one soon after the first is gone."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibgateway_api.names import Key
from ibgateway_operator.act.leadership import (
    GIVE_UP_SECONDS,
    LEASE_SECONDS,
    RETRY_SECONDS,
    Leadership,
)
from ibgateway_operator.errors import ApiError, ApiUnavailableError
from ibgateway_operator.model.manifests import Manifest
from ibgateway_runtime.clock import Clock
from operator_fakes import NOW, FakeApiServer

LEASE = Key("operators", "ibgateway-operator")
WHAT = "Lease ibgateway-operator"


@dataclass
class Candidates:
    """Several operators on one API server and one monotonic clock; their wall clocks all say something else."""

    api_server: FakeApiServer = field(default_factory=FakeApiServer)
    seconds: float = 100.0

    def candidate(self, holder: str) -> Leadership:
        wrong = timedelta(hours=len(holder))
        clock = Clock(
            now=lambda: NOW + wrong + timedelta(seconds=self.seconds),
            monotonic=lambda: self.seconds,
        )
        return Leadership(self.api_server, clock, LEASE, holder)

    def spec(self) -> dict[str, Any]:
        return dict(self.api_server.named("Lease", LEASE.name, LEASE.namespace)["spec"])


@pytest.fixture
def candidates() -> Candidates:
    return Candidates()


async def test_the_first_one_works_and_the_second_stands_by(candidates: Candidates) -> None:
    one, other = candidates.candidate("one"), candidates.candidate("other")
    assert await one.attempt()
    assert not await other.attempt()
    assert (one.holds(), other.holds()) == (True, False)
    assert candidates.spec()["holderIdentity"] == "one"
    assert candidates.spec()["leaseDurationSeconds"] == LEASE_SECONDS


async def test_the_second_takes_over_when_the_first_is_silent_and_not_before(
    candidates: Candidates,
) -> None:
    one, other = candidates.candidate("one"), candidates.candidate("other")
    await one.attempt()
    begun = candidates.seconds
    while not await other.attempt():
        assert candidates.seconds - begun < LEASE_SECONDS
        candidates.seconds += RETRY_SECONDS
    assert LEASE_SECONDS <= candidates.seconds - begun <= LEASE_SECONDS + RETRY_SECONDS
    assert not one.holds()
    assert candidates.spec()["leaseTransitions"] == 1


async def test_a_holder_that_is_not_answered_gives_up_before_anybody_takes_over(
    candidates: Candidates,
) -> None:
    one = candidates.candidate("one")
    await one.attempt()
    for asked in (WHAT, f"get {WHAT}"):
        candidates.api_server.refuse[asked] = ApiUnavailableError("no answer")
    candidates.seconds += GIVE_UP_SECONDS - 0.1
    assert await one.attempt()
    candidates.seconds += 0.1
    assert not await one.attempt()
    assert not one.holds()


async def test_a_renewal_is_one_request_and_a_foreign_hand_is_noticed_by_it(
    candidates: Candidates,
) -> None:
    one = candidates.candidate("one")
    for _ in range(5):
        candidates.seconds += RETRY_SECONDS
        assert await one.attempt()
    assert len(candidates.api_server.reads) == 1
    lease = candidates.api_server.named("Lease", LEASE.name, LEASE.namespace)
    candidates.api_server.put({**lease, "spec": {**lease["spec"], "holderIdentity": "other"}})
    assert not await one.attempt()
    assert not one.holds()
    assert candidates.spec()["holderIdentity"] == "other"


async def test_one_that_gives_up_is_followed_at_once(candidates: Candidates) -> None:
    one, other = candidates.candidate("one"), candidates.candidate("other")
    await one.attempt()
    assert not await other.attempt()
    await one.give_up()
    assert not one.holds()
    assert await other.attempt()


async def test_one_that_never_worked_gives_up_nothing(candidates: Candidates) -> None:
    one, other = candidates.candidate("one"), candidates.candidate("other")
    await one.attempt()
    await other.give_up()
    assert candidates.spec()["holderIdentity"] == "one"


async def test_a_container_that_starts_again_in_its_pod_need_not_wait(
    candidates: Candidates,
) -> None:
    await candidates.candidate("pod-1").attempt()
    assert await candidates.candidate("pod-1").attempt()


async def test_the_lease_of_an_operator_without_election_is_waited_for_as_long_as_it_says(
    candidates: Candidates,
) -> None:
    body = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"namespace": LEASE.namespace, "name": LEASE.name},
        "spec": {"holderIdentity": "older", "leaseDurationSeconds": 60, "renewTime": "then"},
    }
    candidates.api_server.put(body)
    one = candidates.candidate("one")
    assert not await one.attempt()
    candidates.seconds += 59
    assert not await one.attempt()
    candidates.seconds += 1
    assert await one.attempt()


async def test_of_two_that_take_a_free_lease_at_once_one_works(candidates: Candidates) -> None:
    one, other = candidates.candidate("one"), candidates.candidate("other")
    await one.attempt()
    await one.give_up()
    outcome = await asyncio.gather(one.attempt(), other.attempt())
    assert sorted(outcome) == [False, True]


async def test_without_the_right_to_the_lease_nobody_works_and_the_log_says_why(
    candidates: Candidates, caplog: pytest.LogCaptureFixture
) -> None:
    one = candidates.candidate("one")
    candidates.api_server.refuse[f"get {WHAT}"] = ApiError(403, "leases is forbidden")
    for _ in range(3):
        assert not await one.attempt()
        candidates.seconds += RETRY_SECONDS
    assert [r.message for r in caplog.records] == [
        "the Lease operators/ibgateway-operator can't be had: 403: leases is forbidden"
    ]


async def test_a_holder_whose_work_stands_still_loses_the_lease(candidates: Candidates) -> None:
    one, other = candidates.candidate("one"), candidates.candidate("other")
    await one.attempt()
    assert not await other.attempt()
    candidates.seconds += LEASE_SECONDS
    await one.renew(lambda: False)
    assert not one.holds()
    assert await other.attempt()


class Network:
    """Loses requests and answers, and lets another candidate act between a reading and a write."""

    def __init__(self, api_server: FakeApiServer) -> None:
        self._api_server = api_server
        self.fault = ""
        self.between: Callable[[], Any] | None = None

    async def get(self, *given: Any) -> Manifest:
        self._lost("request")
        read = await self._api_server.get(*given)
        if self.between is not None:
            between, self.between = self.between, None
            await between()
        return read

    async def create(self, manifest: Manifest) -> Manifest:
        return self._answered(await self._api_server.create(manifest))

    async def apply(self, manifest: Manifest) -> Manifest:
        return self._answered(await self._api_server.apply(manifest))

    def _answered(self, body: Manifest) -> Manifest:
        self._lost("answer")
        return body

    def _lost(self, what: str) -> None:
        if self.fault == what:
            raise ApiUnavailableError("lost")


STEP = st.tuples(
    st.integers(0, 2),
    st.integers(0, 12),
    st.sampled_from(["", "", "", "request", "answer", "other acts", "gives up"]),
)


@given(st.lists(STEP, max_size=60))
def test_never_two_hold_it_whatever_is_lost(steps: list[tuple[int, int, str]]) -> None:
    asyncio.run(_play(steps))


async def _play(steps: list[tuple[int, int, str]]) -> None:
    world = Candidates()
    networks = [Network(world.api_server) for _ in range(3)]
    all_of_them = [world.candidate(f"operator-{n}") for n in range(3)]
    for one, network in zip(all_of_them, networks, strict=True):
        one.api_server = network  # type: ignore[assignment]
    for number, seconds, what in steps:
        world.seconds += seconds
        one, network = all_of_them[number], networks[number]
        network.fault = what if what in ("request", "answer") else ""
        network.between = all_of_them[number - 1].attempt if what == "other acts" else None
        networks[number - 1].fault = ""
        networks[number - 1].between = None
        await (one.give_up() if what == "gives up" else one.attempt())
        assert sum(each.holds() for each in all_of_them) <= 1


def test_the_holder_gives_up_before_the_next_takes_over() -> None:
    """What may still be on its way when it gives up has this long to arrive."""
    order = [RETRY_SECONDS, GIVE_UP_SECONDS, LEASE_SECONDS]
    assert all(earlier < later for earlier, later in pairwise(order))
