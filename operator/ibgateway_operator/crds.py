"""`python -m ibgateway_operator.crds` prints the CustomResourceDefinition that `crds/` holds."""

import sys

import yaml

from ibgateway_api.crd import crd

HEADER = "# Made by `make crds` from api/; never edited by hand.\n"


def text() -> str:
    """The YAML file's whole content."""
    return HEADER + yaml.safe_dump(crd(), sort_keys=False, width=100)


if __name__ == "__main__":
    sys.stdout.write(text())
