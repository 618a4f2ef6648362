"""The small parts: settings, manifests, the cache, drains, the console's word, Secrets, Events."""

import json
from pathlib import Path
from typing import Any

import pytest

from ibgateway_api.names import Key
from ibgateway_api.reports import ExecutorReport
from ibgateway_api.week import Calendar
from ibgateway_operator.act.drain import Drains
from ibgateway_operator.decide.intent import PlannedStop
from ibgateway_operator.errors import (
    ApiError,
    ApiUnavailableError,
    ConflictError,
    InvalidError,
    NotFoundError,
)
from ibgateway_operator.kube.cache import Cache
from ibgateway_operator.kube.client import _answer
from ibgateway_operator.model.kinds import BY_KIND, CONFIG_MAP, GATEWAY, STATEFUL_SET
from ibgateway_operator.model.manifests import Manifest, fingerprint
from ibgateway_operator.observe.console import Consoles
from ibgateway_operator.observe.http import Endpoint
from ibgateway_operator.settings import SettingsError, calendar_from, from_environment

KEY = Key("trading", "paper")
PEER = Endpoint("http://10.0.0.9:8080", "paper", "t")


ENV = {
    "WATCH_NAMESPACE": "trading, more",
    "OPERATOR_AGENT_IMAGE": "agent:1",
    "OPERATOR_EXECUTOR_IMAGE": "executor:1",
    "OPERATOR_CALENDAR_FILE": "/nowhere.json",
}


class TestSettings:
    def test_namespaces_are_a_list(self) -> None:
        assert from_environment(ENV).watch_namespaces == ("trading", "more")

    def test_an_empty_namespace_means_all_and_is_said_on_purpose(self) -> None:
        assert from_environment({**ENV, "WATCH_NAMESPACE": ""}).watch_namespaces == ()

    @pytest.mark.parametrize(
        "name", ["WATCH_NAMESPACE", "OPERATOR_AGENT_IMAGE", "OPERATOR_EXECUTOR_IMAGE"]
    )
    def test_what_is_missing_is_named(self, name: str) -> None:
        with pytest.raises(SettingsError, match=name):
            from_environment({k: v for k, v in ENV.items() if k != name})

    def test_a_port_that_is_none_is_named(self) -> None:
        with pytest.raises(SettingsError, match="OPERATOR_METRICS_PORT"):
            from_environment({**ENV, "OPERATOR_METRICS_PORT": "http"})

    def test_the_calendar_is_ibkrs_without_a_file_and_the_files_with_one(
        self, tmp_path: Path
    ) -> None:
        assert from_environment(ENV).calendar == Calendar()
        file = tmp_path / "calendar.json"
        file.write_text('{"marginSeconds": 7}')
        assert calendar_from(file).margin_seconds == 7

    def test_a_calendar_that_is_none_is_named(self, tmp_path: Path) -> None:
        file = tmp_path / "calendar.json"
        file.write_text('{"marginSeconds": -1}')
        with pytest.raises(SettingsError, match=r"calendar\.json"):
            calendar_from(file)


class TestPaths:
    def test_paths_of_core_and_group(self) -> None:
        assert CONFIG_MAP.path("ns", "a") == "/api/v1/namespaces/ns/configmaps/a"
        assert STATEFUL_SET.path("ns") == "/apis/apps/v1/namespaces/ns/statefulsets"
        assert STATEFUL_SET.path("") == "/apis/apps/v1/statefulsets"
        assert (
            GATEWAY.path("ns", "a", subresource="status")
            == "/apis/ibgateway.dev/v1alpha1/namespaces/ns/ibgateways/a/status"
        )

    def test_every_kind_is_found_by_its_name(self) -> None:
        assert all(kind.kind == name for name, kind in BY_KIND.items())


class TestFingerprint:
    body: Manifest = {
        "kind": "Deployment",
        "metadata": {"name": "a", "labels": {"x": "1"}, "annotations": {"mine": "1"}},
        "spec": {"replicas": 1},
    }

    @pytest.mark.parametrize(
        "change",
        [
            {"status": {"readyReplicas": 1}},
            {"metadata": {**body["metadata"], "resourceVersion": "7", "generation": 2}},
            {
                "metadata": {
                    **body["metadata"],
                    "annotations": {"mine": "1", "deployment.kubernetes.io/revision": "4"},
                }
            },
        ],
        ids=["status", "version", "a controller's annotation"],
    )
    def test_what_the_cluster_does_by_itself_is_no_change(self, change: Manifest) -> None:
        assert fingerprint({**self.body, **change}) == fingerprint(self.body)

    @pytest.mark.parametrize(
        "change",
        [
            {"spec": {"replicas": 2}},
            {"metadata": {**body["metadata"], "labels": {}}},
            {"metadata": {**body["metadata"], "ownerReferences": [{"uid": "x"}]}},
        ],
        ids=["spec", "labels", "owner"],
    )
    def test_what_people_change_is_one(self, change: Manifest) -> None:
        assert fingerprint({**self.body, **change}) != fingerprint(self.body)


