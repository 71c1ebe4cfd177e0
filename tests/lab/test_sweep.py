import json
import math
import subprocess
import sys
import wave
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from interject_lab.material.voices import (
    CALLER_PHRASE_S,
    Pcm,
    SpeechMaterial,
    at_level,
    cut,
    load,
    recorded,
    synthetic_bots,
    synthetic_callers,
)
from interject_lab.network.levels import active_level_dbfs
from interject_lab.reports.markdown import markers, table, write_section
from interject_lab.rules.registry import Rule
from interject_lab.scoring.pooled_scores import CallMeasurements, pool
from interject_lab.sweep.conditions import CONDITIONS, LineCondition
from interject_lab.sweep.sweep import (
    ModeScores,
    SweepPlan,
    as_json,
    as_table,
    sweep,
)
from lab.test_virtual import LoudBank
from media_pod.cli import cli
from media_pod.errors import SetupError

RATE_HZ = 8000
NEAR = LineCondition(12.0, 250.0, "hybrid")
FAR = LineCondition(20.0, 700.0, "room")
FIGURES = {
    "erl_db",
    "delay_ms",
    "path",
    "calls",
    "bot_speech_s",
    "false_barge_ins",
    "false_barge_ins_per_hour",
    "interruptions",
    "heard",
    "missed",
    "onset_to_silence_p50_ms",
    "onset_to_silence_p95_ms",
    "delay_error_p95_ms",
    "erle_db",
    "failures",
}


def run(seed: int, duration_s: float) -> list[ModeScores]:
    plan = SweepPlan(calls=1, duration_s=duration_s, seed=seed, conditions=(NEAR, FAR))
    material = SpeechMaterial(synthetic_bots(RATE_HZ), synthetic_callers(RATE_HZ))
    return sweep(plan, material, lambda step: None, lambda elapsed_s: None)


@pytest.fixture(scope="module")
def swept() -> list[ModeScores]:
    return run(seed=3, duration_s=8.0)


def save(path: Path, pcm: Pcm, rate_hz: int = RATE_HZ) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm.astype("<i2").tobytes())


def findings(false: int, onset_to_silence_ms: tuple[float | None, ...]) -> CallMeasurements:
    return CallMeasurements(
        bot_speech_s=600.0,
        false_barge_ins=false,
        onset_to_silence_ms=onset_to_silence_ms,
        delay_errors_ms=np.arange(101.0),
        erle_db=20.0,
        failures=(),
    )


def test_the_lines_are_every_loss_with_every_delay_and_path() -> None:
    assert len(set(CONDITIONS)) == 18
    assert {condition.erl_db for condition in CONDITIONS} == {12.0, 20.0, 30.0}
    assert {condition.delay_ms for condition in CONDITIONS} == {60.0, 250.0, 700.0}


def test_the_same_seed_gives_the_same_and_another_gives_another() -> None:
    first = run(seed=3, duration_s=2.0)
    assert first[1].all.false_barge_ins > 0, "nothing happens in these calls"
    assert run(seed=3, duration_s=2.0) == first
    assert run(seed=4, duration_s=2.0) != first


def test_the_baselines_fail_as_they_are_known_to(swept: list[ModeScores]) -> None:
    half_duplex, naive, interject = swept
    assert [one.name for one in swept] == ["half-duplex", "naive", "interject"]
    assert half_duplex.all.interruptions > 0
    assert half_duplex.all.heard == half_duplex.all.false_barge_ins == 0
    assert naive.all.false_barge_ins > 0
    assert interject.all.heard > 0
    assert interject.all.false_barge_ins < naive.all.false_barge_ins


def test_lines_run_at_16_khz_too() -> None:
    plan = SweepPlan(calls=1, duration_s=6.0, seed=3, conditions=(NEAR,), rate_hz=16000)
    material = load([], [], plan.rate_hz)
    _, naive, interject = sweep(plan, material, lambda step: None, lambda elapsed_s: None)
    assert naive.all.false_barge_ins > interject.all.false_barge_ins
    assert interject.all.heard > 0
    assert plan.section == "interject lab sweep --rate 16000"


