"""The files that the Dockerfile copies are sufficient."""

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIBRARY = "/usr/lib/interject/"


def test_the_files_that_the_dockerfile_copies_are_sufficient(tmp_path: Path) -> None:
    dockerfile = (ROOT / "asterisk-image" / "Dockerfile").read_text().replace("\\\n", " ")
    for line in re.findall(r"^COPY (?!--from=)(.+)$", dockerfile, re.MULTILINE):
        *sources, target = line.split()
        folder = tmp_path / target.removeprefix(LIBRARY)
        for source in map(ROOT.joinpath, sources):
            if source.is_dir():
                shutil.copytree(source, folder)
            else:
                folder.mkdir(exist_ok=True)
                shutil.copy(source, folder)

    # Without `site` nothing leads back to this checkout, where what is missing would be found.
    packages = sysconfig.get_path("purelib")
    run = subprocess.run(
        [sys.executable, "-S", "-m", "asterisk_config", "snippet"],
        cwd=tmp_path, env={"PYTHONPATH": f"{tmp_path}:{packages}"}, capture_output=True, text=True,
    )  # fmt: skip

    assert run.returncode == 0, run.stderr
    assert "[interject]" in run.stdout
