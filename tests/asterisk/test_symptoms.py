"""Symptoms in docs/how-to/asterisk.md: each fault leaves the log line that the table names."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from asterisk.callers import agent, line, silent
from asterisk.test_failover import bad_apis
from asterisk.world import free_port, world
from interject_lab.telephones.handset import Dtmf
from interject_lab.telephones.sip.media import MediaSettings

DOCS = Path(__file__).parents[2] / "docs" / "how-to" / "asterisk.md"
GONE = "127.0.0.1:1"


def documented(who: str) -> list[str]:
    """The lines that the table quotes from the log of `who`."""
    table = DOCS.read_text().partition("## Symptoms")[2]
    cells = [row.split("|")[2] for row in table.splitlines() if row.count("|") > 3]
    return [quoted for cell in cells if who in cell for quoted in re.findall(r"`([^`]+)`", cell)]


@pytest.mark.timeout(120)
async def test_each_fault_leaves_the_line_that_the_table_names(tree: Path, tmp_path: Path) -> None:
    audio, http = free_port(), free_port()
    pod = agent(
        dialogue={"kind": "parcelDesk", "person": "person"},
        telephony={"transfers": [{"name": "person", "goto": "interject-phones,299,1"}]},
        server={"audioSocketPort": audio, "httpPort": http},
    )
    seed = {"dialplan": "seed", "audioSocket": GONE}
    odd = {
        "extensions.conf": f"""
[interject-agents](+)
exten => 120,1,Answer()
 same => n,AudioSocket(${{UUID()}},127.0.0.1:{audio})
"""
    }
    async with bad_apis() as bad:
        dialplan: list[dict[str, Any]] = [
            {"name": "good", "extensions": ["100"]},
            {"name": "absent", "extensions": ["110"], **seed},
            {"name": "wide", "extensions": ["111"], "rateHz": 16000},
            {"name": "down", "extensions": ["112"], "api": [GONE]},
            {"name": "slow", "extensions": ["113"], "api": [bad["no answer"]]},
            {"name": "busy", "extensions": ["114"], "api": [bad["503"]]},
        ]
        async with world(tree, tmp_path, [pod], dialplan=dialplan, append=odd) as there:
            for extension in ("110", "111", "112", "113", "114", "120"):
                await there.call(there.phone(line(), silent(), max_s=6), extension)
            keys = [Dtmf(2.0, "0"), Dtmf(2.4, "#")]
            asking = there.phone(line(), silent(), max_s=20, settings=MediaSettings(dtmf=keys))
            await there.call(asking, "100")
            await there.call(there.phone(line(), silent(), max_s=2), "100")
            await there.until_no_call()
            page = await asyncio.to_thread(there.pod_log)
        said = {"Asterisk": there.asterisk.log, "(pod)": page}

    seen = {
        who: [quoted for quoted in documented(who) if matches(quoted, log)]
        for who, log in said.items()
    }
    missing = {who: set(documented(who)) - set(seen[who]) - NOT_MADE_HERE for who in said}
    assert missing == {"Asterisk": set(), "(pod)": set()}


NOT_MADE_HERE = {
    # A network that loses packets, a pod that falls silent, an Asterisk without the module.
    "Reached timeout after 2000 ms of no activity",
    "Poll timed out while waiting for data",
    "No application 'AudioSocket'",
    # test_encrypted.py makes these.
    "SSL_ERROR_SSL",
    "Couldn't negotiate stream",
    "The server identity does not match",
}


def matches(quoted: str, log: str) -> bool:
    """Whether the log has the line; names and figures in capitals stand for any."""
    pattern = re.sub(r"\b[A-Z]{4,}\b", lambda name: r"[\w.-]+", re.escape(quoted))
    return re.search(pattern, log) is not None
