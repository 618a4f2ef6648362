"""The fields of protobuf messages as IBKR's own client has them: `python nautilus_fields.py NAME...`.

Prints one JSON document: by message and field the number on the wire, the type's number, and the name of a message inside.
"""

import importlib
import json
import sys


def fields(name):
    descriptor = getattr(importlib.import_module(f"ibapi.protobuf.{name}_pb2"), name).DESCRIPTOR
    return {
        field.name: [field.number, field.type, field.message_type and field.message_type.name]
        for field in descriptor.fields
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps({name: fields(name) for name in sys.argv[1:]}))
