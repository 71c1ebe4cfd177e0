"""Lists in which nothing may be twice."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


@dataclass(frozen=True, slots=True)
class EachOnce:
    """Marks a list whose items must differ, here and in the API server.

    The API server refuses a second one by itself, and lets several people each keep items of their
    own in the list (server-side apply).
    """

    by: str = ""
    """The field by which items are told apart; empty: the whole item, which must be hashable."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        if self.by:
            kind = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [self.by]}
        else:
            kind = {"x-kubernetes-list-type": "set"}
        return handler(schema) | kind

    def _checked(self, items: tuple[Any, ...]) -> tuple[Any, ...]:
        seen: set[Hashable] = set()
        for item in items:
            key = getattr(item, self.by) if self.by else item
            if key in seen:
                raise PydanticCustomError(
                    "clash",
                    "found {key} twice; allowed: each {noun} once",
                    {"key": key, "noun": self.by or "item"},
                )
            seen.add(key)
        return items
