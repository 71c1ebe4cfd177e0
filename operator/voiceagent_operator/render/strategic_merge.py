"""Strategic merge of pod templates, as `kubectl patch` and the API server do it.

Maps are merged key by key, and null removes a key. A list is replaced as a whole, unless it has a
merge key (`KEYS`): then items with the same key are merged, and others are added. What is added
comes first, and items of the patch keep their order.

Besides values, a patch may contain directives:

    $patch: replace     in a map: it replaces the other; as an item of a list: so does the list
    $patch: delete      in a map: it empties the other; in an item: that item is removed
    $retainKeys: [...]  in a map: all other keys of the map that it is merged into go. A volume
                        that is to be of another type needs it: it may have one type only

An item that deletes nothing is left out. A map that replaces nothing is taken as it is; the API
server would silently drop it. The last two directives of Kubernetes are only written by programs,
and are refused.
"""

import re
from collections.abc import Mapping
from copy import deepcopy
from types import MappingProxyType
from typing import Any, Final, cast

from media_pod.errors import InterjectError
from voiceagent_operator.kube.kinds import Json

_CONTAINERS: Final = ("containers", "initContainers", "ephemeralContainers")

KEYS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{f"spec.{kind}": "name" for kind in _CONTAINERS},
        **{f"spec.{kind}.env": "name" for kind in _CONTAINERS},
        **{f"spec.{kind}.ports": "containerPort" for kind in _CONTAINERS},
        **{f"spec.{kind}.volumeDevices": "devicePath" for kind in _CONTAINERS},
        **{f"spec.{kind}.volumeMounts": "mountPath" for kind in _CONTAINERS},
        "spec.hostAliases": "ip",
        "spec.imagePullSecrets": "name",
        "spec.resourceClaims": "name",
        "spec.schedulingGates": "name",
        "spec.topologySpreadConstraints": "topologyKey",
        "spec.volumes": "name",
    }
)
"""Merge keys of lists. As in core/v1, ports of one number are one port, whatever the protocol."""

_INDEX: Final = re.compile(r"\[\d+\]")
_PATCH: Final = "$patch"
_REPLACE: Final = "replace"
_DELETE: Final = "delete"
_RETAIN: Final = "$retainKeys"
_FOR_PROGRAMS: Final = ("$setElementOrder/", "$deleteFromPrimitiveList/")


class MergeError(InterjectError):
    """A patch that cannot be merged; the message has the path from the root of the template."""


def merge(base: Json, patch: Json) -> Json:
    """A PodTemplateSpec with `patch` laid over it; neither of the two is changed.

    Raises:
        MergeError: `patch` is invalid.
    """
    return _maps(base, patch, "")


def _maps(base: Json, patch: Json, path: str) -> Json:
    _check(patch, path)
    if _PATCH in patch:
        return {} if _deletes(patch) else cast("Json", _new(patch, path))
    merged = _retained(base, patch)
    for key, value in patch.items():
        if value is None or (_deletes(value) and not isinstance(merged.get(key), dict)):
            merged.pop(key, None)
        elif key != _RETAIN:
            below = f"{path}.{key}" if path else key
            merged[key] = _values(merged.get(key), value, below)
    return merged


def _values(base: Any, patch: Any, path: str) -> Any:
    """The merge of two values of any kind."""
    if isinstance(base, dict) and isinstance(patch, dict):
        return _maps(base, patch, path)
    if isinstance(base, list) and isinstance(patch, list):
        if (key := _key(path)) is not None:
            return _named(base, patch, key, path)
    return _new(patch, path)


def _new(patch: Any, path: str) -> Any:
    """The result of a patch without anything to merge it into."""
    if isinstance(patch, list):
        return _new_list(patch, path)
    if isinstance(patch, dict):
        _check(patch, path)
        return {
            key: _new(value, f"{path}.{key}")
            for key, value in patch.items()
            if value is not None and not _deletes(value) and key not in (_PATCH, _RETAIN)
        }
    return patch


