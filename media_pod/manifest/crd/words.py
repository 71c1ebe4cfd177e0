"""What a setting may be, in words: for the descriptions of the CRD, and for the reference."""

from typing import Any

from media_pod.manifest.validation import ALLOWED_KEY


def described(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` with every description ending in what is allowed, as `kubectl explain` shows it.

    `kubectl explain` by itself shows an enum, but no range and no pattern.
    """
    words = {key: value for key, value in schema.items() if key != ALLOWED_KEY}
    if "description" in schema:
        told = [schema["description"]]
        if "enum" not in schema and (what := allowed(schema)):
            told.append(f"Allowed: {what}.")
        words["description"] = one_line(" ".join(told))
    if "items" in schema:
        words["items"] = described(schema["items"])
    if "properties" in schema:
        words["properties"] = {name: described(each) for name, each in schema["properties"].items()}
    return words


def allowed(schema: dict[str, Any]) -> str:
    """What a value of `schema` may be; empty where its type says all, or its fields do."""
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
    """`text` without its line breaks, which docstrings have."""
    return " ".join(text.split())
