"""From values to every file that Asterisk reads. Pure: no clock, no chance, nothing is written."""

from asterisk_config import core, dialplan, metrics, modules, queues, sip, websocket
from asterisk_config.places import Places
from asterisk_config.values import Values
from media_pod.manifest.validation import SpecError

SNIPPET = "extensions_interject.conf"
SNIPPET_CONTEXT = "interject"


def render(values: Values, places: Places) -> dict[str, str]:
    """The text of each file of Asterisk's configuration folder, by its name.

    The passwords in `values` are their own texts; `environment.read_values` looks them up.
    """
    return {
        **core.files(values, places),
        **modules.files(values),
        **sip.files(values),
        **queues.files(values),
        **websocket.files(values),
        **metrics.files(values),
        "extensions.conf": dialplan.extensions(values),
    }


def snippet(values: Values) -> str:
    """The first agent's dialplan for another Asterisk, to be included into its extensions.conf.

    Raises:
        SpecError: there is no agent.
    """
    if not values.agents:
        raise SpecError("agents", ("found none; allowed here: at least one",))
    agent = values.agents[0]
    return dialplan.agent_context(agent, values.api, values.timeouts, SNIPPET_CONTEXT)
