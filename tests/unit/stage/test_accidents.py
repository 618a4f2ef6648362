"""What an accident's test reads of a pod."""

from typing import Any

from ibgateway_stage.accidents import Lives, lives, restarts, run_folder

Json = dict[str, Any]


def pod(*, uid: str = "a1", gateway: int = 0) -> Json:
    return {
        "metadata": {"uid": uid},
        "status": {
            "containerStatuses": [{"name": "gateway", "restartCount": gateway}],
            "initContainerStatuses": [{"name": "sentinel", "restartCount": 2}],
        },
    }


def test_a_pods_life_has_its_sidecars_restarts_too() -> None:
    assert lives(pod()) == Lives("a1", (("gateway", 0), ("sentinel", 2)))
    assert restarts(pod(), "sentinel") == 2


def test_another_pod_and_a_restart_are_other_lives() -> None:
    assert len({lives(pod()), lives(pod(uid="b2")), lives(pod(gateway=1))}) == 3


def test_the_node_has_what_wrapper_and_sentinel_say_under_the_pods_uid() -> None:
    assert run_folder(pod()) == "/var/lib/kubelet/pods/a1/volumes/kubernetes.io~empty-dir/run"
