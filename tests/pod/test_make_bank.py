"""The duplex core that a manifest asks for."""

from typing import Any

import pytest

from media_pod.duplex.canceller.kalman import KalmanCanceller
from media_pod.duplex.canceller.protocol import Canceller
from media_pod.duplex.canceller.webrtc import WebRtcCanceller
from media_pod.manifest.agent import AgentSpec, load_manifest
from media_pod.pod import pod as the_pod
from pod.doubles import Bank
from voiceagent_documents import voice_agent


def spec(**fields: Any) -> AgentSpec:
    return load_manifest(voice_agent(fields), "test").spec


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the bank is made with, by name."""
    names: dict[str, Any] = {}

    def make(*args: Any, **by_name: Any) -> Bank:
        names.update(by_name)
        return Bank([])

    monkeypatch.setattr(the_pod, "Bank", make)
    return names


@pytest.mark.parametrize(
    ("barge_in", "keeps"),
    [({}, True), ({"backchannels": "keep"}, True), ({"backchannels": "stop"}, False)],
)
def test_short_words_stop_the_bot_only_if_the_manifest_says_so(
    barge_in: dict[str, str], keeps: bool, asked: dict[str, Any]
) -> None:
    the_pod.make_bank(spec(bargeIn=barge_in, capacity={"calls": 1}))
    assert asked["keep_backchannels"] is keeps


@pytest.mark.parametrize(
    ("line", "canceller"),
    [
        ({}, KalmanCanceller),
        ({"echoCanceller": "kalman"}, KalmanCanceller),
        ({"echoCanceller": "webRtc"}, WebRtcCanceller),
    ],
)
def test_the_manifest_chooses_the_echo_canceller(
    line: dict[str, str], canceller: type[Canceller], asked: dict[str, Any]
) -> None:
    the_pod.make_bank(spec(line=line, capacity={"calls": 1}))
    assert asked["canceller"] is canceller
