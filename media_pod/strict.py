"""The base of every model that a document is read into.

On the wire keys are camelCase; unknown keys, wrong types and values out of range are refused.
"""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class StrictModel(BaseModel):
    """Takes what it documents and nothing else; never changes once it is read."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,  # for Python code; documents are read by their aliases alone
        serialize_by_alias=True,
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
    )
