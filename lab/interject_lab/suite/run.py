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

from interject_lab.material.corpus import load, loaded
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
    suites = {name: read_suite(name) for name in plan.suites}
    rules = [resolve(name).name for name in plan.rules]
    load(plan.corpus, plan.rate_hz, plan.split)
    done = {_key(row): row for row in _continued(results)}
    chunks = list(_chunks(plan, suites, rules, set(done)))
    wanted = [
        _Key(suite.name, rule, plan.split, plan.seed, _made_of(plan, suite), number)
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
    path.write_text("".join(map(_line, rows)))
    return rows


def _line(row: CallRow) -> str:
    return ROW.dump_json(row).decode() + "\n"


def draw_again(plan: BenchPlan, row: CallRow) -> tuple[SuiteCall, VirtualResult]:
    """The call behind a row of `plan`'s results, run again: for its audio and its trace."""
    (suite,) = [each for each in map(read_suite, plan.suites) if each.name == row.suite]
    material = loaded(plan.corpus, plan.rate_hz, plan.split)
    call = draw_call(suite, material, row.seed, row.call)
    (result,) = _run(resolve(row.rule), suite, material, [call])
    return call, result


def _key(row: CallRow) -> _Key:
    return _Key(row.suite, row.rule, row.split, row.seed, row.made_of, row.call)


def _made_of(of: "BenchPlan | _Chunk", suite: Suite) -> str:
    corpus = "" if of.corpus is None else str(of.corpus.resolve())
    content = f"{suite.model_dump_json()} {corpus} {of.rate_hz}"
    return f"{zlib.crc32(content.encode()):08x}"


def _chunks(
    plan: BenchPlan,
    suites: dict[str, Suite],
    rules: Sequence[str],
    done: set[_Key],
) -> Iterable[_Chunk]:
    for source, suite in suites.items():
        for rule in rules:
            missing = [
                number
                for number in range(plan.calls or suite.calls)
                if _Key(suite.name, rule, plan.split, plan.seed, _made_of(plan, suite), number)
                not in done
            ]
            for first in range(0, len(missing), CHUNK):
                numbers = tuple(missing[first : first + CHUNK])
                yield _Chunk(
                    source, rule, plan.seed, plan.split, plan.corpus, plan.rate_hz, numbers
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
            made_of=_made_of(chunk, suite),
            conditions=dict(call.conditions),
            figures=measure(
                result, call.sounds, call.line.near_delay_samples * 1000 / material.rate_hz
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
