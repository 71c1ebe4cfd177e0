"""How far a conversation with a model has come: its turns, tokens and silences, and its limits."""

from media_pod.dialogues.agent.history import History
from media_pod.dialogues.ports import CallerTurn, DialogueState
from media_pod.dialogues.turn_taking.end_of_turn import is_backchannel
from media_pod.manifest.conversation import LimitsSettings
from media_pod.providers.chat import Usage

COURSE_FIELDS = ("turns", "tokens", "silent_turns")
"""Of a snapshot."""


class Course:
    """One conversation's course.

    Args:
        limits: of the agent.
        history: of the conversation.
    """

    def __init__(self, limits: LimitsSettings, history: History) -> None:
        self._limits = limits
        self._history = history
        self._turns = self._tokens = self._silent_turns = 0
        self._resumed = False
        """The latest turn was a resumed one: it is resumed once."""
        self._counted = False
        """The caller's latest turn is one of `turns`."""

    def caller_spoke(self) -> None:
        """A turn of the caller with words or keys."""
        self._silent_turns, self._resumed = 0, False
        self._turns += 1
        self._counted = True

    def caller_silent(self) -> None:
        """A turn of the caller without words and keys."""
        self._counted = False

    def turn_comes_again(self) -> None:
        """The caller's latest turn was not answered: its words are one turn with what follows."""
        self._turns -= self._counted
        self._counted = False

    def spent(self, usage: Usage | None) -> None:
        """A request is over."""
        if usage is not None:
            self._tokens += usage.input_tokens + usage.output_tokens

    def limit(self, *, after_next_turn: bool = False) -> str:
        """The limit of the call that is reached, in words; "" if none is."""
        if self._turns + after_next_turn > self._limits.turns:
            return f"the limit of {self._limits.turns} turns"
        if self._tokens >= self._limits.tokens:
            return f"the limit of {self._limits.tokens} tokens"
        return ""

    def is_backchannel(self, turn: CallerTurn) -> bool:
        """The caller did not want to interrupt: "mhm" over the bot, which goes on."""
        if turn.digits or not turn.text or not self._history.unheard or self._resumed:
            return False
        return is_backchannel(turn.text, bot_asked=self._history.ends_with_question)

    def resumes(self, *, false_stop: bool = False) -> bool:
        """The caller said nothing: whether the bot goes on where it was stopped, which counts.

        Args:
            false_stop: nobody has spoken, however often the bot was stopped.
        """
        resumes = bool(self._history.unheard) and (false_stop or not self._resumed)
        self._resumed = self._resumed or resumes
        return resumes

    def asks_again(self) -> bool:
        """The caller is silent: whether the bot asks once more, which counts."""
        if self._silent_turns >= self._limits.silence_prompts:
            return False
        self._silent_turns += 1
        return True

    def snapshot(self) -> DialogueState:
        """Its `COURSE_FIELDS`."""
        counts = (self._turns, self._tokens, self._silent_turns)
        return dict(zip(COURSE_FIELDS, counts, strict=True))

    def restore(self, state: DialogueState) -> None:
        """Go on from a snapshot, which has its `COURSE_FIELDS` among others."""
        self._turns, self._tokens, self._silent_turns = (state[name] for name in COURSE_FIELDS)
