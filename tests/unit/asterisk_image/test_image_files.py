"""What the Dockerfile copies is all that the configuration needs."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
LIBRARY = "/usr/lib/interject/"


def test_the_copied_files_are_enough_to_run(tmp_path: Path) -> None:
    dockerfile = (ROOT / "asterisk-image" / "Dockerfile").read_text().replace("\\\n", " ")
    for line in re.findall(r"^COPY (.+)$", dockerfile, re.MULTILINE):
        *sources, target = line.split()
        folder = tmp_path / target.removeprefix(LIBRARY)
        for source in map(ROOT.joinpath, sources):
            if source.is_dir():
                shutil.copytree(source, folder)
            else:
                folder.mkdir(exist_ok=True)
                shutil.copy(source, folder)

    # The folder comes first on the path, so that what is missing in it is not found elsewhere.
    run = subprocess.run(
        [sys.executable, "-m", "asterisk_config", "snippet"],
        cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip

    assert run.returncode == 0, run.stderr
    assert "[interject]" in run.stdout
