"""The scenarios of one run, read with their agents before anything starts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from interject_lab.evaluation.scenario.document import Scenario, read_scenario
from media_pod.errors import SetupError
from media_pod.manifest.agent import VoiceAgent
from media_pod.manifest.file import read_manifest
from media_pod.manifest.validation import SpecError


@dataclass(frozen=True, slots=True)
class ScenarioFile:
    """One scenario and its agent."""

    scenario: Scenario
    folder: Path
    """Absolute; what paths in the scenario are relative to."""
    agent: VoiceAgent
    agent_folder: Path
    """Absolute; the same of the agent's document."""


def read_scenarios(paths: Sequence[Path], agent: Path | None) -> list[ScenarioFile]:
    """Read the scenarios at `paths`, in order.

    Args:
        paths: of scenario documents.
        agent: of the VoiceAgent for all of them; None for the ones that they name.

    Raises:
        SetupError: a file cannot be read, or a scenario has no agent.
        SpecError: a document is not valid, or two scenarios have one name.
    """
    files = [_read(path, agent) for path in paths]
    seen: dict[str, Path] = {}
    for path, file in zip(paths, files, strict=True):
        name = file.scenario.name
        if name in seen:
            raise SpecError(
                str(path), (f"name: found {name}, as in {seen[name]}; allowed: each name once",)
            )
        seen[name] = path
    return files


def _read(path: Path, agent: Path | None) -> ScenarioFile:
    scenario = read_scenario(path)
    if agent is None:
        if scenario.agent is None:
            raise SetupError(f"{path}: agent: missing; add it, or give --agent FILE")
        agent = path.parent / scenario.agent
    return ScenarioFile(
        scenario, path.absolute().parent, read_manifest(agent), agent.absolute().parent
    )
