"""A body as few bytes: what tells it from another one of its sort. Pure.

A thousand gateways have 22,000 objects that differ in names, uids and times alone, and as dicts each takes
ten times its JSON. So an object is deflated against a sample of its sort, which leaves some hundred bytes.
"""

import json
import zlib
from dataclasses import dataclass
from typing import Any, Final

from ibgateway_operator.model.manifests import Manifest

_LEVEL: Final = 1
_RAW: Final = -zlib.MAX_WBITS
"""No header and no checksum: nothing but this process reads it."""
_WINDOW: Final = 1 << zlib.MAX_WBITS
"""Bytes of a sample that deflate can look back to."""


@dataclass(frozen=True, slots=True)
class PackedBody:
    """A body's bytes, and the sample they were deflated against."""

    data: bytes
    sample: bytes

    def unpacked(self) -> Manifest:
        """The body; a new value each time."""
        inflater = zlib.decompressobj(_RAW, zdict=self.sample)
        body: Manifest = json.loads(inflater.decompress(self.data) + inflater.flush())
        return body


class BodyPacker:
    """Packs bodies. Of each sort the longest is the sample, unless it is hardly longer than the last one."""

    def __init__(self) -> None:
        self._samples: dict[Any, bytes] = {}

    def packed(self, body: Manifest, sort: object) -> PackedBody:
        """A body of a sort: those of one sort resemble each other."""
        text = json.dumps(body, separators=(",", ":")).encode()
        sample = self._samples.get(sort, b"")
        if len(text) > len(sample) * 1.1:
            sample = self._samples[sort] = text[-_WINDOW:]
        deflater = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW, zdict=sample)
        return PackedBody(deflater.compress(text) + deflater.flush(), sample)
