"""What is made of the charts by rendering them: their READMEs, the kustomize base, the OLM bundle.

`python -m ibgateway_charts.derived` (`make charts`) writes them; a test compares them with what lies there.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Final

import yaml

from ibgateway_charts import bundled, kustomized
from ibgateway_charts.generated import CHARTS, GATEWAY_CHART, OPERATOR_CHART
from ibgateway_charts.rendering import Helm, Release, helm_program
from ibgateway_charts.tools import program
from ibgateway_cluster.command import run

KUSTOMIZE: Final = CHARTS / "kustomize"
BUNDLE: Final = CHARTS / "olm"
RELEASE: Final = Release("ibgateway-operator", kustomized.NAMESPACE)


def files(helm: Helm) -> dict[Path, str]:
    """Every derived file with the content it must have."""
    rendered = helm.render(OPERATOR_CHART, {}, RELEASE)
    chart = yaml.safe_load((OPERATOR_CHART / "Chart.yaml").read_text())
    bundle = bundled.files(rendered, chart)
    return {
        **readmes(),
        KUSTOMIZE / "operator.yaml": kustomized.base(rendered),
        **{BUNDLE / place: text for place, text in bundle.items()},
    }


def readmes() -> dict[Path, str]:
    """The READMEs as helm-docs makes them; it writes beside the values, so it gets a copy."""
    with tempfile.TemporaryDirectory() as scratch:
        for chart in (OPERATOR_CHART, GATEWAY_CHART):
            folder = Path(scratch) / chart.name
            folder.mkdir()
            for name in ("Chart.yaml", "values.yaml", "README.md.gotmpl"):
                shutil.copy(chart / name, folder)
        words = ["--sort-values-order=file", "--skip-version-footer", "--log-level=warning"]
        run([str(program("helm-docs")), f"--chart-search-root={scratch}", *words], timeout=60)
        return {
            chart / "README.md": (Path(scratch) / chart.name / "README.md").read_text()
            for chart in (OPERATOR_CHART, GATEWAY_CHART)
        }


def main() -> None:
    """Write every derived file."""
    with tempfile.TemporaryDirectory() as home:
        for place, content in files(Helm(Path(helm_program()), Path(home))).items():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content)


if __name__ == "__main__":
    main()
