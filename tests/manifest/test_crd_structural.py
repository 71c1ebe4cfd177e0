"""Models to structural schemas: what no model of ours has, and what the next one might."""

from datetime import datetime
from typing import Annotated, Literal

import pytest
from pydantic import Field

from media_pod.manifest.crd.structural import structural
from media_pod.manifest.rules import RULES_KEY, Rule, in_cluster
from media_pod.manifest.validation import StrictModel


class Cat(StrictModel):
    """Meows."""

    kind: Literal["cat"] = Field(description="A cat.")
    lives: int = Field(default=9, ge=1, le=9, description="Lives left.")


class Dog(StrictModel):
    """Barks."""

    kind: Literal["dog"] = Field(description="A dog.")
    leash_m: int = Field(ge=1, le=5, description="Length of the leash, in m.")


class Hydra(StrictModel):
    """Has many."""

    kind: Literal["hydra"] = Field(description="A hydra.")
    lives: int = Field(default=100, ge=1, le=100, description="Lives left.")


class House(StrictModel):
    """Has one of them."""

    pet: Annotated[Cat | Dog, Field(discriminator="kind")] = Field(description="The pet.")


class Cave(StrictModel):
    """Has one of them, and both have lives."""

    pet: Annotated[Cat | Hydra, Field(discriminator="kind")] = Field(description="The pet.")


def test_kinds_become_one_object_whose_rules_tell_them_apart() -> None:
    pet = structural(House)["properties"]["pet"]
    assert list(pet["properties"]) == ["kind", "lives", "leashM"]
    assert pet["properties"]["kind"]["enum"] == ["cat", "dog"]
    assert pet["required"] == ["kind"]
    assert [rule["rule"] for rule in pet[RULES_KEY]] == [
        "!has(self.lives) || self.kind == 'cat'",
        "!has(self.leashM) || self.kind == 'dog'",
        "self.kind != 'dog' || has(self.leashM)",
    ]
    assert "default" not in pet["properties"]["lives"]


def test_two_kinds_with_one_field_are_refused() -> None:
    with pytest.raises(ValueError, match="lives is a field of two kinds; hydra is the second"):
        structural(Cave)


def test_rules_of_one_kind_are_refused() -> None:
    class Fish(StrictModel):
        """Swims."""

        kind: Literal["fish"] = Field(description="A fish.")
        model_config = in_cluster(Rule("true", found="a fish", allowed="none"))

    class Pond(StrictModel):
        """Has one of them."""

        pet: Annotated[Cat | Fish, Field(discriminator="kind")] = Field(description="The pet.")

    with pytest.raises(ValueError, match="fish has its own rules, which would apply to every kind"):
        structural(Pond)


def test_whole_numbers_have_the_format_that_holds_them() -> None:
    class Numbers(StrictModel):
        """Numbers."""

        port: int = Field(ge=0, le=65_535, description="Small.")
        rate: Literal[8000, 16000] = Field(description="One of two.")
        generation: int = Field(ge=0, description="Without an end.")

    fields = structural(Numbers)["properties"]
    assert {name: field["format"] for name, field in fields.items()} == {
        "port": "int32",
        "rate": "int32",
        "generation": "int64",
    }


def test_what_no_structural_schema_can_say_is_refused() -> None:
    class Odd(StrictModel):
        """Odd."""

        number: Annotated[int, Field(multiple_of=2)] = Field(description="Even.")

    with pytest.raises(
        ValueError, match=r"Odd\.number: structural schemas do not allow multipleOf"
    ):
        structural(Odd)


def test_what_may_be_left_out_is_neither_null_nor_needed() -> None:
    class Person(StrictModel):
        """A person."""

        born: datetime | None = Field(default=None, description="When.")

    schema = structural(Person)
    assert schema["properties"]["born"] == {
        "description": "When.",
        "type": "string",
        "format": "date-time",
    }
    assert "required" not in schema


def test_a_rule_is_quoted_for_cel() -> None:
    class Range(StrictModel):
        """From low to high."""

        model_config = in_cluster(
            Rule("self.low < self.high", found="{self.low} of 100 %", allowed="what's lower")
        )

    (rule,) = structural(Range)[RULES_KEY]
    assert rule["messageExpression"] == (
        r"'found %s of 100 %%; allowed: what\'s lower'.format([self.low])"
    )
    assert rule["message"] == "allowed: what's lower"
    assert "fieldPath" not in rule
