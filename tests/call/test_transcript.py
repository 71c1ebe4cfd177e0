"""Who said what, when, and what of it was heard."""

from media_pod.call.transcript import MAX_LINES, Line, Transcript


def test_turns_are_kept_in_order_with_what_was_not_heard() -> None:
    transcript = Transcript()

    transcript.bot(900, "Hello there,", "how are you?", cut=True)
    transcript.caller(2000, "fine")

    assert list(transcript.lines) == [
        Line(900, "bot", "Hello there,", "how are you?", cut=True),
        Line(2000, "caller", "fine"),
    ]


def test_a_turn_without_words_is_no_line() -> None:
    transcript = Transcript()

    transcript.bot(900, "")
    transcript.caller(2000, "")

    assert not transcript.lines


def test_a_call_without_end_keeps_its_latest_lines() -> None:
    transcript = Transcript()

    for number in range(MAX_LINES + 5):
        transcript.caller(number, "yes")

    assert len(transcript.lines) == MAX_LINES
    assert transcript.lines[0].at_ms == 5
