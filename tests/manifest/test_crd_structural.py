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


class Lion(StrictModel):
    """Roars."""

    kind: Literal["lion"] = Field(description="A lion.")
    lives: int = Field(default=1, ge=1, le=9, description="Its only life.")
    mane: bool = Field(description="Whether it has a mane.")


class Hydra(StrictModel):
    """Has many."""

    kind: Literal["hydra"] = Field(description="A hydra.")
    lives: int = Field(default=100, ge=1, le=100, description="Lives left.")


class House(StrictModel):
    """Has one of them."""

    pet: Annotated[Cat | Dog, Field(discriminator="kind")] = Field(description="The pet.")


class Zoo(StrictModel):
    """Two of its kinds have lives."""

    pet: Annotated[Cat | Dog | Lion, Field(discriminator="kind")] = Field(
        default=Lion(kind="lion", mane=True), description="The pet."
    )


class Cave(StrictModel):
    """Has one of them, and both have lives."""

    pet: Annotated[Cat | Hydra, Field(discriminator="kind")] = Field(description="The pet.")


def test_kinds_become_one_object_whose_rules_tell_them_apart() -> None:
    pet = structural(House)["properties"]["pet"]
    assert list(pet["properties"]) == ["kind", "lives", "leashM"]
    assert pet["properties"]["kind"]["enum"] == ["cat", "dog"]
    assert pet["required"] == ["kind"]
    assert [rule["rule"] for rule in pet[RULES_KEY]] == [
        "!has(self.lives) || self.kind in ['cat']",
        "!has(self.leashM) || self.kind in ['dog']",
        "!(self.kind in ['dog']) || has(self.leashM)",
    ]
    assert "default" not in pet["properties"]["lives"]


def test_a_field_of_several_kinds_has_one_schema_and_the_words_of_each() -> None:
    pet = structural(Zoo)["properties"]["pet"]
    assert pet["properties"]["lives"] == {
        "description": "Only with kind cat. Lives left. Only with kind lion. Its only life.",
        "type": "integer",
        "format": "int32",
        "minimum": 1,
        "maximum": 9,
    }
    assert pet["properties"]["mane"]["description"] == "Only with kind lion. Whether it has a mane."
    rules = [rule["rule"] for rule in pet[RULES_KEY]]
    assert "!has(self.lives) || self.kind in ['cat', 'lion']" in rules
    assert "!(self.kind in ['lion']) || has(self.mane)" in rules


def test_a_field_of_all_kinds_is_forbidden_to_none() -> None:
    class Tiger(Cat):
        """Has stripes."""

        kind: Literal["tiger"] = Field(description="A tiger.")  # type: ignore[assignment]

    class Jungle(StrictModel):
        """Has one of them."""

        pet: Annotated[Cat | Tiger, Field(discriminator="kind")] = Field(description="The pet.")

    pet = structural(Jungle)["properties"]["pet"]
    assert pet["properties"]["lives"]["description"] == "Lives left."
    assert RULES_KEY not in pet


def test_a_default_of_a_union_is_its_kind_alone() -> None:
    assert structural(Zoo)["properties"]["pet"]["default"] == {"kind": "lion"}


def test_two_kinds_with_different_schemas_of_one_field_are_refused() -> None:
    with pytest.raises(
        ValueError, match="lives has one schema with kind cat, another with kind hydra"
    ):
        structural(Cave)


def test_a_rule_of_one_kind_is_a_rule_for_that_kind_alone() -> None:
    class Fish(StrictModel):
        """Swims."""

        kind: Literal["fish"] = Field(description="A fish.")
        fins: int = Field(default=2, ge=0, le=9, description="Number of fins.")
        model_config = in_cluster(
            Rule(
                "!has(self.fins) || self.fins != 1",
                found="{self.fins} fin",
                allowed="no fin or several",
                field=".fins",
            )
        )

    class Pond(StrictModel):
        """Has one of them."""

        pet: Annotated[Cat | Fish, Field(discriminator="kind")] = Field(description="The pet.")

    *_, rule = structural(Pond)["properties"]["pet"][RULES_KEY]
    assert rule["rule"] == "self.kind != 'fish' || (!has(self.fins) || self.fins != 1)"
    assert rule["message"] == "allowed: no fin or several"
    assert rule["fieldPath"] == ".fins"


def test_a_default_has_no_field_without_a_value() -> None:
    class Owner(StrictModel):
        """Owns."""

        name: str = Field(default="Anna", description="Name.")
        phone: str | None = Field(default=None, description="Number.")

    class Leash(StrictModel):
        """Has an owner."""

        owner: Owner = Field(default=Owner(), description="The owner.")

    assert structural(Leash)["properties"]["owner"]["default"] == {"name": "Anna"}


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
