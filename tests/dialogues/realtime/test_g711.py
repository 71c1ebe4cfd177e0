"""G.711 mu-law against the telephone network of the lab, which has an implementation of its own."""

import numpy as np

from interject_lab.network.codecs import _DECODE, _ENCODE
from media_pod.dialogues.realtime import g711

ALL = np.arange(-32768, 32768).astype(np.int16)


def test_levels_are_those_of_the_recommendation() -> None:
    assert np.array_equal(g711.decoded(bytes(range(256))), _DECODE["mu"])


def test_every_level_is_coded_as_itself_but_for_the_second_zero() -> None:
    codes = bytes(range(256))
    coded = g711.encoded(g711.decoded(codes))
    assert coded == codes[:0x7F] + b"\xff" + codes[0x80:]


def test_a_sample_becomes_the_nearest_level() -> None:
    error = np.abs(g711.decoded(g711.encoded(ALL)).astype(int) - ALL)
    other = np.abs(_DECODE["mu"][_ENCODE["mu"][ALL.astype(int) + 32768]].astype(int) - ALL)
    assert (error <= other).all()
