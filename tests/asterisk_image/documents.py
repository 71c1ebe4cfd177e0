"""Values documents for tests."""

from typing import Any

from asterisk_config.values import Values, load_values


def values(**document: Any) -> Values:
    """Values from a valid document."""
    return load_values(document, "values.yaml")


def phone(name: str = "601", **more: Any) -> dict[str, Any]:
    return {"name": name, "password": {"value": "secret"}, **more}


def trunk(name: str = "acme", **more: Any) -> dict[str, Any]:
    return {"name": name, "host": "sip.example.com", **more}


def account(**more: Any) -> dict[str, Any]:
    return trunk(user="me", password={"value": "secret"}, **more)
