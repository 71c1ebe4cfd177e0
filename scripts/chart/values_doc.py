#!/usr/bin/env python3
"""Makes the schema and the tables of the chart's values from the comments in its values.yaml.

The chart's copy of the VoiceAgent resource is made here too: Helm packs nothing from outside.

    values_doc.py [--root FOLDER] [--check]

Writes charts/interject/values.schema.json and files/crds, docs/values.md, and the table in the
chart's README.md.
With --check nothing is written: exit code 1 and a line for each file that is not what it would be.
"""

import argparse
import json
import sys
from pathlib import Path

from values_schema import schema
from values_table import tables
from values_tree import UndocumentedError, Value, read_values

ROOT = Path(__file__).resolve().parents[2]
CHART = Path("charts/interject")
README = CHART / "README.md"
CRD = "crds/voiceagents.interject.dev.yaml"
BEGIN, END = "<!-- values -->\n", "<!-- end of values -->\n"
TITLE = """\
# Values of the chart

Written by `make chart-docs` from the comments in charts/interject/values.yaml. `helm install`
refuses a key that is not here, and a value that is not what it should be.

"""


def main() -> int:
    parser = argparse.ArgumentParser(description="schema and tables of the chart's values")
    parser.add_argument("--root", type=Path, default=ROOT, help="of the repository")
    parser.add_argument("--check", action="store_true", help="write nothing, say what differs")
    arguments = parser.parse_args()
    root: Path = arguments.root
    try:
        wanted = documents(root, read_values(root / CHART / "values.yaml"))
    except UndocumentedError as error:
        sys.stderr.write(f"values_doc: {error}\n")
        return 2
    stale = [path for path, text in wanted.items() if _read(root / path) != text]
    for path in stale:
        if arguments.check:
            sys.stderr.write(
                f"values_doc: {path} differs from what it is made of; make chart-docs\n"
            )
        else:
            (root / path).write_text(wanted[path])
    return 1 if arguments.check and stale else 0


def documents(root: Path, values: dict[str, Value]) -> dict[Path, str]:
    """What each file should have in it, by its path below `root`."""
    table = tables(values)
    before, _, rest = _read(root / README).partition(BEGIN)
    _, _, after = rest.partition(END)
    return {
        CHART / "values.schema.json": json.dumps(schema(values), indent=2) + "\n",
        Path("docs/values.md"): TITLE + table.replace("\n### ", "\n## "),
        CHART / "files" / CRD: _read(root / CRD),
        README: f"{before}{BEGIN}\n{table}\n{END}{after}",
    }


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
