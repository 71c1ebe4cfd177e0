"""Runs suites under rules: calls in chunks, chunks in processes, a line of JSON for each call.

A chunk that is in the results already is not run again, so that an interrupted run goes on where
it ended. A call depends on the suite, the material, the seed and its number alone: neither the
chunks nor the number of processes change its line.
"""

import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import ValidationError

from interject_lab.material.corpus import corpus_digest, load, loaded
from interject_lab.material.material import Material, Split
from interject_lab.processes import processes
from interject_lab.rules.registry import Rule, resolve
from interject_lab.scoring.field import measure
from interject_lab.scoring.figures import ROW, CallRow
from interject_lab.scripted_bot import ScriptedBot
from interject_lab.suite.document import Suite, read_suite
from interject_lab.suite.draw import SuiteCall, draw_call
from interject_lab.suite.plan import BenchPlan
from interject_lab.virtual import VirtualCall, VirtualResult, run
from media_pod.errors import SetupError

CHUNK: Final = 32
"""Calls in one bank: more gain no speed, fewer lose it."""

OnCalls = Callable[[int, int], None]


class _Key(NamedTuple):
    """What a row is of."""

    suite: str
    rule: str
    split: str
    seed: int
    made_of: str
    call: int


@dataclass(frozen=True, slots=True)
class _Chunk:
    suite: str
    rule: str
    seed: int
    split: Split
    corpus: Path | None
    rate_hz: int
    numbers: tuple[int, ...]
    made_of: str


def run_bench(plan: BenchPlan, results: Path, on_calls: OnCalls) -> list[CallRow]:
    """Run what is missing of `plan`, and return all its rows, in order.

    Args:
        plan: of the run; its suites and rules are read before anything is computed.
        results: the JSON lines; made if missing, appended to otherwise.
        on_calls: receives the number of calls that are done, and of all.

    Raises:
        SetupError: a suite, rule, corpus or results file that cannot be used.
        SpecError: an invalid suite.
    """
    suites = _suites(plan.suites)
    rules = [resolve(name).name for name in plan.rules]
    load(plan.corpus, plan.rate_hz, plan.split)
    digest = corpus_digest(plan.corpus, plan.split)
    done = {_key(row): row for row in _continued(results)}
    chunks = list(_chunks(plan, suites, rules, digest, set(done)))
    wanted = [
        _Key(suite.name, rule, plan.split, plan.seed, _made_of(suite, digest, plan.rate_hz), number)
        for suite in suites.values()
        for rule in rules
        for number in range(plan.calls or suite.calls)
    ]
    ready = len(wanted) - sum(len(chunk.numbers) for chunk in chunks)
    on_calls(ready, len(wanted))
    with results.open("a") as lines:
        for rows in _run_chunks(chunks, plan.jobs):
            for row in rows:
                done[_key(row)] = row
                lines.write(_line(row))
            lines.flush()
            ready += len(rows)
            on_calls(ready, len(wanted))
    return [done[key] for key in wanted]


def _suites(sources: Sequence[str]) -> dict[str, Suite]:
    """The suites by their sources; each has a name of its own."""
    suites: dict[str, Suite] = {}
    for source in sources:
        suite = read_suite(source)
        for other, known in suites.items():
            if known.name == suite.name and other != source:
                raise SetupError(
                    f"{other} and {source} are both named {suite.name!r}, and their results would "
                    "be taken for each other's: give one another `name`"
                )
        suites[source] = suite
    return suites


