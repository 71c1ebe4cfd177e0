"""docs/how-to/evaluate.md: its reference is that of the models, its example is valid."""

import re
from pathlib import Path
from typing import Final

import yaml

from interject_lab.evaluation.scenario.document import load_scenario
from interject_lab.evaluation.scenario.reference import SECTION, as_markdown
from interject_lab.reports.markdown import markers

PAGE: Final = (Path(__file__).resolve().parents[3] / "docs/how-to/evaluate.md").read_text()


def test_the_page_has_the_reference_of_the_models() -> None:
    begin, end = markers(SECTION)
    section = PAGE.partition(begin)[2].partition(end)[0]
    assert section.strip() == as_markdown()


def test_every_key_is_in_it_with_its_place() -> None:
    text = as_markdown()
    for key in ("untilBotSilent", "afterWords", "heardUpTo", "firstTokenMs", "erlDb", "goto"):
        assert f"| `{key}` |" in text
    assert text.count("### `steps[].expect.calls[]`") == 1


def test_the_example_of_the_page_is_a_scenario() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    made = load_scenario(yaml.safe_load(example), "evaluate.md")
    assert [bool(step.text) for step in made.steps] == [True, True]
