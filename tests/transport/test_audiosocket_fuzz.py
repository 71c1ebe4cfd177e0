"""100,000 byte strings at the codec: only its own errors come out, and nothing good is lost.

A mutation cannot touch the frames in front of its first byte, so those must come out unchanged.
The strings are seeded, so that a failure repeats.
"""

import random
from bisect import bisect_right
from itertools import accumulate

from media_pod.transport.audiosocket.frames import (
    HANGUP,
    RATES_HZ,
    AudioSocketError,
    Decoder,
    Frame,
    FrameKind,
    encode,
)

STRINGS = 100_000
SAMPLE_FRAMES = (
    HANGUP,
    Frame(FrameKind.UUID, bytes(range(16))),
    *(Frame(FrameKind.DTMF, bytes((digit,))) for digit in b"0A*#"),
    *(Frame(kind, bytes(range(length))) for kind in RATES_HZ for length in (2, 20, 160)),
    Frame(FrameKind.ERROR),
    Frame(FrameKind.ERROR, b"\x04"),
)
WIRE = [encode(frame) for frame in SAMPLE_FRAMES]


def mutate(rng: random.Random, wire: bytes) -> tuple[bytes, int]:
    """A changed copy of `wire`, and where the first change lies."""
    place = rng.randrange(len(wire) + 1)
    match rng.randrange(5):
        case 0:
            return wire[:place], place
        case 1:
            return wire[:place] + rng.randbytes(rng.randrange(1, 8)) + wire[place:], place
        case 2:
            return wire[:place] + wire[place + rng.randrange(1, 8) :], place
        case 3:
            return wire[:place] + rng.randbytes(rng.randrange(1, 8)) + wire[place + 4 :], place
        case _:
            return rng.randbytes(rng.randrange(40)), 0


def decode(rng: random.Random, wire: bytes) -> tuple[list[Frame], bool]:
    """What `wire` in two pieces gives, and if it was refused; any other error fails the test."""
    decoder = Decoder()
    frames: list[Frame] = []
    middle = rng.randrange(len(wire) + 1)
    try:
        frames += decoder.feed(wire[:middle])
        frames += decoder.feed(wire[middle:])
        decoder.eof()
    except AudioSocketError as error:
        assert decoder.error is error
        return frames, True
    return frames, False


def test_only_our_own_errors_and_nothing_before_them_lost() -> None:
    rng = random.Random(20)
    refused = 0
    for _ in range(STRINGS):
        picks = rng.choices(range(len(WIRE)), k=rng.randrange(1, 5))
        ends = list(accumulate(len(WIRE[pick]) for pick in picks))
        wire, place = mutate(rng, b"".join(WIRE[pick] for pick in picks))
        untouched = bisect_right(ends, place)
        frames, was_refused = decode(rng, wire)
        assert frames[:untouched] == [SAMPLE_FRAMES[pick] for pick in picks[:untouched]]
        refused += was_refused
    assert refused > STRINGS // 2, "most mutations make a string that is not AudioSocket"
