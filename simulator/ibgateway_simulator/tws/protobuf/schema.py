"""The protobuf messages as classes of the protobuf library, made from the table of their fields."""

import re
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from ibgateway_simulator.errors import WireError
from ibgateway_simulator.tws.protobuf.fields import ANSWERS, PARTS, REQUESTS

PACKAGE = "protobuf"
FIELD = re.compile(r"(\w+) (\w+) = (\d+);")
SCALARS = {
    "int32": FieldDescriptorProto.TYPE_INT32,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "double": FieldDescriptorProto.TYPE_DOUBLE,
    "string": FieldDescriptorProto.TYPE_STRING,
    "bool": FieldDescriptorProto.TYPE_BOOL,
}


def _message(name: str, fields: str) -> DescriptorProto:
    made = DescriptorProto(name=name)
    for index, (kind, field, number) in enumerate(FIELD.findall(fields)):
        made.oneof_decl.add(name=f"_{field}")
        made.field.add(
            name=field,
            number=int(number),
            label=FieldDescriptorProto.LABEL_OPTIONAL,
            type=SCALARS.get(kind, FieldDescriptorProto.TYPE_MESSAGE),
            type_name=None if kind in SCALARS else f".{PACKAGE}.{kind}",
            oneof_index=index,
            proto3_optional=True,
        )
    return made


def _classes() -> dict[str, Any]:
    tables = {**PARTS, **REQUESTS, **ANSWERS}
    file = FileDescriptorProto(name="ibgateway_simulator.proto", package=PACKAGE, syntax="proto3")
    file.message_type.extend(_message(name, fields) for name, fields in tables.items())
    pool = DescriptorPool()
    pool.Add(file)
    return {
        name: GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in tables
    }


CLASSES = _classes()


def make(name: str, **values: Any) -> Any:
    """A message with these values; None leaves a field out."""
    return CLASSES[name](**{key: value for key, value in values.items() if value is not None})


def parse(name: str, content: bytes) -> Any:
    """A message of its bytes; raises WireError where they are none."""
    try:
        return CLASSES[name].FromString(content)
    except DecodeError as error:
        raise WireError(f"no {name}: {error}") from None


def shown(message: Any) -> dict[str, Any]:
    """The values that a message has, by name; 64-bit numbers are strings."""
    document: dict[str, Any] = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return document
