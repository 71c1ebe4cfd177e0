"""Templates of prompts: text with `{{ name }}` and `{% if %}`, a small part of Jinja.

Jinja's sandbox keeps a template from Python, but not from time and memory: a loop, a product of a
text or a format with a width stops a pod (measured). So a template has no loops, no arithmetic, no
calls and no attributes; what it may have is listed in `_NODES` and checked in its parsed tree.
"""

import logging
import unicodedata
from collections.abc import Mapping
from typing import Final

from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from media_pod.manifest.validation import SpecError

_log = logging.getLogger(__name__)

MAX_RENDERED_CHARACTERS: Final = 100_000
"""More than most language models take; a template of 20000 characters can repeat a long value."""
MAX_CALLER_VALUE_CHARACTERS: Final = 500
MAX_CALLER_VARIABLES: Final = 50
FILTERS: Final = ("default", "lower", "title", "trim", "upper")
ALLOWED: Final = (
    "{{ name }}, the filters " + ", ".join(FILTERS) + ", {% if %} with ==, !=, in, not, and, or, "
    "texts in quotes"
)

_MAX_DEPTH: Final = 20
"""Of expressions and conditions within each other."""
_TEXT: Final = (nodes.Template, nodes.Output, nodes.TemplateData)
_CONDITIONS: Final = (nodes.If, nodes.Compare, nodes.Operand, nodes.Not, nodes.And, nodes.Or)
_VALUES: Final = (nodes.Name, nodes.Const, nodes.Filter, nodes.List, nodes.Tuple)
_NODES: Final = frozenset((*_TEXT, *_CONDITIONS, *_VALUES))
_WORDS: Final[dict[type[nodes.Node], str]] = {
    nodes.Getattr: "an attribute (name.other)",
    nodes.Getitem: "an item (name[...])",
    nodes.Call: "a call (name())",
    nodes.Test: "a test (is ...)",
    nodes.Concat: "a joined text (~)",
    nodes.CondExpr: "an if within {{ }}",
    nodes.List: "a list outside of in",
    nodes.Tuple: "a list outside of in",
}
"""Of nodes whose class does not have the name of what is written."""
_OPERATORS: Final = {"eq", "ne", "in", "notin"}
_RESERVED: Final = {"self", "super"}
"""Names of Jinja that are no variables."""
_KEPT: Final = "\u200c\u200d"
"""Zero-width joiner and non-joiner, which some scripts are written with."""


class _Missing(str):
    """The value of a variable that has none: "", and `default` replaces it.

    Jinja's own `Undefined` raises in `missing in text`.
    """

    __slots__ = ()


def _or_default(value: str, default: str) -> str:
    return default if isinstance(value, _Missing) else value


