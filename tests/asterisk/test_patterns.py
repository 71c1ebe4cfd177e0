"""The number plan's idea of a pattern is Asterisk's own."""

from pathlib import Path

from asterisk.world import World, world
from asterisk_config.patterns import overlap

PATTERNS = (
    "_X.", "_X!", "_Z", "_NXX", "_+49N.", "_*XX", "_[13-5]", "_[0-9-]1", "_[-5]X", "_[1-]",
    "_[9-1]", "_[5-]!", "_0[1-35]XX!", "_XZN", "601",
)  # fmt: skip
NUMBERS = (
    "0", "1", "2", "3", "4", "5", "9", "01", "11", "51", "95", "112", "201", "211", "601", "6010",
    "02", "0212", "02123", "+492", "+4921", "*12", "123", "012", "999",
)  # fmt: skip


async def test_a_number_overlaps_a_pattern_if_and_only_if_asterisk_matches_it(
    tree: Path, tmp_path: Path
) -> None:
    dialplan = "".join(
        f"[match-{index}]\nexten => {pattern},1,NoOp()\n" for index, pattern in enumerate(PATTERNS)
    )
    append = {"extensions.conf": f"\n{dialplan}"}
    async with world(tree, tmp_path, [], phones=0, append=append) as there:
        wrong = [
            (pattern, number)
            for index, pattern in enumerate(PATTERNS)
            for number in NUMBERS
            if await matches(there, f"{number}@match-{index}") != overlap(pattern, number)
        ]
    assert wrong == []


async def matches(there: World, place: str) -> bool:
    return "NoOp" in await there.asterisk.cli(f"dialplan show {place}")
