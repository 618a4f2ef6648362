"""Copies of bodies: what goes over the wire is JSON, so a copy is what JSON makes of it."""

import json

from ibgateway_operator.model.manifests import Manifest


def copied(body: Manifest) -> Manifest:
    """A body of its own. Raises TypeError for what no API server could be told."""
    copy: Manifest = json.loads(json.dumps(body))
    return copy
