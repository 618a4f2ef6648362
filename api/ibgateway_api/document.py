"""The base of every JSON document and resource model: frozen, camelCase outside, tolerant of more."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Document(BaseModel):
    """A frozen model; unknown fields are ignored so that an old program survives a newer writer."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
    )

    def to_json(self) -> str:
        """The document as JSON with its outside names, without nulls."""
        return self.model_dump_json(by_alias=True, exclude_none=True)
