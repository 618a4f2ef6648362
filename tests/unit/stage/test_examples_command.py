"""`make example-image` ends with what is to be written into a manifest."""

import pytest
from click.testing import CliRunner

from ibgateway_cluster import Cluster
from ibgateway_stage import __main__ as stage_commands
from ibgateway_stage import examples


def test_the_image_is_told_as_the_manifests_of_the_examples_have_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    provided: list[object] = []
    monkeypatch.setattr(Cluster, "attach", classmethod(lambda cls: "cluster"))
    monkeypatch.setattr(examples, "provide", lambda cluster, _report: provided.append(cluster))
    told = CliRunner().invoke(stage_commands.cli, ["examples"])
    assert told.exit_code == 0, told.output
    assert provided == ["cluster"]
    [gateway] = examples.manifests("ib_async/paper.yaml")
    image = gateway["spec"]["executor"]["image"]
    assert f"{{repository: {image['repository']}, tag: {image['tag']}}}" in told.output
    assert f"image: {image['repository']}:{image['tag']} " in told.output