def test_a_failure_says_when_and_why(swept: list[ModeScores]) -> None:
    _, naive, _ = swept
    failures = naive.rows[0].failures
    assert len(failures) == naive.rows[0].figures.false_barge_ins + naive.rows[0].figures.missed
    assert {failure.kind for failure in failures} == {"false_barge_in"}
    assert failures[0].reason == "speech_over_echo"
    assert 0 < failures[0].at_s < 8
    assert 0 < failures[0].bot_spoke_s <= failures[0].at_s


def test_the_document_has_stable_keys_and_no_nan(swept: list[ModeScores]) -> None:
    document = as_json(SweepPlan(1, 8.0, 3), swept)
    json.dumps(document, allow_nan=False)
    assert {
        "seed",
        "rate_hz",
        "calls_per_condition",
        "call_duration_s",
        "listening_modes",
    } == document.keys()
    for mode in document["listening_modes"]:
        assert mode.keys() == {"name", "conditions", "all"}
        for row in mode["conditions"]:
            assert row.keys() == FIGURES


def test_the_table_leaves_out_what_a_mode_does_not_have(swept: list[ModeScores]) -> None:
    header, rule, near, far, everything = table(*as_table(swept)).splitlines()
    assert header.count("false") == 3
    assert header.count("delay") == 1
    assert header.count("ERLE") == 2
    assert near.startswith("| ERL 12 dB, 250 ms, hybrid |")
    assert far.startswith("| ERL 20 dB, 700 ms, room |")
    assert everything.startswith("| **all** |")
    assert {line.count("|") for line in (header, rule, near, far, everything)} == {14}


def test_pooled_figures_are_of_all_calls_together() -> None:
    figures = pool([findings(1, (100.0, None)), findings(2, (200.0, 300.0))])
    assert figures.false_barge_ins_per_hour == 9.0
    assert (figures.interruptions, figures.heard, figures.missed) == (4, 3, 1)
    assert figures.onset_to_silence_p50_ms == 200.0
    assert figures.onset_to_silence_p95_ms == pytest.approx(290.0)
    assert figures.delay_error_p95_ms == 95.0


def test_talk_at_the_very_end_of_a_call_has_no_time_to_be_heard(swept: list[ModeScores]) -> None:
    for one in swept:
        for row in one.rows:
            assert all(failure.at_s <= 6.5 for failure in row.failures if failure.kind == "missed")
    assert swept[0].all.missed > 0


def test_no_calls_have_no_figures() -> None:
    figures = pool([])
    assert figures.false_barge_ins_per_hour is None
    assert figures.onset_to_silence_p50_ms is figures.delay_error_p95_ms is figures.erle_db is None


def test_synthetic_voices_are_the_same_in_every_process() -> None:
    """espeak seeds itself with the time of day, which some of its voices let be heard."""
    program = (
        "from hashlib import sha256\n"
        "from interject_lab.material.voices import load\n"
        "voices = load([], [], 8000)\n"
        "phrases = [p for voice in voices.bots + voices.callers for p in voice.phrases]\n"
        "print(len(phrases), sha256(b''.join(p.tobytes() for p in phrases)).hexdigest())\n"
    )
    said = {
        subprocess.run((sys.executable, "-c", program), capture_output=True, check=True).stdout
        for _ in range(2)
    }
    assert len(said) == 1
    assert said.pop().startswith(b"84 ")


def test_recordings_are_cut_at_their_pauses() -> None:
    (talk, other, *_) = synthetic_callers(RATE_HZ)[0].phrases
    pause = np.zeros(RATE_HZ, np.int16)
    phrases = cut(np.concatenate([pause, talk, pause, other]), RATE_HZ, CALLER_PHRASE_S)
    assert len(phrases) == 2
    assert phrases[0].size == pytest.approx(talk.size, abs=0.3 * RATE_HZ)


