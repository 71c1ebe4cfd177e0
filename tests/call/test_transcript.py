"""The words of a call, from its events."""

from media_pod.call.events import DrainStarted, Recognized, SpeechPlayed
from media_pod.call.transcript import MAX_ENTRIES, Transcript, TranscriptEntry


def test_turns_are_kept_in_order_with_what_was_not_heard() -> None:
    transcript = Transcript()

    transcript.on_event(SpeechPlayed(0, 900, "Hello there,", "how are you?", cut=True))
    transcript.on_event(Recognized(0, 2000, "fine", ""))
    transcript.on_event(Recognized(0, 3000, "number", "42"))

    assert list(transcript.entries) == [
        TranscriptEntry(900, "bot", "Hello there,", "how are you?", cut=True),
        TranscriptEntry(2000, "caller", "fine"),
        TranscriptEntry(3000, "caller", "number 42"),
    ]


def test_turns_without_a_word_and_other_events_leave_no_entry() -> None:
    transcript = Transcript()

    transcript.on_event(SpeechPlayed(0, 900, ""))
    transcript.on_event(Recognized(0, 2000, "", ""))
    transcript.on_event(DrainStarted(0))

    assert not transcript.entries


def test_the_oldest_turns_of_an_endless_call_are_dropped() -> None:
    transcript = Transcript()

    for number in range(MAX_ENTRIES + 5):
        transcript.on_event(Recognized(0, number, "yes", ""))

    assert len(transcript.entries) == MAX_ENTRIES
    assert transcript.entries[0].at_ms == 5
