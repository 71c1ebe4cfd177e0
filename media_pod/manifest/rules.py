"""What the API server has to check beyond each field's own type and range.

A rule stands in its model beside the validator that says the same to a laptop. Three sorts have no
validator there: what holds in a cluster alone, what may not change while an agent lives, and, of
`metadata.name`, what its own type says already (a CRD cannot give that field a type).
"""

import re
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ConfigDict

RULES_KEY = "x-kubernetes-validations"
"""Where a JSON schema has its rules."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One fact about an object, in CEL, the API server's language for such facts."""

    cel: str
    """True of a good object, which is `self`; what it was before a change is `oldSelf`."""
    found: str
    """What a bad object has; CEL in braces stands for the text that it gives."""
    allowed: str
    """What it may have, and what to do about it; plain text, which the reference shows too."""
    field: str = ""
    """The field that is to blame, as a path from `self`, such as `.httpPort`."""
    reason: Literal["FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired"] = (
        "FieldValueInvalid"
    )

    def as_validation(self) -> dict[str, str]:
        """The rule as a CRD has it."""
        allowed = f"allowed: {self.allowed}"
        validation = {
            "rule": self.cel,
            "messageExpression": _text(f"found {self.found}; {allowed}"),
            "message": allowed,  # for the case that messageExpression fails or costs too much
            "reason": self.reason,
        }
        return validation | ({"fieldPath": self.field} if self.field else {})


def in_cluster(*rules: Rule) -> ConfigDict:
    """The `model_config` of a model to whose objects `rules` apply."""
    extra: dict[str, Any] = {RULES_KEY: [rule.as_validation() for rule in rules]}
    return ConfigDict(json_schema_extra=extra)


def _text(template: str) -> str:
    """CEL for the text of `template`.

    By format(), never by + and string(): of those the API server estimates that they may cost any
    amount, and refuses them.
    """
    parts = re.split(r"\{(.*?)\}", template)
    plain = "%s".join(part.replace("%", "%%") for part in parts[::2])
    quoted = plain.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{quoted}'.format([{', '.join(parts[1::2])}])"
