"""What a heap is made of, by type: a thing is counted once, and what only others hold is counted too."""

from scale_world.heap import census, report


class Ballast:
    """Something that can be told from everything else."""

    def __init__(self, text: str) -> None:
        self.text = text


def test_objects_and_what_they_hold_are_counted() -> None:
    before = census()["types"].get("builtins.str", {"MiB": 0.0})["MiB"]
    kept = [Ballast(str(n) * 300) for n in range(20_000)]
    found = census()["types"]
    name = f"{Ballast.__module__}.{Ballast.__qualname__}"
    assert found[name]["number"] == len(kept)
    assert found["builtins.str"]["MiB"] - before > 20


def test_the_report_has_the_kernels_figures_too() -> None:
    kept = [Ballast(str(n) * 300) for n in range(20_000)]
    found = report()
    assert len(kept) == 20_000
    assert found["objects, MiB"] > 20
    assert found["resident"]["VmRSS"] > 1
    assert found["resident, trimmed"]["VmRSS"] > 1
