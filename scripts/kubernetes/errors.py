"""What may go wrong here.

RigError              something failed that should have worked
└── CannotBeHadError  this machine cannot have it at all: those who can do without skip
"""


class RigError(Exception):
    """The message is one line for the user."""


class CannotBeHadError(RigError):
    """No Go, no network, the wrong system."""
