"""The picture of a call: waveforms, speech probability, echo delay, decisions, on one time axis."""

import io
from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from interject_lab.call_record import SoundKind
from interject_lab.reports.call_report import StopMark, Timeline
from interject_lab.scoring.outcome import has_sound
from interject_lab.scoring.score import duck_spans
from media_pod.duplex.contract import LOCKED, TICK_MS, Decision, Reason

Pcm = NDArray[np.int16]

LEFT, RIGHT = 0.108, 0.952
"""Where the time axis begins and ends in the picture, as fractions of its width."""

_SIZE_INCHES = (12.0, 7.4)
DPI = 150
_HEIGHTS = (1.25, 1.25, 1.25, 0.8, 1.25, 0.85)
_COLUMNS = 1600

INK, FAINT, GRID = "#1f2933", "#66737f", "#e4e8ec"
CALLER, BOT, CLEANED = "#0f766e", "#c2570c", "#3b5bab"
TALK_SHADE, SHORT_SHADE, NOISE_SHADE, OTHER_SHADE = "#ccefe9", "#dfe0fb", "#ece5d6", "#fbdcec"
SHADES: dict[SoundKind, str] = {
    "interruption": TALK_SHADE,
    "answer": TALK_SHADE,
    "backchannel": SHORT_SHADE,
    "noise": NOISE_SHADE,
    "dtmf": NOISE_SHADE,
    "second_speaker": OTHER_SHADE,
}
"""Of the ground, by what sounds at the caller's end."""
DUCK = "#f2b84b"
TRUE_STOP, FALSE_STOP = "#15803d", "#d11a2a"

REASONS: dict[Reason, tuple[str, str]] = {
    Reason.QUIET: ("quiet", "#ffffff"),
    Reason.NOT_SPEECH: ("sound, but not speech", "#dfe3e8"),
    Reason.ECHO_EXPLAINED: ("explained by the bot's echo", "#f6cf8b"),
    Reason.HOLDING_NO_LOCK: ("speech, but the echo delay is not known yet", "#cbb7e8"),
    Reason.GATHERING: ("speech, too short to decide", "#a9cbf2"),
    Reason.SPEECH_NO_ECHO: ("caller: no echo is possible now", "#1f9d6b"),
    Reason.SPEECH_OVER_ECHO: ("caller: the echo does not explain it", "#157a8c"),
    Reason.LOUDER_THAN_ECHO: ("caller: louder than the echo can be", "#2f6f2f"),
    Reason.NO_ECHO_ON_LINE: ("caller: this line returns no echo", "#7aa329"),
    Reason.NO_ECHO_FOUND: ("caller: no echo is found in it", "#4f7f3f"),
    Reason.SPEECH_NO_LOCK: ("caller: unlike an echo, whose delay is not known yet", "#3fae9d"),
}
"""Label and colour of each reason, for the lowest lane."""


def draw(call: Timeline, dpi: int = DPI) -> bytes:
    """The timeline of `call` as a PNG, 12 inches wide."""
    figure = Figure(figsize=_SIZE_INCHES, dpi=dpi, facecolor="white")
    FigureCanvasAgg(figure)
    grid = {"height_ratios": _HEIGHTS, "hspace": 0.16}
    lanes: Sequence[Axes] = figure.subplots(len(_HEIGHTS), 1, sharex=True, gridspec_kw=grid)
    figure.subplots_adjust(left=LEFT, right=RIGHT, top=0.955, bottom=0.055)
    _prepare(lanes, call.duration_s)
    _wave(lanes[0], call.trace.caller, call.rate_hz, CALLER, "caller's line\nto the bot")
    _wave(lanes[1], call.trace.played, call.rate_hz, BOT, "bot to\nthe caller")
    _ducks(lanes[1], call)
    _wave(lanes[2], call.trace.cleaned, call.rate_hz, CLEANED, "caller's line,\necho removed")
    _speech(lanes[3], call)
    _delay(lanes[4], call)
    _decisions(lanes[5], call)
    _events(lanes, call)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def _prepare(lanes: Sequence[Axes], duration_s: float) -> None:
    for lane in lanes:
        lane.set_xlim(0, max(duration_s, TICK_MS / 1000))
        lane.tick_params(axis="both", colors=FAINT, labelsize=8, length=0)
        lane.grid(axis="x", color=GRID, linewidth=0.8)
        lane.set_axisbelow(True)
        lane.yaxis.tick_right()
        for side in lane.spines.values():
            side.set_color(GRID)
    lanes[-1].xaxis.set_major_formatter(lambda value, _: f"{value:g} s")


def _label(lane: Axes, text: str) -> None:
    place = lane.transAxes
    lane.text(-0.012, 0.5, text, transform=place, color=INK, fontsize=10, ha="right", va="center")


