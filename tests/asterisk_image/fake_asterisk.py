"""An unpacked Asterisk, replaced by a shell script in the place of its loader.

The script appends its arguments to the file `calls`. $1 is -f (run) or -rx (command).
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
    """Places of the fake; `body` is the rest of the script, with "$1" -f or -rx, "$2" a command."""
    work = tmp_path / "work"
    work.mkdir()
    places = Places.unpacked(tmp_path / "tree", work, os.uname().machine)
    loader = Path(places.program[0])
    loader.parent.mkdir(parents=True)
    loader.write_text(_SCRIPT.format(work=work, body=body))
    loader.chmod(0o755)
    return places
