"""The listening modes that the demo compares: two baselines, and Interject.

The baselines combine the same parts as other voice agents do. They are not settings of the product:

- *half-duplex* ignores the caller while the bot speaks, and a little longer until the echo is gone;
- *naive* runs an echo canceller without delay alignment, and takes speech in its output for the
  caller.

Both detect a barge-in by Silero above 0.5 for four windows in a row.
"""

from typing import Final

from interject_lab.rules.registry import RULES

LISTENING_MODES: Final = {name: RULES[name] for name in ("half-duplex", "naive", "interject")}