def _wave(lane: Axes, pcm: Pcm, rate_hz: int, color: str, label: str) -> None:
    """A waveform as the range of its samples per column; loudness to the power 0.5."""
    column = max(pcm.size // _COLUMNS, 1)
    columns = pcm[: pcm.size // column * column].reshape(-1, column) / 32768
    time_s = np.arange(len(columns)) * column / rate_hz
    low, high = columns.min(axis=1), columns.max(axis=1)
    # The root keeps an echo 30 dB below the bot visible beside it.
    low, high = np.sign(low) * np.sqrt(np.abs(low)), np.sign(high) * np.sqrt(np.abs(high))
    lane.fill_between(time_s, low, high, color=color, linewidth=0.3)
    lane.set_ylim(-0.85, 0.85)
    lane.set_yticks([])
    _label(lane, label)


def _tick_times(call: Timeline) -> NDArray[np.float64]:
    return np.arange(call.trace.speech.size, dtype=np.float64) * (TICK_MS / 1000)


def _ducks(lane: Axes, call: Timeline) -> None:
    """Where the bot's voice is lowered: from the frame after the decision on."""
    sounds = has_sound(call.trace.played, call.rate_hz)
    for begin, end in duck_spans(call.trace, sounds):
        begin_s, end_s = ((tick + 1) * TICK_MS / 1000 for tick in (begin, end))
        lane.axvspan(begin_s, end_s, color=DUCK, linewidth=0, zorder=0.6)


def _speech(lane: Axes, call: Timeline) -> None:
    lane.fill_between(_tick_times(call), call.trace.speech, step="post", color="#9aa7b4", lw=0)
    lane.axhline(0.5, color=FAINT, linewidth=0.7, linestyle=(0, (4, 3)))
    lane.set_ylim(0, 1.02)
    lane.set_yticks([0, 1])
    _label(lane, "probability\nof speech")


def _delay(lane: Axes, call: Timeline) -> None:
    trace, time_s = call.trace, _tick_times(call)
    locked = trace.delay_confidence >= LOCKED
    lane.plot(time_s, trace.true_delay_ms, color="#b8c0c8", linewidth=6, label="true")
    for mask, color, width, label in (
        (~locked, "#d9a441", 1.0, "estimate, not locked"),
        (locked, "#1d4ed8", 1.6, "estimate, locked"),
    ):
        found_ms = np.where(mask, trace.delay_ms, np.nan)
        lane.plot(time_s, found_ms, color=color, linewidth=width, label=label)
    known_ms = np.concatenate([trace.true_delay_ms, trace.delay_ms])
    known_ms = known_ms[np.isfinite(known_ms)]
    top_ms = float(known_ms.max()) if known_ms.size else 100.0
    lane.set_ylim(0, top_ms * 1.25 + 1)
    lane.yaxis.set_major_formatter(lambda value, _: f"{value:g} ms")
    lane.locator_params(axis="y", nbins=3)
    if not np.isfinite(trace.delay_ms).any():
        words = "no delay was estimated (grey: true delay)"
        backing = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        place = lane.transAxes
        lane.text(
            0.5, 0.8, words, transform=place, ha="center", color=FAINT, fontsize=9, bbox=backing
        )
    else:
        lane.legend(loc="lower right", ncols=3, fontsize=8, frameon=False, labelcolor=FAINT)
    _label(lane, "delay of\nthe echo")


def _decisions(lane: Axes, call: Timeline) -> None:
    """The reasons as a strip; above it, bars where the bank suspects or detects the caller."""
    reasons = call.trace.reason
    for reason in np.unique(reasons):
        _bars(lane, reasons == reason, (0.0, 0.42), REASONS[Reason(int(reason))][1])
    for decision, color, height in (
        (Decision.ONSET, DUCK, 0.2),
        (Decision.CALLER, TRUE_STOP, 0.36),
    ):
        _bars(lane, call.trace.decision == decision, (0.55, height), color)
    lane.set_ylim(0, 1)
    lane.set_yticks([])
    _label(lane, "caller\ndetected?\n\nreason")


def _bars(lane: Axes, chosen: NDArray[np.bool_], place: tuple[float, float], color: str) -> None:
    """A bar for each run of chosen ticks; `place` is its bottom and height."""
    tick_s = TICK_MS / 1000
    edges = np.flatnonzero(np.diff(chosen, prepend=False, append=False)).reshape(-1, 2)
    bars = [(start * tick_s, (end - start) * tick_s) for start, end in edges.tolist()]
    lane.broken_barh(bars, place, color=color)


def _events(lanes: Sequence[Axes], call: Timeline) -> None:
    for lane in lanes:
        for talk in call.talks:
            shade = SHADES[talk.kind]
            lane.axvspan(talk.start_s, talk.end_s, color=shade, linewidth=0, zorder=0.4)
        for stop in call.stops:
            color = TRUE_STOP if stop.true else FALSE_STOP
            lane.axvline(stop.at_s, color=color, linewidth=1.3, zorder=4)
    room_s = call.duration_s * 0.08
    for index, stop in enumerate(call.stops):
        later = call.stops[index + 1 :]
        until_s = later[0].at_s if later else call.duration_s
        color = TRUE_STOP if stop.true else FALSE_STOP
        _over(lanes[0], stop.at_s, "\N{BLACK DOWN-POINTING TRIANGLE}", color, "center")
        if until_s - stop.at_s > room_s:
            _over(lanes[0], stop.at_s + call.duration_s * 0.006, _words(stop), color, "left")


def _words(stop: StopMark) -> str:
    return stop.label or ("stop" if stop.true else "false barge-in")


def _over(lane: Axes, at_s: float, text: str, color: str, align: Literal["left", "center"]) -> None:
    place = lane.get_xaxis_transform()
    lane.text(at_s, 1.03, text, transform=place, color=color, fontsize=9, ha=align, va="bottom")