def _new_list(patch: list[Any], path: str) -> list[Any]:
    items = []
    for index, item in enumerate(patch):
        below = f"{path}[{index}]"
        if not (isinstance(item, dict) and _PATCH in item):
            items.append(_new(item, below))
        elif _key(path) is None:
            raise MergeError(
                f"{below}: found $patch; a list without merge key is replaced, so write it in full"
            )
    return items


def _named(base: list[Any], patch: list[Any], key: str, path: str) -> list[Any]:
    """The merge of two lists with the merge key `key`."""
    for index, item in enumerate(patch):
        _check_item(item, key, f"{path}[{index}]")
    if any(item.get(_PATCH) == _REPLACE for item in patch):
        return _new_list(patch, path)
    gone = [item[key] for item in patch if item.get(_PATCH) == _DELETE]
    kept = [item for item in base if _name(item, key) not in gone]
    merged = deepcopy(kept)
    kept_items = [(index, item) for index, item in enumerate(patch) if _PATCH not in item]
    for index, item in kept_items:
        below = f"{path}[{index}]"
        names = [_name(each, key) for each in merged]
        if item[key] in names:
            at = names.index(item[key])
            merged[at] = _maps(merged[at], item, below)
        else:
            merged.append(_new(item, below))
    return _ordered(
        merged, [item[key] for _, item in kept_items], [_name(each, key) for each in kept], key
    )


def _ordered(merged: list[Any], patch: list[Any], base: list[Any], key: str) -> list[Any]:
    """Items of the patch in its order, the others in theirs, and both as the base had them.

    Args:
        patch, base: the names there, in order.
    """
    ours = [item for item in merged if _name(item, key) in patch]
    ours.sort(key=lambda item: patch.index(_name(item, key)))
    others = [item for item in merged if _name(item, key) not in patch]
    ordered: list[Any] = []
    while ours and others:
        first, other = _name(ours[0], key), _name(others[0], key)
        before = first in base and base.index(other) < base.index(first)
        ordered.append((others if before else ours).pop(0))
    return ordered + ours + others


def _retained(base: Json, patch: Json) -> Json:
    """A copy of what of `base` stays, before anything is merged into it."""
    if _RETAIN not in patch:
        return deepcopy(base)
    return {key: deepcopy(value) for key, value in base.items() if key in patch[_RETAIN]}


def _check(patch: Json, path: str) -> None:
    """Raises MergeError if a map contains invalid directives."""
    if patch.get(_PATCH, _REPLACE) not in (_REPLACE, _DELETE):
        raise MergeError(f"{_at(path)}found $patch: {patch[_PATCH]}; allowed: replace, delete")
    for key in patch:
        if not isinstance(key, str):
            raise MergeError(
                f"{_at(path)}found {key!r} as a key; allowed: text, so put it in quotes"
            )
        if key.startswith(_FOR_PROGRAMS):
            raise MergeError(f"{_at(path)}found {key}, which only programs write; leave it out")
    if _RETAIN not in patch:
        return
    keys = patch[_RETAIN]
    if not isinstance(keys, list):
        raise MergeError(f"{_at(path)}found {keys!r:.60} as $retainKeys; allowed: a list of keys")
    for key, value in patch.items():
        if value is not None and key not in (*keys, _RETAIN, _PATCH):
            raise MergeError(f"{_at(path)}$retainKeys leaves out {key}, which is set; add it there")


def _check_item(item: Any, key: str, path: str) -> None:
    """Raises MergeError if it is no item of a list with the merge key `key`."""
    if not isinstance(item, dict):
        raise MergeError(f"{_at(path)}found {item!r:.60}; allowed: a map with at least {key}")
    _check(item, path)
    if key not in item and item.get(_PATCH) != _REPLACE:
        raise MergeError(f"{_at(path)}found no {key}, which is the merge key of this list")


def _key(path: str) -> str | None:
    """The merge key of the list at `path`; None if it is replaced as a whole."""
    return KEYS.get(_INDEX.sub("", path))


def _deletes(patch: Any) -> bool:
    return isinstance(patch, dict) and patch.get(_PATCH) == _DELETE


def _name(item: Any, key: str) -> Any:
    return item.get(key) if isinstance(item, dict) else None


def _at(path: str) -> str:
    return f"{path}: " if path else ""
