"""queues.conf, if there are queues."""

from asterisk_config.conf import conf, section
from asterisk_config.values import Values


def files(values: Values) -> dict[str, str]:
    """queues.conf, if there are queues."""
    if not values.queues:
        return {}
    queues = [
        section(
            queue.name,
            ("strategy", "ringall"),
            ("timeout", values.timeouts.ring_seconds),
            ("ringinuse", False),
            ("joinempty", False),  # nobody waits for phones that are not there
            *(("member", f"PJSIP/{phone}") for phone in queue.members),
        )
        for queue in values.queues
    ]
    return {
        "queues.conf": conf("Phones that ring together.", [section("general"), *queues]),
        "queuerules.conf": conf("No rules.", []),
    }
