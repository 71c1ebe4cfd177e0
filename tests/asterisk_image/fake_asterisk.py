"""A tree with a shell script for an Asterisk, started as an unpacked one: by its loader.

The script writes its arguments to `calls`. Started with -f it runs until a signal that it heeds;
with -rx it answers.
"""

import os
from pathlib import Path

from asterisk_config.places import Places

_SCRIPT = """\
#!/bin/sh
shift 5  # --library-path DIR PROGRAM -C FILE
echo "$*" >> {work}/calls
{body}
"""


def make(tmp_path: Path, body: str) -> Places:
    """Places of a fake whose script goes on with `body`; "$1" is -f or -rx, "$2" the command."""
    work = tmp_path / "work"
    work.mkdir()
    places = Places.unpacked(tmp_path / "tree", work, os.uname().machine)
    loader = Path(places.program[0])
    loader.parent.mkdir(parents=True)
    loader.write_text(_SCRIPT.format(work=work, body=body))
    loader.chmod(0o755)
    return places
