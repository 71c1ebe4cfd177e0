"""Documents: links lead somewhere, the index has every page, references list what exists."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast
from urllib.parse import unquote

import click
import pytest

from media_pod.cli import cli
from media_pod.pod.http.api import make_app
from media_pod.pod.http.ports import PodView
from voiceagent_operator.cli import cli as operator

ROOT: Final = Path(__file__).resolve().parents[2]
DOCS: Final = ROOT / "docs"
PAGES: Final = sorted(
    [
        *ROOT.glob("*.md"),
        *DOCS.rglob("*.md"),
        ROOT / "charts/interject/README.md",
        *ROOT.glob("asterisk-image/*.md"),
    ]
)
REFERENCE: Final = (DOCS / "reference/cli.md").read_text()

_LINK: Final = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+(?:\([^)]*\))?)\)")
_HEADING: Final = re.compile(r"#{1,6}\s+(.*?)\s*#*")
_FENCE: Final = re.compile(r"(`{3,}|~{3,})")


def prose(text: str) -> Iterator[str]:
    """The lines of a document without its blocks of code, fenced or indented."""
    fence, after_blank = "", True
    for line in text.splitlines():
        if found := _FENCE.match(line.lstrip()):
            fence = "" if fence and found[1].startswith(fence) else fence or found[1]
        elif not fence and not (after_blank and line.startswith("    ")):
            yield line
            after_blank = not line.strip()


def links(text: str) -> list[str]:
    """Targets of links and pictures, without those in code spans."""
    return _LINK.findall("\n".join(re.sub(r"`[^`]*`", "``", line) for line in prose(text)))


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to headings."""
    found: dict[str, int] = {}
    made = set()
    for line in prose(text):
        if heading := _HEADING.fullmatch(line):
            words = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).replace("`", "")
            slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            made.add(f"{slug}-{found[slug]}" if slug in found else slug)
            found[slug] = found.get(slug, 0) + 1
    return made


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere; addresses of other hosts are not followed."""
    found = []
    for link in links(page.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / unquote(path)).resolve() if path else page
        lost = anchor and target.suffix == ".md" and anchor not in anchors(target.read_text())
        if not target.exists() or lost:
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_anchors_exist(page: Path) -> None:
    assert broken(page) == []


def test_a_broken_link_and_a_broken_anchor_are_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# Title: one `two`\n\n## Title\n\n## Title\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](other.md#title-one-two) [b](other.md#title-1) [`c`](none.md)\n"
        "![d](none.png) [e](other.md#none) [f](https://none.example) `[g](none)`\n\n"
        "    [h](none)\n\n```\n[i](none)\n```\n[j](#none)\n"
    )
    assert broken(page) == ["none.md", "none.png", "other.md#none", "#none"]


def test_the_index_leads_to_every_page() -> None:
    indices = [DOCS / "README.md", DOCS / "decisions/README.md"]
    linked = {
        (index.parent / link.partition("#")[0]).resolve()
        for index in indices
        for link in links(index.read_text())
    }
    assert [page for page in DOCS.rglob("*.md") if page not in linked | {indices[0]}] == []


def commands(group: click.Group, name: str) -> Iterator[tuple[str, click.Command]]:
    """Every command below `group` with its whole name."""
    context = click.Context(group)
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        assert command is not None, word
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {word}")
        else:
            yield f"{name} {word}", command


def sections(text: str) -> dict[str, str]:
    """The text below each second-level heading, by the lower-case words that begin it."""
    parts = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    found = [(re.match(r"[a-z]+(?:[- ][a-z]+)*", part), part) for part in parts]
    return {name[0]: part for name, part in found if name}


def test_the_reference_has_every_command() -> None:
    documented = sections(REFERENCE)
    assert [name for name, _ in commands(cli, "interject") if name not in documented] == []


@pytest.mark.parametrize("name", [n for n in sections(REFERENCE) if n.startswith("interject")])
def test_the_reference_has_every_option_of_a_command(name: str) -> None:
    command = dict([*commands(cli, "interject"), *commands(operator, "interject-operator")])[name]
    section = sections(REFERENCE)[name]
    options = [max(found.opts, key=len) for found in command.params if found.opts[0][0] == "-"]
    assert [option for option in options if f"`{option}" not in section] == []


def test_the_reference_has_every_path_of_the_http_api() -> None:
    routes = make_app(cast(PodView, None)).router.resources()
    paths = {resource.canonical.replace("{uuid}", "UUID") for resource in routes}
    text = (DOCS / "reference/http-api.md").read_text()
    assert [path for path in paths if f"{path}`" not in text] == []