class TestCache:
    def pod(self, version: str, **more: Any) -> Manifest:
        labels = {"ibgateway.dev/gateway": "paper"}
        meta = {"namespace": "trading", "name": "p", "resourceVersion": version, "labels": labels}
        return {"kind": "Pod", "metadata": meta, **more}

    def cache(self, *bodies: Manifest) -> tuple[Cache, list[Manifest]]:
        shown = list(bodies)

        class Bodies:
            def gateways(self) -> list[Key]:
                return []

            def gateway(self, key: Key) -> Manifest | None:
                return None

            def children(self, key: Key) -> list[Manifest]:
                return shown

        return Cache(Bodies()), shown

    def test_a_write_is_seen_before_the_watch_shows_it(self) -> None:
        before, after = self.pod("1"), self.pod("2", status={"x": 1})
        cache, _ = self.cache(before)
        cache.written(before, after)
        assert cache.children(KEY) == (after,)

    def test_what_the_watch_shows_later_wins(self) -> None:
        before, after = self.pod("1"), self.pod("2")
        cache, shown = self.cache(before)
        cache.written(before, after)
        shown[:] = [self.pod("3", status={"by": "another"})]
        assert cache.children(KEY) == (self.pod("3", status={"by": "another"}),)
        shown[:] = [before]
        assert cache.children(KEY) == (before,)

    def test_a_new_object_is_seen_until_it_is_gone(self) -> None:
        cache, shown = self.cache()
        cache.written(None, self.pod("1"))
        assert cache.children(KEY) == (self.pod("1"),)
        assert cache.children(Key("trading", "other")) == ()
        cache.gone(self.pod("1"))
        assert cache.children(KEY) == ()
        assert shown == []


class TestDrains:
    @pytest.mark.parametrize(
        ("stop", "report", "drained"),
        [
            (PlannedStop.RESTART, ExecutorReport(open=False, unacknowledged=0), True),
            (PlannedStop.RESTART, ExecutorReport(open=True, unacknowledged=0), False),
            (PlannedStop.RESTART, ExecutorReport(open=False, unacknowledged=1), False),
            (PlannedStop.SUSPEND, ExecutorReport(open=True, unacknowledged=0), False),
            (PlannedStop.SUSPEND, ExecutorReport(open=False, unacknowledged=0), True),
            (PlannedStop.SUSPEND, ExecutorReport(open=False, unacknowledged=2), False),
        ],
    )
    async def test_a_stop_waits_for_what_is_unacknowledged(
        self, peers: Any, stop: PlannedStop, report: ExecutorReport, drained: bool
    ) -> None:
        peers.answers["/v1/gate"] = report.to_json().encode()
        assert await Drains(peers, lambda: 0.0).drained(KEY, PEER, stop) is drained

    async def test_a_restart_never_loses_patience(self, peers: Any) -> None:
        time = 0.0
        executors = Drains(peers, lambda: time)
        assert await executors.drained(KEY, None, PlannedStop.RESTART) is False
        time = 100000.0
        assert await executors.drained(KEY, PEER, PlannedStop.RESTART) is False

    async def test_an_answer_that_is_none_counts_as_none(self, peers: Any) -> None:
        peers.answers["/v1/gate"] = b"<html>"
        assert await Drains(peers, lambda: 0.0).drained(KEY, PEER, PlannedStop.RESTART) is False


class TestConsoles:
    async def test_the_last_word_stands_while_the_console_is_away(self, peers: Any) -> None:
        time = 0.0
        consoles = Consoles(peers, lambda: time)
        assert consoles.enforced(KEY) is None
        peers.answers["/network-policy"] = b'{"enforced": false}'
        await consoles.look(KEY, PEER)
        assert consoles.enforced(KEY) is False
        del peers.answers["/network-policy"]
        time = 61.0
        await consoles.look(KEY, PEER)
        assert consoles.enforced(KEY) is False

    @pytest.mark.parametrize("answer", [b'{"enforced": null}', b"[]", b"{"])
    async def test_no_word_is_asked_for_again_soon(self, peers: Any, answer: bytes) -> None:
        consoles = Consoles(peers, lambda: 0.0)
        peers.answers["/network-policy"] = answer
        await consoles.look(KEY, PEER)
        assert consoles.enforced(KEY) is None
        assert consoles.due(KEY) == 10.0

    async def test_it_is_asked_once_a_minute(self, peers: Any) -> None:
        consoles = Consoles(peers, lambda: 0.0)
        peers.answers["/network-policy"] = b'{"enforced": true}'
        await consoles.look(KEY, PEER)
        peers.answers["/network-policy"] = b'{"enforced": false}'
        await consoles.look(KEY, PEER)
        assert consoles.enforced(KEY) is True
        assert consoles.due(KEY) == 60.0


class TestApiErrors:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (404, NotFoundError),
            (409, ConflictError),
            (422, InvalidError),
            (403, ApiError),
            (429, ApiUnavailableError),
            (503, ApiUnavailableError),
        ],
    )
    def test_answers_become_errors(self, status: int, kind: type[Exception]) -> None:
        with pytest.raises(kind, match="the words"):
            _answer(status, json.dumps({"message": "the words"}).encode())

    def test_a_page_of_a_proxy_is_no_answer(self) -> None:
        with pytest.raises(ApiUnavailableError, match="not JSON"):
            _answer(502, b"<html>bad gateway</html>")
