"""All dashboards."""

from typing import Final

from observability.agent import AGENT_DASHBOARD
from observability.asterisk import ASTERISK_DASHBOARD
from observability.fleet import FLEET_DASHBOARD
from observability.pod import POD_DASHBOARD

DASHBOARDS: Final = (FLEET_DASHBOARD, AGENT_DASHBOARD, POD_DASHBOARD, ASTERISK_DASHBOARD)
