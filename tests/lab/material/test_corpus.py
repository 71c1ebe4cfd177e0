from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from interject_lab.material import corpus as corpora
from interject_lab.material import pieces as cutting
from interject_lab.material.clips import CATALOGUE, Clip, read_catalogue, write_catalogue
from interject_lab.material.corpus import load
from interject_lab.material.layouts import MANIFEST, clips
from interject_lab.material.material import SPLITS, EventKind, Material, Split
from interject_lab.material.pieces import Piece, pieces
from interject_lab.material.splits import split_of
from lab.conftest import make_talk
from media_pod.errors import SetupError

RATE_HZ = 8000
KINDS: tuple[EventKind, ...] = get_args(EventKind)
NOTHING_MADE: dict[Split, Material] = {
    split: Material(RATE_HZ, split, (), (), (), dict.fromkeys(KINDS, ()), {"music": ()}, ())
    for split in SPLITS
}


@pytest.fixture(autouse=True)
def recordings_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Making voices and sounds takes seconds, and `test_made` tests them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(corpora, "made", lambda rate_hz, split, rng_seed: NOTHING_MADE[split])
    # Whether the speech here is speech is for `test_spoken`: it is a buzz.
    monkeypatch.setattr(cutting, "spoken", lambda phrases, rate_hz: phrases)


def save(path: Path, pcm: NDArray[np.int16], rate_hz: int = RATE_HZ) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, pcm, rate_hz)


def write_manifest(folder: Path, rows: list[str]) -> None:
    header = "file,kind,source_repo,source_commit,source_path,license,seconds,rate,channels,"
    text = "\n".join([f"{header}subtype,speaker,labels,note", *rows])
    (folder / MANIFEST).write_text(text + "\n")


def row(file: str, kind: str, speaker: str = "", labels: str = "") -> str:
    return f"{file},{kind},repo,,,CC0,1,8000,1,PCM_16,{speaker},{labels},"


def names(material: Material) -> set[str]:
    voices = material.bots + material.callers + material.backchannels
    return {voice.name for voice in voices}


def test_a_speaker_is_in_one_split_and_none_is_lost(tmp_path: Path) -> None:
    speakers = [f"speaker-{index}" for index in range(24)]
    for seed, speaker in enumerate(speakers):
        save(tmp_path / "speech" / speaker / "1.wav", make_talk(1.0, seed=seed))
    found = [names(load(tmp_path, RATE_HZ, split)) for split in SPLITS]
    assert sorted(name for split in found for name in split) == sorted(speakers)
    assert all(found)


def test_the_shares_of_the_splits() -> None:
    counts = [0, 0, 0]
    for index in range(3000):
        counts[SPLITS.index(split_of(str(index)))] += 1
    assert counts == pytest.approx([1800, 450, 750], rel=0.1)


def test_a_group_of_speakers_stays_together() -> None:
    first, second = (Clip("a.wav", "caller", f"play/{role}") for role in ("hero", "villain"))
    assert first.split_name == second.split_name == "play"
    assert Clip("dog.wav", "dog").split_name == "dog.wav"


def test_a_catalogue_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = [
        Clip("a/1.flac", "caller", "ann/one", True, "CC0", 'Debian x 1: say "no", please'),
        Clip("b.flac", "keyboard"),
    ]
    write_catalogue(tmp_path / CATALOGUE, written)
    assert read_catalogue(tmp_path / CATALOGUE) == written == clips(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,speaker\na.wav,ann\n", r"no column kind, expected file,kind,speaker,in_the_field"),
        (
            "file,kind\na.wav,shout\n",
            r"catalogue\.csv:2: kind 'shout', expected one of bot,",
        ),
        ("kind,file\ncaller\n", r"catalogue\.csv:2: no file, expected a path"),
    ],
)
def test_a_bad_catalogue_is_reported(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / CATALOGUE).write_text(text)
    with pytest.raises(SetupError, match=message):
        clips(tmp_path)


def test_a_manifest_gives_kinds_speakers_and_takes(tmp_path: Path) -> None:
    write_manifest(
        tmp_path,
        [
            row("speech/fsdd8k/1_theo_0.wav", "speech_digits_8k", "theo"),
            row("speech/p/sounds/en_US_f_Allison/hi.wav", "prompt_8k_farend", "en-prompt-voice"),
            row("noise/esc10/Dog_bark_1-32318-A.ogg", "noise", labels="Dog bark"),
            row("noise/esc10/Rain_1-17367-A.ogg", "noise", labels="Rain"),
            row("speech/librivox/austen-1.wav", "speech_read", "austen"),
            row("speech/cmu_arctic/a1.wav", "speech_read", "aew"),
            row("rir/rir1.wav", "rir"),
            row("echo_real/far.wav", "echo_real_pair"),
        ],
    )
    found = clips(tmp_path)
    assert [(clip.kind, clip.speaker, clip.in_the_field) for clip in found] == [
        ("caller", "theo", False),
        ("bot", "asterisk-Allison", False),
        ("dog", "1-32318", False),
        ("background", "1-17367", False),
        ("caller", "austen", True),
        ("caller", "aew", False),
        ("room", "", False),
    ]


def test_folders_give_their_kinds(tmp_path: Path) -> None:
    for file in ("speech/ann/1.wav", "bots/bo/x/1.wav", "noise/dog/1.wav", "noise/rain/1.wav"):
        save(tmp_path / file, make_talk(0.5))
    save(tmp_path / "rooms" / "hall.wav", make_talk(0.2))
    (tmp_path / "speech" / "notes.txt").write_text("not audio")
    assert {(clip.kind, clip.speaker) for clip in clips(tmp_path)} == {
        ("caller", "ann"),
        ("bot", "bo"),
        ("dog", ""),
        ("background", ""),
        ("room", ""),
    }


