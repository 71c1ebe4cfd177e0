"""CEL validation rules that the API server evaluates, beyond each field's type and range.

Each rule is declared in its model, next to the pydantic validator of the same check. Three sorts of
rules have no such validator: checks for clusters only, transition rules (immutable fields), and the
pattern of `metadata.name`, which its pydantic type covers but a CRD schema cannot.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ConfigDict

RULES_KEY = "x-kubernetes-validations"
"""Key of the rules in a JSON schema."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One CEL validation rule (https://kubernetes.io/docs/reference/using-api/cel/)."""

    cel: str
    """Expression that is true for a valid object. `self` is the object, `oldSelf` the one before an
    update."""
    found: str
    """What an invalid object has; a CEL expression in braces is replaced by its value."""
    allowed: str
    """What is valid, and how to fix the object; plain text, also shown in the reference."""
    field: str = ""
    """Path, from `self`, of the field to report, such as `.httpPort`."""
    reason: Literal["FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired"] = (
        "FieldValueInvalid"
    )

    def as_validation(self) -> dict[str, str]:
        """The rule as an entry of x-kubernetes-validations."""
        allowed = f"allowed: {self.allowed}"
        validation = {
            "rule": self.cel,
            "messageExpression": _text(f"found {self.found}; {allowed}"),
            "message": allowed,  # fallback if messageExpression fails or exceeds its cost limit
            "reason": self.reason,
        }
        return validation | ({"fieldPath": self.field} if self.field else {})


def in_cluster(*rules: Rule) -> ConfigDict:
    """The `model_config` of a model with CEL `rules`."""
    extra: dict[str, Any] = {RULES_KEY: [rule.as_validation() for rule in rules]}
    return ConfigDict(json_schema_extra=extra)


def absolute_in_cluster(field: str) -> Rule:
    """The rule that the path in `field` is absolute: a ConfigMap has the document alone."""
    return Rule(
        f"!has(self.{field}) || self.{field}.startsWith('/')",
        found=f"{{self.{field}}}",
        allowed="in a cluster an absolute path, of a file in the image or in a volume of "
        "podTemplate",
        field=f".{field}",
    )


def _text(template: str) -> str:
    """A CEL expression for the text of `template`.

    Uses format(), not + and string(): the API server's cost estimate for those is unbounded, and it
    rejects the CRD.
    """
    parts = re.split(r"\{(.*?)\}", template)
    plain = "%s".join(part.replace("%", "%%") for part in parts[::2])
    quoted = plain.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{quoted}'.format([{', '.join(parts[1::2])}])"
