"""What every program counts the same way."""

import threading
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from ibgateway_runtime import volume
from ibgateway_runtime.figures import Figure, VolumeSize, at, flag, known
from ibgateway_runtime.metrics import Figures, Stopwatch, metrics_route, registry_of
from ibgateway_runtime.volume import VolumeWatch


def text_of(registry: CollectorRegistry) -> list[str]:
    return generate_latest(registry).decode().splitlines()


def test_a_program_says_which_version_it_is_and_what_its_process_uses() -> None:
    lines = text_of(registry_of("sentinel"))
    assert 'ibgateway_build_info{program="sentinel",version="0.1.0"} 1.0' in lines
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines)


def test_nothing_has_a_second_series_that_says_when_it_was_made() -> None:
    registry = registry_of("sentinel")
    Counter("some", "Some", registry=registry).inc()
    Histogram("other", "Other", registry=registry).observe(1)
    assert [line for line in text_of(registry) if "_created" in line] == []


def test_what_is_not_known_has_no_series_and_is_announced_all_the_same() -> None:
    views: list[int] = []
    figure: Figure[int] = Figure("age_seconds", "Age", lambda view: known(view or None))
    registry = CollectorRegistry()
    registry.register(Figures([figure], lambda: views[-1] if views else None))
    announced = ["# HELP age_seconds Age", "# TYPE age_seconds gauge"]
    assert text_of(registry) == announced
    views.append(0)
    assert text_of(registry) == announced
    views.append(7)
    assert text_of(registry) == [*announced, "age_seconds 7.0"]


def test_a_name_is_given_once() -> None:
    registry = CollectorRegistry()
    figure: Figure[int] = Figure("age_seconds", "Age", known)
    registry.register(Figures([figure], lambda: 1))
    with pytest.raises(ValueError, match="Duplicated"):
        registry.register(Figures([figure], lambda: 1))


def test_series_of_flags_and_moments() -> None:
    assert (flag(""), flag("x"), at(None), known(2.5)) == ({(): 0.0}, {(): 1.0}, {}, {(): 2.5})


def test_a_stopwatch_adds_up_what_each_state_has_lasted() -> None:
    now = 100.0
    registry = CollectorRegistry()
    watch = Stopwatch(Counter("spent", "Spent", ["state"], registry=registry), lambda: now)
    for at_second, state in ((100.0, "in"), (103.0, "out"), (110.0, "out"), (111.0, "in")):
        now = at_second
        watch.be_in(state)
    spent = {s: registry.get_sample_value("spent_total", {"state": s}) for s in ("in", "out")}
    assert spent == {"in": 3.0, "out": 8.0}


async def test_a_volume_tells_its_size(tmp_path: Path) -> None:
    watch = VolumeWatch(tmp_path)
    await watch.look()
    assert watch.size is not None
    assert 0 < watch.size.available <= watch.size.size
    gone = VolumeWatch(tmp_path / "gone")
    await gone.look()
    assert gone.size is None


async def test_a_volume_that_hangs_is_asked_once_and_holds_up_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answers, asked = threading.Event(), []

    def hangs(folder: Path) -> VolumeSize:
        asked.append(folder)
        answers.wait(30)
        return VolumeSize(2.0, 1.0)

    monkeypatch.setattr(volume, "_size", hangs)
    watch = VolumeWatch(tmp_path, patience=0.01)
    for _ in range(3):
        await watch.look()
        assert watch.size is None
    assert asked == [tmp_path]
    answers.set()
    watch = VolumeWatch(tmp_path, patience=30)
    await watch.look()
    assert watch.size == VolumeSize(2.0, 1.0)


@pytest.mark.parametrize("aside", [True, False])
async def test_many_series_are_written_where_they_hold_up_nothing(aside: bool) -> None:
    registry, threads = CollectorRegistry(), []

    def look() -> int:
        threads.append(threading.current_thread() is threading.main_thread())
        return 1

    figure: Figure[int] = Figure("age_seconds", "Age", known)
    registry.register(Figures([figure], look))
    looked: list[int] = []

    async def before() -> None:
        looked.append(len(threads))

    app = web.Application()
    app.add_routes([metrics_route(registry, before, aside=aside)])
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/metrics")
        assert "age_seconds 1.0" in await answer.text()
    assert (looked, threads) == ([0], [not aside])
