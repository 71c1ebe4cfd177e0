"""What the dialplan is answered: what follows, or why a call gets no slot."""

from dataclasses import dataclass
from enum import Enum

from media_pod.errors import InterjectError


class AdmissionError(InterjectError):
    """A call that gets no slot."""


class FullError(AdmissionError):
    """Every slot is taken; trying again makes sense after `retry_after_s` seconds."""

    def __init__(self, slots: int, retry_after_s: float) -> None:
        super().__init__(f"all {slots} slots are taken")
        self.retry_after_s = retry_after_s


class DrainingError(AdmissionError):
    """The pod takes no new calls any more."""

    def __init__(self) -> None:
        super().__init__("the pod is draining and takes no new calls")


class StillConnectedError(AdmissionError):
    """The call has a live audio connection here, so a second one is not its own."""

    def __init__(self, uuid: str) -> None:
        super().__init__(f"call {uuid} is connected already; its connection has to end first")


class UnreservedError(AdmissionError):
    """An audio connection with a UUID that has no reservation, or none any more."""

    def __init__(self, uuid: str) -> None:
        super().__init__(f"call {uuid} has no reservation; ask /api/call-start for one first")


class NextStep(Enum):
    """The kinds of `Next`."""

    DONE = "done"
    """Go on after the conversation."""
    CONNECT = "connect"
    """Connect (again): a slot is reserved."""
    GOTO = "goto"
    """The agent sends the caller on, to another place of the dialplan."""


@dataclass(frozen=True, slots=True)
class Next:
    """What the dialplan does after AudioSocket has returned."""

    step: NextStep
    goto: str = ""
    """`context,exten,priority`; "" unless `step` is GOTO."""
    address: str = ""
    """`host:port` to connect to; "" unless `step` is CONNECT, and meaning this pod then."""


DONE = Next(NextStep.DONE)
CONNECT = Next(NextStep.CONNECT)
