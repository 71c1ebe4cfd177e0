"""Starts the stand-ins that a scenario has for the servers of its agent."""

from contextlib import AsyncExitStack

from interject_lab.evaluation.scenario.document import Scenario
from interject_lab.evaluation.stand_ins.agent_document import with_stand_ins
from interject_lab.evaluation.stand_ins.model_server import StandInModel
from interject_lab.evaluation.stand_ins.tool_server import stand_in_tools
from interject_lab.evaluation.stand_ins.web import on_loopback
from media_pod.manifest.agent import VoiceAgent


async def start_stand_ins(
    stack: AsyncExitStack, scenario: Scenario, agent: VoiceAgent
) -> tuple[VoiceAgent, StandInModel | None]:
    """Start what the scenario has; `stack` stops it.

    Returns:
        The agent with the stand-ins in place of its servers, and the stand-in for its model, if
        there is one.
    """
    model = StandInModel(scenario.model) if scenario.model is not None else None
    urls = {}
    if model is not None:
        urls["model"] = await stack.enter_async_context(on_loopback(model.app))
    if scenario.tools is not None:
        app = stand_in_tools(scenario.tools)
        urls["tools"] = await stack.enter_async_context(on_loopback(app))
    return with_stand_ins(agent, **urls), model
