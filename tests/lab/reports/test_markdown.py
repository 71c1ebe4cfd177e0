from pathlib import Path

import pytest

from interject_lab.reports.markdown import markers, write_section
from media_pod.errors import SetupError


def test_a_section_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    begin, end = markers("x")
    page.write_text(f"# Title\n\n{begin}\nold\n{end}\n\nafter\n")
    write_section(page, "x", "new\n")
    write_section(page, "x", "newer\n")
    assert page.read_text() == f"# Title\n\n{begin}\n\nnewer\n\n{end}\n\nafter\n"


def test_a_page_without_the_section_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n")
    with pytest.raises(SetupError, match=r"page\.md has no line <!-- x: begin -->"):
        write_section(page, "x", "new")
    assert page.read_text() == "# Title\n"
    with pytest.raises(SetupError, match="No such file or directory, expected a document"):
        write_section(tmp_path / "none.md", "x", "new")
