"""The dialplan for an Asterisk of one's own: included, entered with Gosub, asked for its result."""

from pathlib import Path

from asterisk.callers import agent, line, says, silent
from asterisk.world import free_port, world
from asterisk_config.render import snippet
from asterisk_config.values import Values

GONE = "127.0.0.1:1"


async def test_another_dialplan_continues_with_the_result(tree: Path, tmp_path: Path) -> None:
    http = free_port()
    goodbye = agent(dialogue=says({"say": "Goodbye.", "pauseMs": 0}), server={"httpPort": http})
    here, gone = (snippet(Values(api=(api,))) for api in (f"127.0.0.1:{http}", GONE))
    own = f"""
[interject-agents](+)
exten => 130,1,Gosub(interject,s,1)
 same => n,Verbose(1,130 got ${{INTERJECT_RESULT}})
 same => n,Hangup()
exten => 131,1,Gosub(absent,s,1)
 same => n,Verbose(1,131 got ${{INTERJECT_RESULT}})
 same => n,Hangup(42)

{here}
{gone.replace("[interject]", "[absent]").replace("=interject,ended", "=absent,ended")}
"""
    async with world(tree, tmp_path, [goodbye], append={"extensions.conf": own}) as there:
        called = [
            await there.call(there.phone(line(), silent(), max_s=15), extension)
            for extension in ("130", "131")
        ]
        await there.until_no_call()
        assert await there.metric("interject_calls_total") == 1

    assert called[0].call.ended == "the bot hung up"
    assert (called[1].call.status, called[1].call.answered_ns) == (503, None)
    assert "130 got done" in there.asterisk.log
    assert "131 got fallback" in there.asterisk.log
