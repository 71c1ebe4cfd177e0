"""Pod templates and patches of them, as Hypothesis makes them up; all are valid Kubernetes."""

from typing import Any

from hypothesis import strategies as st

from voiceagent_operator.kube.kinds import Json

CONTAINERS = ("media", "sidecar", "proxy")
FIRST = ("one", "two", "three")
VOLUMES = ("a", "b", "c")
_TELLING = ("name", "containerPort", "mountPath", "ip", "key", "operator")
"""Keys without which an item is none."""
_words = st.sampled_from(("a", "b", "c"))


def _list_of(items: st.SearchStrategy[Json], key: str) -> st.SearchStrategy[list[Json]]:
    return st.lists(items, max_size=3, unique_by=lambda item: str(item[key]))


def _some(fields: dict[str, st.SearchStrategy[Any]], **needed: Any) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(needed, optional=fields)


_env = _list_of(_some({"value": _words}, name=_words), "name")
_ports = _list_of(
    _some({"name": _words}, containerPort=st.sampled_from((80, 81, 82))), "containerPort"
)
_mounts = _list_of(
    _some({"readOnly": st.booleans()}, mountPath=st.sampled_from(("/a", "/b")), name=_words),
    "mountPath",
)
_resources = _some(
    {
        "requests": st.dictionaries(st.sampled_from(("cpu", "memory")), st.just("1"), max_size=2),
        "limits": st.dictionaries(st.sampled_from(("cpu", "memory")), st.just("2"), max_size=2),
    }
)


def _container(names: tuple[str, ...]) -> st.SearchStrategy[Json]:
    return _some(_FIELDS, name=st.sampled_from(names))


_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "image": _words,
    "args": st.lists(_words, max_size=3),
    "env": _env,
    "ports": _ports,
    "volumeMounts": _mounts,
    "resources": _resources,
    "tty": st.booleans(),
}
_tolerations = st.lists(
    st.fixed_dictionaries({"key": _words, "operator": st.just("Exists")}), max_size=2
)
_spec = _some(
    {
        "containers": _list_of(_container(CONTAINERS), "name"),
        "initContainers": _list_of(_container(FIRST), "name"),
        "volumes": _list_of(
            _some({"emptyDir": st.just({})}, name=st.sampled_from(VOLUMES)), "name"
        ),
        "nodeSelector": st.dictionaries(_words, _words, max_size=2),
        "tolerations": _tolerations,
        "hostAliases": _list_of(
            _some({"hostnames": st.lists(_words, max_size=2)}, ip=st.sampled_from(("1.1.1.1",))),
            "ip",
        ),
        "imagePullSecrets": _list_of(_some({}, name=_words), "name"),
    }
)
_labels = st.dictionaries(_words, _words, max_size=2)

templates = _some({"metadata": _some({"labels": _labels, "annotations": _labels}), "spec": _spec})
"""Templates, and also patches that say nothing but values."""


@st.composite
def patches(draw: st.DrawFn, replacing: bool = True) -> Json:
    """Patches that also remove and, if they may, replace."""
    patch = draw(templates)
    _strew(draw, patch, ("delete", "replace") if replacing else ("delete",))
    return patch


def _strew(draw: st.DrawFn, value: Json, directives: tuple[str, ...]) -> None:
    """Put nulls and directives into a patch here and there."""
    for key in list(value):
        if key in _TELLING:
            continue
        if draw(st.integers(0, 9)) == 0:
            value[key] = None
        elif isinstance(value[key], dict):
            _strew(draw, value[key], directives)
            if value[key] and draw(st.integers(0, 9)) == 0:
                value[key]["$patch"] = draw(st.sampled_from(directives))
        elif isinstance(value[key], list) and key != "tolerations":
            _strew_items(draw, value[key], directives)


def _strew_items(draw: st.DrawFn, items: list[Any], directives: tuple[str, ...]) -> None:
    for item in items:
        if isinstance(item, dict):
            _strew(draw, item, directives)
            if draw(st.integers(0, 9)) == 0:
                item["$patch"] = "delete"
