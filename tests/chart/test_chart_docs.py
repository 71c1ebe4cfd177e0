"""Examples of values in docs/how-to/install.md are valid."""

import re
from collections.abc import Iterator

import yaml

from chart.cases import METRICS_API
from chart.rendering import ROOT, Json, loaded, objects, texts

PAGE = (ROOT / "docs" / "how-to" / "install.md").read_text()
_BLOCK = re.compile(r"(?:^ {4}.*\n)+", re.MULTILINE)


def examples() -> Iterator[Json]:
    """Each indented block that contains values of the chart."""
    for block in _BLOCK.findall(PAGE):
        try:
            value = yaml.safe_load(block)
        except yaml.YAMLError:
            continue  # commands
        if isinstance(value, dict) and value.keys() <= loaded().values.keys():
            yield value


def test_examples_of_values_are_valid() -> None:
    found = list(examples())
    assert len(found) >= 4
    for values in found:
        assert objects(values), values


def test_objects_to_delete_have_the_names_in_the_chart() -> None:
    rendered = "".join(texts({"metricsApi": METRICS_API}).values())
    deleted = re.findall(r"kubectl -n interject delete (\S+) (\S+)", PAGE)
    assert {kind for kind, _ in deleted} == {"lease", "secret", "configmap"}
    for _, name in deleted:
        assert name in rendered
