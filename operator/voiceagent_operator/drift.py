"""Whether an object is as it should be, as far as the operator wants anything of it.

The API server fills in defaults and writes quantities its own way ("1000m" becomes "1"), and others
may add fields of theirs. So an object is compared in the shape of what was applied: mappings by
their keys there, lists of named things by name, other lists item by item.
"""

from typing import Any

_MERGE_KEYS = ("name", "mountPath", "containerPort", "port", "ip", "topologyKey", "uid")


def matches(live: Any, desired: Any) -> bool:
    """Whether `live` has everything that `desired` has."""
    return bool(shaped(live, desired) == desired)


def shaped(live: Any, desired: Any) -> Any:
    """`live` reduced to what `desired` speaks of; None where it has nothing."""
    match live, desired:
        case dict(), dict():
            return {key: shaped(live.get(key), value) for key, value in desired.items()}
        case list(), list() if key := _merge_key(desired):
            by_key = {item.get(key): item for item in live if isinstance(item, dict)}
            return [shaped(by_key.get(item[key]), item) for item in desired]
        case list(), list():
            pairs = zip(live, desired, strict=False)
            rest = live[len(desired) :]
            return [*(shaped(here, there) for here, there in pairs), *rest]
    if not live and not desired and not isinstance(desired, bool | int | float):
        return desired  # an empty mapping or list is not kept
    return live


def _merge_key(items: list[Any]) -> str | None:
    """The key by which Kubernetes tells these items apart, None if by their place."""
    if not items or not all(isinstance(item, dict) for item in items):
        return None
    for key in _MERGE_KEYS:
        values = [item.get(key) for item in items]
        if None not in values and len(set(map(repr, values))) == len(values):
            return key
    return None