class PromptTemplate:
    """A template, parsed and compiled once; rendering it is a matter of microseconds."""

    def __init__(self, text: str, source: str) -> None:
        """Compile: milliseconds of arithmetic, so not on the loop of running calls.

        Args:
            text: the template.
            source: where it comes from, such as "agent.yaml: instructions"; for messages.

        Raises:
            SpecError: the template has a syntax error or what is not allowed: line, found, allowed.
        """
        self._source = source
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        environment.globals.clear()
        environment.filters["default"] = _or_default
        try:
            tree = environment.parse(text)
            self._names, self._optional = frozenset[str](), frozenset[str]()
            self._check_tree(tree, line=1, depth=0)
            self._template = environment.from_string(text)
        except TemplateSyntaxError as error:
            raise self._wrong(error.lineno, error.message or "a syntax error") from error
        except RecursionError as error:
            raise self._wrong(1, "expressions that are nested too deeply") from error
        self._warned: set[str] = set()

    @property
    def names(self) -> frozenset[str]:
        """The variables that it uses."""
        return self._names

    def render(self, values: Mapping[str, str]) -> str:
        """The text for these values; never raises.

        A variable without a value is "", with one warning for the life of the template unless
        `default` covers it. Values are never read as templates. A text longer than
        `MAX_RENDERED_CHARACTERS` is cut, with a warning.
        """
        missing = self._names - values.keys()
        if unknown := missing - self._optional - self._warned:
            self._warned |= unknown
            _log.warning(
                "%s: no value for %s; rendered as nothing",
                self._source,
                ", ".join(sorted(unknown)),
            )
        known = {name: values.get(name, _Missing()) for name in self._names}
        pieces, length = [], 0
        for piece in self._template.generate(known):
            pieces.append(piece)
            length += len(piece)
            if length > MAX_RENDERED_CHARACTERS:
                _log.warning("%s: cut at %d characters", self._source, MAX_RENDERED_CHARACTERS)
                break
        return "".join(pieces)[:MAX_RENDERED_CHARACTERS]

    def _check_tree(self, node: nodes.Node, line: int, depth: int) -> None:
        line = node.lineno or line
        if depth > _MAX_DEPTH:
            raise self._wrong(line, "expressions that are nested too deeply")
        self._check(node, line)
        for child in node.iter_child_nodes():
            if isinstance(child, nodes.List | nodes.Tuple) and not isinstance(node, nodes.Operand):
                raise self._wrong(line, _word(child))
            self._check_tree(child, line, depth + 1)

    def _check(self, node: nodes.Node, line: int) -> None:
        if type(node) not in _NODES:
            raise self._wrong(line, _word(node))
        match node:
            case nodes.Name():
                if node.ctx != "load" or node.name in _RESERVED:
                    raise self._wrong(line, node.name)
                self._names |= {node.name}
            case nodes.Const() if not isinstance(node.value, str):
                raise self._wrong(line, f"{node.value!r} without quotes")
            case nodes.Operand() if node.op not in _OPERATORS:
                raise self._wrong(line, f"comparison {node.op}")
            case nodes.Filter():
                self._check_filter(node, line)

    def _check_filter(self, node: nodes.Filter, line: int) -> None:
        is_default = node.name == "default"
        plain = not (node.kwargs or node.dyn_args or node.dyn_kwargs)
        if node.name not in FILTERS or not plain or len(node.args) != is_default:
            raise self._wrong(line, f"filter {node.name} with {len(node.args)} arguments")
        if is_default and isinstance(node.node, nodes.Name):
            self._optional |= {node.node.name}

    def _wrong(self, line: int, found: str) -> SpecError:
        return SpecError(self._source, (f"line {line}: found {found[:200]}; allowed: {ALLOWED}",))


def _word(node: nodes.Node) -> str:
    if isinstance(node, nodes.BinExpr | nodes.UnaryExpr):
        return "arithmetic"
    return _WORDS.get(type(node)) or f"{{% {type(node).__name__.lower()} %}}"


def caller_values(caller: str, called: str, variables: Mapping[str, str]) -> dict[str, str]:
    """Variables whose values come from outside, made safe to stand in a prompt as data.

    Control and invisible characters are removed, white space is one blank, and a value has at most
    500 characters: what a caller sends can still be an instruction to the model, but not look
    like a part of the prompt.

    Args:
        caller: number or name of the caller.
        called: the number that was called.
        variables: others, such as those in a URL; at most 50 are kept. They never replace `caller`
            and `called`.
    """
    kept = dict(list(variables.items())[:MAX_CALLER_VARIABLES])
    return {
        name: _plain(value) for name, value in {**kept, "caller": caller, "called": called}.items()
    }


def _plain(value: str) -> str:
    # What is cut off need not be read: a header can be long.
    value = value[: 4 * MAX_CALLER_VALUE_CHARACTERS]
    visible = (
        character
        for character in value
        if character.isspace()
        or character in _KEPT
        or unicodedata.category(character) not in ("Cc", "Cf", "Cs")
    )
    return " ".join("".join(visible).split())[:MAX_CALLER_VALUE_CHARACTERS].strip()
