"""Ctrl-C ends a computation in several processes, however much of it is left."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

SCRIPT = textwrap.dedent("""
    import os
    import time
    from interject_lab.processes import processes


    def hour(number):
        os.write(1, b"begun\\n")  # in one piece: two processes have this output
        time.sleep(3600)


    if __name__ == "__main__":
        with processes(2) as pool:
            list(pool.map(hour, range(8)))
""")


def test_ctrl_c_ends_all_processes_without_their_tracebacks(tmp_path: Path) -> None:
    script = tmp_path / "hours.py"
    script.write_text(SCRIPT)
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == ["begun\n"] * 2
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert said.count("Traceback") == 1, said
    assert said.rstrip().endswith("KeyboardInterrupt")
