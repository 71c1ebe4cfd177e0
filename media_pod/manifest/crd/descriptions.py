"""Describes the valid values of a setting, for the CRD's descriptions and for the reference."""

from typing import Any

from media_pod.manifest.validation import ALLOWED_KEY


def with_allowed_values(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` with the valid values appended to every description.

    `kubectl explain` shows the description and an enum, but no range and no pattern.
    """
    words = {key: value for key, value in schema.items() if key != ALLOWED_KEY}
    if "description" in schema:
        parts = [schema["description"]]
        if "enum" not in schema and (what := allowed(schema)):
            parts.append(f"Allowed: {what}.")
        words["description"] = one_line(" ".join(parts))
    if "items" in schema:
        words["items"] = with_allowed_values(schema["items"])
    if "properties" in schema:
        words["properties"] = {
            name: with_allowed_values(each) for name, each in schema["properties"].items()
        }
    return words


def allowed(schema: dict[str, Any]) -> str:
    """The valid values of `schema`; empty if its type, or its fields, already define them."""
    if ALLOWED_KEY in schema:
        return str(schema[ALLOWED_KEY])
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if "minimum" in schema and "maximum" in schema:
        return f"{schema['minimum']} to {schema['maximum']}"
    if "minLength" in schema and "maxLength" in schema:
        return f"{schema['minLength']} to {schema['maxLength']} characters"
    if "minItems" in schema and "maxItems" in schema:
        each = allowed(schema["items"])
        return f"{schema['minItems']} to {schema['maxItems']} items{each and f', each {each}'}"
    return ""


def one_line(text: str) -> str:
    """`text` with all white space, such as a docstring's line breaks, replaced by blanks."""
    return " ".join(text.split())
