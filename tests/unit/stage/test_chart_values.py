"""How a stage hands values to helm."""

from ibgateway_stage.stage import leaves, merged


def test_objects_are_walked_and_a_dot_in_a_name_is_no_step() -> None:
    values = {"nodeSelector": {"kubernetes.io/hostname": "n"}, "replicas": 1, "empty": {}}
    assert list(leaves(values)) == [
        (r"nodeSelector.kubernetes\.io/hostname", "n"),
        ("replicas", 1),
        ("empty", {}),
    ]


def test_what_comes_on_top_changes_nothing_beside_it() -> None:
    base = {"images": {"operator": {"repository": "r", "tag": "1"}}, "calendar": {}}
    assert merged(base, {"images": {"operator": {"tag": "2"}}}) == {
        "images": {"operator": {"repository": "r", "tag": "2"}},
        "calendar": {},
    }
