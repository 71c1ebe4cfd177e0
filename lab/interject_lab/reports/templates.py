"""The templates of the HTML pages, and what their data needs."""

import base64

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


def template(name: str) -> Template:
    """The template `name` of this folder; it escapes all text."""
    environment = Environment(
        loader=PackageLoader("interject_lab.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["minutes"] = _minutes
    return environment.get_template(name)


def as_base64(data: bytes) -> str:
    """For a data URI."""
    return base64.b64encode(data).decode("ascii")


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
