"""The samples of the pages and the manifests of examples/: every YAML document that stands there, as an object that an API server may be asked about."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from ibgateway_api import names
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_house.page_commands import yaml_documents

ROOT: Final = Path(__file__).parents[3]
PLACES: Final = ("*.md", "docs/*.md", "docs/runbooks/*.md", "charts/*/README.md")
EXAMPLES: Final = "examples/*/*.yaml"
FIELDS: Final = frozenset(field.alias or name for name, field in IBGatewaySpec.model_fields.items())


class Sample(NamedTuple):
    """A document of a page, whole: what it left out is filled in with the least that is required."""

    page: str
    number: int
    body: dict[str, Any]


def samples() -> Iterator[Sample]:
    """All of them; what is neither an object nor a part of an IBGateway is none."""
    for place in PLACES:
        for page in sorted(ROOT.glob(place)):
            yield from _of(page, yaml_documents(page.read_text()))
    for manifest in sorted(ROOT.glob(EXAMPLES)):
        yield from _of(manifest, yaml.safe_load_all(manifest.read_text()))


def _of(file: Path, documents: Iterable[Any]) -> Iterator[Sample]:
    for number, document in enumerate(documents, start=1):
        if body := whole(document):
            yield Sample(str(file.relative_to(ROOT)), number, body)


def whole(document: Any) -> dict[str, Any] | None:
    """The object that a document is, or is a part of; None where it is neither."""
    if not isinstance(document, dict):
        return None
    if "kind" in document and document["kind"] != names.KIND:
        return document
    spec = document.get("spec", document if set(document) & FIELDS else None)
    if spec is None:
        return None
    given = {"credentialsSecretRef": {"name": "ib-credentials"}, **spec}
    head = {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": {"name": "sample"}}
    return {**head, **(document if "kind" in document else {}), "spec": given}