def test_short_talk_goes_on_with_the_next_and_long_talk_is_cut() -> None:
    talk = synthetic_callers(RATE_HZ)[0].phrases[0][: RATE_HZ // 2]
    pause = np.zeros(RATE_HZ // 2, np.int16)
    (joined,) = cut(np.concatenate([talk, pause, talk]), RATE_HZ, (0.8, 5.0))
    assert joined.size == pytest.approx(1.5 * RATE_HZ, abs=0.3 * RATE_HZ)
    (short,) = cut(np.tile(talk, 6), RATE_HZ, (0.6, 2.5))
    assert short.size == pytest.approx(2.5 * RATE_HZ, abs=0.2 * RATE_HZ)
    assert cut(pause, RATE_HZ, CALLER_PHRASE_S) == []


def test_each_folder_of_recordings_is_a_voice_at_the_lines_rate(tmp_path: Path) -> None:
    talk = synthetic_callers(RATE_HZ)[0].phrases[0]
    save(tmp_path / "ann" / "1.wav", talk)
    save(tmp_path / "bob" / "a" / "1.wav", np.repeat(talk, 2), rate_hz=2 * RATE_HZ)
    ann, bob = recorded(tmp_path, RATE_HZ, CALLER_PHRASE_S)
    assert (ann.name, bob.name) == ("ann", "bob/a")
    assert ann.phrases[0].size == pytest.approx(bob.phrases[0].size, rel=0.05)


def test_a_folder_without_speech_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"nowhere is not a folder: give one with audio files"):
        recorded(tmp_path / "nowhere", RATE_HZ, CALLER_PHRASE_S)
    save(tmp_path / "silence.wav", np.zeros(RATE_HZ, np.int16))
    with pytest.raises(
        SetupError, match=r"has no audio file \(WAV, FLAC, OGG\) with 0\.6 s of speech"
    ):
        load([], [tmp_path], RATE_HZ)


def test_levels_are_set_by_the_active_part() -> None:
    talk = synthetic_callers(RATE_HZ)[0].phrases[0]
    with_pause = np.concatenate([talk, np.zeros(5 * RATE_HZ, np.int16)])
    for pcm in (talk, with_pause):
        levelled = at_level(pcm, RATE_HZ, -26.0)
        assert active_level_dbfs(levelled, RATE_HZ) == pytest.approx(-26.0, abs=0.1)


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


def test_the_command_prints_one_document_and_writes_its_section(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = partial(SweepPlan, conditions=(NEAR, FAR))
    monkeypatch.setattr("interject_lab.sweep.sweep.SweepPlan", few)
    page = tmp_path / "page.md"
    page.write_text("\n".join(markers("interject lab sweep")))
    save(tmp_path / "callers" / "1.wav", synthetic_callers(RATE_HZ)[0].phrases[0])
    options = ["--calls", "1", "--seconds", "5", "--seed", "7", "--json"]
    folders = ["--speech", str(tmp_path / "callers"), "--write", str(page)]
    result = CliRunner().invoke(cli, ["lab", "sweep", *options, *folders])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert [len(one["conditions"]) for one in document["listening_modes"]] == [2, 2, 2]
    assert document["seed"] == 7
    text = page.read_text()
    assert "`interject lab sweep --calls 1 --seconds 5 --seed 7 --speech" in text
    assert text.count("\n| ERL ") == 2


def test_time_is_not_wasted_on_a_page_without_the_section(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("")
    result = CliRunner().invoke(cli, ["lab", "sweep", "--write", str(page)])
    assert isinstance(result.exception, SetupError)
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--calls", "0"], "'--calls': 0 is not in the range 1<=x<=1000"),
        (["--seed", "x"], "'--seed': 'x' is not a valid integer range"),
        (["--erl-db", "3"], "No such option '--erl-db'"),
    ],
)
def test_wrong_options_say_what_is_right(options: list[str], message: str) -> None:
    result = CliRunner().invoke(cli, ["lab", "sweep", *options])
    assert result.exit_code == 2
    assert message in result.output


def test_progress_runs_as_far_as_the_plan_says(monkeypatch: pytest.MonkeyPatch) -> None:
    modes = {name: Rule(name, name, lambda slots, rate: LoudBank(slots)) for name in "abc"}
    monkeypatch.setattr("interject_lab.sweep.sweep.LISTENING_MODES", modes)
    seen: list[float] = []
    plan = SweepPlan(calls=5, duration_s=2.0, seed=1, conditions=(NEAR,))
    material = SpeechMaterial(synthetic_bots(RATE_HZ), synthetic_callers(RATE_HZ))
    sweep(plan, material, lambda step: None, seen.append)
    assert seen == [1.0, 2.0, 3.0, 4.0] * 3
    assert math.isclose(plan.clock_s, 4.0)
