"""Secrets: where they are looked for, and that no message has any part of one."""

import os
from pathlib import Path

import pytest

from media_pod.errors import SetupError
from media_pod.manifest.providers import SecretKeyRef, SecretSource
from media_pod.providers.secret_values import MAX_SECRET_BYTES, SecretReader

REF = SecretKeyRef(name="openai", key="api-key")
BOTH = SecretSource(env="OPENAI_API_KEY", secret_key_ref=REF)
PATH = "spec.llm.apiKey"


class Place:
    """A mounted folder and an environment."""

    def __init__(self, mount: Path) -> None:
        self.environ: dict[str, str] = {}
        self.file = mount / REF.name / REF.key
        self.file.parent.mkdir()
        self.reader = SecretReader(self.environ, mount)

    def value(self, source: SecretSource | None = BOTH) -> str | None:
        return self.reader.value(source, PATH)

    def problem(self, source: SecretSource = BOTH) -> str:
        with pytest.raises(SetupError) as raised:
            self.value(source)
        shown = str(raised.value)
        assert shown.startswith(f"{PATH}: found ")
        assert "; allowed: " in shown
        assert "\n" not in shown
        return shown


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_nothing_is_read_where_nothing_is_named(place: Place) -> None:
    assert place.value(None) is None


def test_the_mounted_file_is_preferred(place: Place) -> None:
    place.environ["OPENAI_API_KEY"] = "sk-env"
    assert place.value() == "sk-env"
    place.file.write_text("sk-file\n")
    assert place.value() == "sk-file"


def test_an_empty_file_is_none(place: Place) -> None:
    place.file.write_text(" \n")
    place.environ["OPENAI_API_KEY"] = "sk-env"
    assert place.value() == "sk-env"


def test_a_missing_secret_names_both_places(place: Place) -> None:
    place.environ["OPENAI_API_KEY"] = "  "
    shown = place.problem()
    assert f"no file {place.file} (key api-key of Secret openai)" in shown
    assert "no environment variable OPENAI_API_KEY" in shown
    assert shown.endswith("allowed: one of them, not empty")


def test_only_the_places_that_are_named_are_looked_at(place: Place) -> None:
    place.file.write_text("sk-file")
    assert "Secret" not in place.problem(SecretSource(env="OPENAI_API_KEY"))
    place.file.unlink()
    place.environ["OPENAI_API_KEY"] = "sk-env"
    assert "environment" not in place.problem(SecretSource(secret_key_ref=REF))


def test_a_file_that_cannot_be_a_key_is_refused(place: Place) -> None:
    place.file.write_text("x" * MAX_SECRET_BYTES)
    assert place.value() == "x" * MAX_SECRET_BYTES
    place.file.write_text("sk-secret" + "x" * MAX_SECRET_BYTES)
    shown = place.problem()
    assert f"more than {MAX_SECRET_BYTES} bytes" in shown
    assert "sk-secret" not in shown


def test_a_folder_in_place_of_the_file_is_refused(place: Place) -> None:
    place.file.mkdir()
    assert "cannot be read (Is a directory)" in place.problem()


def test_bytes_that_are_no_text_are_refused_and_not_shown(place: Place) -> None:
    place.file.write_bytes(b"sk-secret\xff")
    with pytest.raises(SetupError) as raised:
        place.value()
    assert "not UTF-8" in place.problem()
    assert "sk-secret" not in str(raised.value)
    # Its cause would carry the bytes to whoever logs it.
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__

    place.file.unlink()
    place.environ["OPENAI_API_KEY"] = os.fsdecode(b"sk-secret\xff")
    shown = place.problem()
    assert "not UTF-8" in shown
    assert "sk-secret" not in shown
