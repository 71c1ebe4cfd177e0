"""pipecat, in the user's cache: an environment of its own, as a pipeline that is not the pod's has.

Its packages would move the pod's: it pins some of what both need.
"""

from pathlib import Path
from typing import Final

from rig.environment import Environment

ENVIRONMENT: Final = Environment(
    "pipecat",
    Path(__file__).with_name("pipecat.txt"),
    needed_mb=1200,
    what="pipecat, 120 MB",
    # docopt exists as source alone, and needs nothing to build.
    sources=("docopt",),
)


def install_pipecat() -> str:
    """The folder of the environment, installed first if it is missing. Raises as `install`."""
    return ENVIRONMENT.install()
