"""The caller of a scenario: works through its steps, by what the line and the pod tell.

Rules
-----
- The bot has finished its turn when the pod says so and the line has been silent for as long as a
  pause of speech. The pod knows what the line does not show: that the bot is silent and thinks.
- A caller who has spoken waits for the bot's answer, which is its next turn; after `ANSWER_S` there
  will be none, which is a problem.
- A step after a wait follows at once, and an interruption when the bot has said enough.
- The caller hangs up after the last step, once the bot has finished its turn; after a wait at once.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from interject_lab.call_record import Spoken
from interject_lab.evaluation.calls.call_log import CallLog
from interject_lab.evaluation.calls.caller_voice import CallerSpeech
from interject_lab.evaluation.scenario.steps import ScenarioStep
from interject_lab.evaluation.stand_ins.spoken_words import CallerWords
from interject_lab.network.levels import BOT_PAUSE_MS, speech_bounds
from interject_lab.telephones.caller import Pcm
from media_pod.duplex.contract import TICK_MS

ANSWER_S: Final = 20.0
KEY_MS: Final = 240
"""Between two keys."""


class ScriptedCaller:
    """One caller, a `TelephoneUser`. It does no I/O; its time is its count of ticks.

    Args:
        steps: of the scenario.
        speech: of the steps that have some, by number.
        rate_hz: of the line.
        log: what the pod reports.
        words: is told the caller's words and when they are said.
    """

    def __init__(
        self,
        steps: Sequence[ScenarioStep],
        speech: Mapping[int, CallerSpeech],
        rate_hz: int,
        log: CallLog,
        words: CallerWords,
    ) -> None:
        self._steps = steps
        self._speech = speech
        self._rate_hz = rate_hz
        self._frame = np.zeros(rate_hz * TICK_MS // 1000, np.int16)
        self._log = log
        self._words = words
        self.problems: list[str] = []
        self.turn_before: dict[int, int] = {}
        """By step: number of the bot's latest turn when the step began."""
        self.ended_ms: dict[int, int] = {}
        """By step: when the caller's last sound or key of it was, in ms of the call."""
        self._step = 0
        self._now = 0
        self._since = 0
        """The tick in which the caller began to wait for the next act."""
        self._silent_since = 0
        """The first tick of the line's silence."""
        self._turn_spoken_in = 0
        """Number of the bot's latest turn when the caller last spoke; the answer has a higher."""
        self._saying: CallerSpeech | None = None
        self._keying = ""
        self._done = 0
        """Samples said, or keys pressed, of the current step."""
        self._pressed = ""
        self._talk: list[Spoken] = []
        self._gone = False

    @property
    def spoken(self) -> tuple[Spoken, ...]:
        """See `TelephoneUser.spoken`."""
        return tuple(self._talk)

    @property
    def keys(self) -> str:
        """See `TelephoneUser.keys`."""
        return self._pressed

    @property
    def hangs_up(self) -> bool:
        """See `TelephoneUser.hangs_up`."""
        return self._gone

    @property
    def steps_done(self) -> int:
        """Number of the steps that are over."""
        return self._step

    def step(self, bot_is_speaking: bool) -> Pcm:
        """See `TelephoneUser.step`."""
        if bot_is_speaking:
            self._silent_since = self._now + 1
            self._words.bot_speaks()
        self._words.now_s = self._now * TICK_MS / 1000
        self._pressed = ""
        if self._saying is None and not self._keying:
            self._next()
        frame = self._frame
        if self._saying is not None:
            frame = self._say(self._saying)
        elif self._keying:
            self._press()
        self._now += 1
        return frame

    @property
    def _waited_ms(self) -> int:
        return (self._now - self._since) * TICK_MS

    @property
    def _line_silent_ms(self) -> int:
        return (self._now - self._silent_since) * TICK_MS

    @property
    def _bot_has_finished(self) -> bool:
        answered = self._log.number > self._turn_spoken_in
        return answered and self._log.turn_is_over and self._line_silent_ms > BOT_PAUSE_MS

    @property
    def _after_wait(self) -> bool:
        return self._step > 0 and self._steps[self._step - 1].wait is not None

    def _next(self) -> None:
        """Begin or end what can be begun or ended in this tick."""
        if self._step == len(self._steps):
            self._gone = self._gone or self._after_wait or self._bot_has_finished
            self._check_patience()
            return
        step = self._steps[self._step]
        if step.wait is not None:
            self._over_if(self._waited_ms >= step.wait.ms)
        elif step.silent is not None:
            self._stay_silent(step.silent.ms)
        elif step.until_bot_silent:
            self._over_if(self._bot_has_finished)
        elif step.interrupt is not None:
            self._interrupt(step.interrupt.after_words)
        elif self._after_wait or self._bot_has_finished:
            self._begin()
        self._check_patience()

    def _check_patience(self) -> None:
        finished = self._log.number > self._turn_spoken_in and self._log.turns
        if finished or self._gone or self._waited_ms < ANSWER_S * 1000:
            return
        last = f"steps[{self._step - 1}]" if self._step else "the greeting"
        self._give_up(f"found no turn of the bot within {ANSWER_S:g} s; expected one after {last}")

    def _give_up(self, problem: str) -> None:
        self.problems.append(problem)
        self._gone = True

    def _over_if(self, is_over: bool) -> None:
        if is_over:
            self._step += 1
            self._since = self._now

    def _stay_silent(self, duration_ms: int) -> None:
        if self._step not in self.turn_before:
            if not self._bot_has_finished:
                return
            self.turn_before[self._step] = self._log.number
            self._since = self._now
        self._over_if(self._waited_ms >= duration_ms)

    def _interrupt(self, after_words: int) -> None:
        if self._log.number <= self._turn_spoken_in:
            return
        speaks = self._silent_since == self._now + 1
        if self._bot_has_finished:
            self._give_up(
                f"steps[{self._step}].interrupt.afterWords: found a turn of "
                f"{len(' '.join(self._log.turns[-1].heard).split())} words; expected more than "
                f"{after_words}"
            )
        elif speaks and self._log.heard_words >= after_words:
            self._begin()

    def _begin(self) -> None:
        step = self._steps[self._step]
        self.turn_before[self._step] = self._turn_spoken_in = self._log.number
        self._done = 0
        if step.key is not None:
            self._keying = step.key
            return
        speech = self._saying = self._speech[self._step]
        onset, end = speech_bounds(speech.pcm, self._rate_hz)
        start = self._now * self._frame.size
        interrupts = self._silent_since == self._now + 1
        self._talk.append(Spoken(speech.text, start + onset, start + end, interrupts))
        for word in speech.words:
            self._words.say(word.text, (start + word.end_sample) / self._rate_hz)
        self.ended_ms[self._step] = (start + end) * 1000 // self._rate_hz

    def _say(self, speech: CallerSpeech) -> Pcm:
        frame = self._frame.copy()
        part = speech.pcm[self._done : self._done + frame.size]
        frame[: part.size] = part
        self._done += frame.size
        if self._done >= speech.pcm.size:
            self._saying = None
            self._over_if(True)
        return frame

    def _press(self) -> None:
        if self._waited_of_key_ms % KEY_MS:
            self._done += 1
            return
        self._pressed, self._keying = self._keying[0], self._keying[1:]
        self._done += 1
        self.ended_ms[self._step] = self._now * TICK_MS
        if not self._keying:
            self._over_if(True)

    @property
    def _waited_of_key_ms(self) -> int:
        return self._done * TICK_MS