def test_a_folder_of_no_layout_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"no catalogue\.csv and no audio file \(WAV, FLAC, OGG\)"):
        clips(tmp_path)
    with pytest.raises(SetupError, match=r"nowhere is not a folder: make one with `interject lab"):
        load(tmp_path / "nowhere", RATE_HZ, "train")


def test_bad_files_are_reported_all_at_once(tmp_path: Path) -> None:
    save(tmp_path / "good.wav", make_talk(1.0))
    save(tmp_path / "silent.wav", np.zeros(8000, np.int16))
    save(tmp_path / "none.wav", np.zeros(0, np.int16))
    (tmp_path / "broken.wav").write_bytes(b"RIFF, or so")
    found = [Clip(f"{name}.wav", "caller", "ann") for name in ("good", "silent", "none", "broken")]
    with pytest.raises(SetupError) as caught:
        pieces(tmp_path, found, RATE_HZ)
    head, *lines = str(caught.value).splitlines()
    assert head == "3 files of the corpus cannot be used, remove them:"
    assert [line.partition(": ")[2].partition(",")[0] for line in lines] == [
        "silent",
        "no samples",
        "Format not recognised",
    ]


def test_missing_files_of_any_split_are_reported(tmp_path: Path) -> None:
    write_catalogue(
        tmp_path / CATALOGUE, [Clip(f"{n}.wav", "caller", f"speaker-{n}") for n in range(8)]
    )
    with pytest.raises(SetupError, match=r"8 files of the corpus are missing, fetch it") as caught:
        load(tmp_path, RATE_HZ, "validation")
    assert len(str(caught.value).splitlines()) == 9


def kinds_and_seconds(made: list[Piece]) -> list[tuple[str, float]]:
    return [(piece.kind, round(piece.pcm.size / RATE_HZ, 1)) for piece in made]


def test_recordings_are_cut_to_what_suites_draw(tmp_path: Path) -> None:
    pause = np.zeros(RATE_HZ, np.int16)
    save(tmp_path / "two.wav", np.concatenate([make_talk(1.0), pause, make_talk(0.8)]))
    save(tmp_path / "word.wav", np.concatenate([pause, make_talk(0.4), pause]))
    save(tmp_path / "music.wav", make_talk(20.0))
    save(tmp_path / "stereo.wav", np.stack([np.repeat(make_talk(3.0), 2)] * 2, axis=1), 16_000)
    found = [
        Clip("two.wav", "caller", "ann"),
        Clip("word.wav", "caller", "ann"),
        Clip("music.wav", "music"),
        Clip("stereo.wav", "bot", "bo"),
    ]
    assert kinds_and_seconds(pieces(tmp_path, found, RATE_HZ)) == [
        ("caller", pytest.approx(1.0, abs=0.11)),
        ("caller", pytest.approx(0.8, abs=0.11)),
        ("backchannel", pytest.approx(0.4, abs=0.05)),
        ("music", 8.0),
        ("music", 8.0),
        ("music", 4.0),
        ("bot", pytest.approx(3.0, abs=0.11)),
    ]


def test_a_room_has_unit_energy_and_starts_at_its_direct_sound(tmp_path: Path) -> None:
    taps = np.zeros(4000)
    taps[1000], taps[1400] = 0.002, -0.001
    path = tmp_path / "rooms" / "hall.wav"
    path.parent.mkdir()
    soundfile.write(path, taps, RATE_HZ, subtype="FLOAT")
    (room,) = load(tmp_path, RATE_HZ, split_of("rooms/hall.wav")).impulse_responses
    assert room[0] == pytest.approx(1 / np.sqrt(1.25), rel=1e-3)
    assert room[400] == pytest.approx(-0.5 / np.sqrt(1.25), rel=1e-3)


def test_what_was_decoded_is_kept_until_a_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "corpus"
    save(folder / "speech" / "ann" / "1.wav", make_talk(1.0))
    split = split_of("ann")
    first = load(folder, RATE_HZ, split).callers

    with monkeypatch.context() as patch:
        patch.setattr(corpora, "pieces", lambda *_: pytest.fail("decoded again"))
        again = load(folder, RATE_HZ, split).callers
    assert [voice.name for voice in again] == ["ann"]
    np.testing.assert_array_equal(first[0].phrases[0], again[0].phrases[0])

    save(folder / "speech" / "ann" / "1.wav", make_talk(1.5, seed=2))
    (changed,) = load(folder, RATE_HZ, split).callers
    assert changed.phrases[0].size > first[0].phrases[0].size


def test_a_corpus_that_gives_a_split_nothing_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    save(folder / "bots" / "ann" / "1.wav", make_talk(0.8))  # a bot's phrase lasts 2 s
    with pytest.raises(SetupError, match=r"1 files, of which the split .* none of them gave"):
        load(folder, RATE_HZ, split_of("ann"))


def test_a_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    folder = tmp_path / "corpus"
    save(folder / "speech" / "ann" / "1.wav", make_talk(1.0))
    assert names(load(folder, RATE_HZ, split_of("ann"))) == {"ann"}


def test_a_broken_cache_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    save(folder / "speech" / "ann" / "1.wav", make_talk(1.0))
    load(folder, RATE_HZ, split_of("ann"))
    (kept,) = (tmp_path / "cache").rglob("*.npz")
    kept.write_bytes(kept.read_bytes()[:100])
    assert names(load(folder, RATE_HZ, split_of("ann"))) == {"ann"}
