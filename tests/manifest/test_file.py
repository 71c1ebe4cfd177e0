"""Manifest files: the examples load, and an invalid file gets a message of one line."""

from pathlib import Path

import pytest

from media_pod.errors import InterjectError, SetupError
from media_pod.manifest.dialogue import ParcelDeskSettings, ScriptedSettings
from media_pod.manifest.file import read_manifest
from media_pod.manifest.validation import SpecError
from media_pod.manifest.yaml_document import MAX_BYTES

EXAMPLES = Path(__file__).parents[2] / "examples"
HEAD = "apiVersion: interject.dev/v1alpha1\nkind: VoiceAgent\nmetadata: {name: a}\n"


def refusal(path: Path) -> str:
    with pytest.raises(InterjectError) as caught:
        read_manifest(path)
    return str(caught.value)


def test_the_examples_load() -> None:
    loaded = {path.name: read_manifest(path) for path in EXAMPLES.glob("*.yaml")}
    assert isinstance(loaded["parcel-desk.yaml"].spec.dialogue, ParcelDeskSettings)
    assert isinstance(loaded["scripted.yaml"].spec.dialogue, ScriptedSettings)
    for name, agent in loaded.items():
        assert f"{agent.metadata.name}.yaml" == name


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    missing = tmp_path / "agnet.yaml"
    with pytest.raises(SetupError) as caught:
        read_manifest(missing)
    assert str(caught.value) == f"{missing}: no such file; give the path of a VoiceAgent manifest"
    assert refusal(tmp_path) == (
        f"{tmp_path}: cannot be read (Is a directory); give a readable file"
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "empty; expected a VoiceAgent manifest"),
        (b"# nothing yet\n---\n", "empty; expected a VoiceAgent manifest"),
        (b"a: 1\n---\nb: 2\n", "has 2 YAML documents; put each agent in its own file"),
        (
            b"spec:\n  turn: {\n",
            "line 3, column 1: not valid YAML: did not find expected node content",
        ),
        (b"a: 1\na: 2\n", "line 2, column 1: not valid YAML: duplicate key 'a'"),
        (b"a: !!python/name:os.system x\n", "could not determine a constructor"),
        (b"a: 2024-13-45\n", "not valid YAML: month must be in 1..12; put the value in quotes"),
        (b"[" * 200_000, "not valid YAML: nested deeper than 100 levels"),
        (b"a:\n- " + b"- " * 200 + b"1\n", "not valid YAML: nested deeper than 100 levels"),
        (b"\xff\xfe\x00\xd8", "not valid YAML"),
        (b"\x7fELF\x00", "not valid YAML"),
        (b"a: 1\n" + b"#" * MAX_BYTES, f"larger than {MAX_BYTES} bytes; a manifest is a few kB"),
    ],
)
def test_a_file_that_is_no_manifest_gets_one_line(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = tmp_path / "agent.yaml"
    path.write_bytes(content)
    with pytest.raises(SpecError) as caught:
        read_manifest(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert problem in message
    assert "\n" not in message


def test_problems_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    path.write_text(f"{HEAD}spec: {{dialogue: {{kind: scripted}}}}\n")
    assert (
        refusal(path)
        == f"{path}: spec.dialogue.script: missing; allowed: a list of 1 to 1000 items"
    )


def test_aliases_that_multiply_do_not_exhaust_memory(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)
    )
    path = tmp_path / "agent.yaml"
    path.write_text(f"{HEAD}{bomb}spec: *a29\n")
    assert "spec: found a list of 9 items" in refusal(path)


def test_merge_keys_work(tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    path.write_text(
        f"{HEAD}spec:\n  dialogue:\n    kind: scripted\n    script:\n"
        "      - &line {say: Hello, pauseMs: 100}\n"
        "      - {<<: *line, say: Goodbye}\n"
    )
    dialogue = read_manifest(path).spec.dialogue
    assert isinstance(dialogue, ScriptedSettings)
    assert [(line.say, line.pause_ms) for line in dialogue.script] == [
        ("Hello", 100),
        ("Goodbye", 100),
    ]
