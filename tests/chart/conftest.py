"""The helm program that every chart test runs."""

from pathlib import Path

import pytest

from ibgateway_charts.rendering import Helm, helm_program


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Helm with a home of its own; built once where the machine has none."""
    return Helm(Path(helm_program()), tmp_path_factory.mktemp("helm"))
