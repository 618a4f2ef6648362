"""The generated schema is structural, and the models read back what they write."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from ibgateway_api.crd import crd, schema_of
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_api.status import IBGatewayStatus

SPEC = schema_of(IBGatewaySpec)


def nodes(schema: Any) -> list[dict[str, Any]]:
    """Every schema node below and including `schema`."""
    if not isinstance(schema, dict):
        return []
    below = [schema.get("items"), *schema.get("properties", {}).values()]
    return [schema, *(n for item in below for n in nodes(item))]


def test_no_node_says_what_a_structural_schema_cannot() -> None:
    for schema in (SPEC, schema_of(IBGatewayStatus)):
        for node in nodes(schema):
            assert "type" in node or node.get("x-kubernetes-int-or-string")
            assert not {"$ref", "anyOf", "oneOf", "title", "const"} & node.keys()


def test_every_field_is_described() -> None:
    for schema in (SPEC, schema_of(IBGatewayStatus)):
        for node in nodes(schema):
            for name, field in node.get("properties", {}).items():
                assert field.get("description"), name


def test_every_list_and_string_of_the_spec_is_bounded() -> None:
    for node in nodes(SPEC):
        if node.get("type") == "array":
            assert "maxItems" in node
        if node.get("type") == "string" and "enum" not in node:
            assert "maxLength" in node


def test_every_parent_object_has_a_default() -> None:
    properties = SPEC["properties"]
    for name in ("weeklyRestart", "novnc", "notifications", "networkPolicy"):
        assert properties[name]["default"] == {}
    for name in ("gateway", "login", "executor"):
        assert properties[name]["default"], "rules are checked on the default as it is written"


def test_only_the_credentials_are_required() -> None:
    assert SPEC["required"] == ["credentialsSecretRef"]


def test_a_union_of_types_is_refused() -> None:
    class Loose(BaseModel):
        value: int | str

    with pytest.raises(TypeError, match="not structural"):
        schema_of(Loose)


def test_paper_is_the_default_and_live_is_never_one() -> None:
    spec = IBGatewaySpec.model_validate({"credentialsSecretRef": {"name": "ib"}})
    assert spec.trading_mode == "paper"
    assert "live" not in [node.get("default") for node in nodes(SPEC)]


def test_unknown_fields_are_ignored_and_wrong_ones_refused() -> None:
    ok = {"credentialsSecretRef": {"name": "ib"}, "fromTheFuture": 1}
    assert IBGatewaySpec.model_validate(ok).credentials_secret_ref.name == "ib"
    with pytest.raises(ValidationError, match="maxAttempts"):
        IBGatewaySpec.model_validate({**ok, "login": {"maxAttempts": 0}})


def test_names_and_columns_are_the_documented_ones() -> None:
    spec = crd()["spec"]
    assert spec["names"]["shortNames"] == ["ibgw"]
    assert spec["names"]["categories"] == ["all"]
    version = spec["versions"][0]
    shown = [c["name"] for c in version["additionalPrinterColumns"] if not c.get("priority")]
    assert shown == ["Mode", "Ready", "Login", "Executor", "Next restart", "Age"]
    assert version["subresources"] == {"status": {}}