def read_rows(path: Path) -> list[CallRow]:
    """The rows of a results file; a last line that was cut off is left out.

    Raises:
        SetupError: the file cannot be read, or holds something else.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{path}: {error}; expected the results of a bench") from error
    lines = text.splitlines()
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append(ROW.validate_json(line))
        except ValidationError as error:
            if number == len(lines) and not text.endswith("\n"):
                break
            raise SetupError(
                f"{path}, line {number}: found {line[:40]!r}; expected the result of a call, "
                "as written by this version: give another --out, or delete the file"
            ) from error
    return rows


def _continued(path: Path) -> list[CallRow]:
    """The rows of an earlier run, whose file is cut to whole lines; none without a file."""
    if not path.exists():
        return []
    rows = read_rows(path)
    whole = path.read_bytes().rpartition(b"\n")
    if whole[2]:
        draft = path.with_suffix(".part")
        draft.write_bytes(whole[0] + whole[1])
        draft.replace(path)
    return rows


def _line(row: CallRow) -> str:
    return ROW.dump_json(row).decode() + "\n"


def draw_again(plan: BenchPlan, row: CallRow) -> tuple[SuiteCall, VirtualResult]:
    """The call behind a row of `plan`'s results, run again: for its audio and its trace."""
    (suite,) = [each for each in _suites(plan.suites).values() if each.name == row.suite]
    material = loaded(plan.corpus, plan.rate_hz, plan.split)
    call = draw_call(suite, material, row.seed, row.call)
    (result,) = _run(resolve(row.rule), suite, material, [call])
    return call, result


def _key(row: CallRow) -> _Key:
    return _Key(row.suite, row.rule, row.split, row.seed, row.made_of, row.call)


def _made_of(suite: Suite, corpus_digest: str, rate_hz: int) -> str:
    content = f"{suite.model_dump_json()} {corpus_digest} {rate_hz}"
    return f"{zlib.crc32(content.encode()):08x}"


def _chunks(
    plan: BenchPlan,
    suites: dict[str, Suite],
    rules: Sequence[str],
    digest: str,
    done: set[_Key],
) -> Iterable[_Chunk]:
    for source, suite in suites.items():
        made_of = _made_of(suite, digest, plan.rate_hz)
        for rule in rules:
            missing = [
                number
                for number in range(plan.calls or suite.calls)
                if _Key(suite.name, rule, plan.split, plan.seed, made_of, number) not in done
            ]
            for first in range(0, len(missing), CHUNK):
                numbers = tuple(missing[first : first + CHUNK])
                yield _Chunk(
                    source, rule, plan.seed, plan.split, plan.corpus, plan.rate_hz, numbers, made_of
                )


def _run_chunks(chunks: Sequence[_Chunk], jobs: int) -> Iterable[list[CallRow]]:
    if jobs == 1:
        yield from map(_run_chunk, chunks)
        return
    with processes(jobs) as pool:
        for future in as_completed([pool.submit(_run_chunk, chunk) for chunk in chunks]):
            yield future.result()


def _run_chunk(chunk: _Chunk) -> list[CallRow]:
    suite, rule = read_suite(chunk.suite), resolve(chunk.rule)
    material = loaded(chunk.corpus, chunk.rate_hz, chunk.split)
    calls = [draw_call(suite, material, chunk.seed, number) for number in chunk.numbers]
    results = _run(rule, suite, material, calls)
    return [
        CallRow(
            suite=suite.name,
            rule=rule.name,
            split=chunk.split,
            seed=chunk.seed,
            call=call.number,
            made_of=chunk.made_of,
            conditions=dict(call.conditions),
            figures=measure(
                result,
                call.sounds,
                call.line.near_delay_samples * 1000 / material.rate_hz,
                [at_s for at_s, _ in call.conditions["steps"]],
            ),
        )
        for call, result in zip(calls, results, strict=True)
    ]


def _run(
    rule: Rule, suite: Suite, material: Material, calls: Sequence[SuiteCall]
) -> list[VirtualResult]:
    bank = rule.bank(len(calls), material.rate_hz)
    virtual = [
        VirtualCall(
            call.line, call.caller, ScriptedBot(call.utterances, material.rate_hz), call.phase
        )
        for call in calls
    ]
    return run(bank, virtual, suite.seconds)
