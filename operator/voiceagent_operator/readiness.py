"""What a replica waits for before it can do its work: the leader writes it, probes read it."""


class Readiness:
    """Whether there is such a thing."""

    def __init__(self) -> None:
        self.waits_for = ""
        """One sentence, with what to do; empty if it waits for nothing."""
