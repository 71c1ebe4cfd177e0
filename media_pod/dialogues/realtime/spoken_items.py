"""What the model has said in the bot's latest turn, and how much of it the caller heard."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from media_pod.dialogues.agent.history import SaidText, Step
from media_pod.dialogues.ports import Act, Interruption, Speak
from media_pod.dialogues.realtime.conversation import RealtimeConversation
from media_pod.dialogues.realtime.item_speech import ItemSpeech
from media_pod.dialogues.realtime.response import RealtimeResponse


@dataclass(frozen=True, slots=True)
class _SpokenItem:
    """An item at the server, and its text in our history."""

    speech: ItemSpeech
    spoken: SaidText


class SpokenItems:
    """The items of one turn at a time.

    Args:
        conversation: of the call.
    """

    def __init__(self, conversation: RealtimeConversation) -> None:
        self._conversation = conversation
        self._items: dict[str, _SpokenItem] = {}
        """By id, in order."""
        self._responses: list[RealtimeResponse] = []

    def begin_turn(self) -> None:
        """The bot's next turn begins: of the one before, all texts are final."""
        self.take_texts()
        self._items = {}
        self._responses = []

    async def speak(self, step: Step, response: RealtimeResponse) -> AsyncGenerator[Act, None]:
        """The speech of an answer, whose texts become those of `step`. Raises ProviderError."""
        self._responses.append(response)
        try:
            async with aclosing(response.parts()) as parts:
                async for item_id, speech in parts:
                    if item_id not in self._items:
                        item = response.items[item_id]
                        self._items[item_id] = _SpokenItem(item, step.say(""))
                    yield Speak(speech, item_id)
        finally:
            self.take_texts()
            self._conversation.stop(response)

    def take_texts(self) -> None:
        """Put into the history what has come of the transcripts, which lag behind the audio."""
        for item in self._items.values():
            item.spoken.text = item.speech.text.strip()

    def cut(self, cut: Interruption) -> None:
        """Cut the server's items to what was heard; our history has been cut before."""
        for response in self._responses:
            self._conversation.stop(response)
            for item_id in response.item_ids - self._items.keys() - response.calls.keys():
                self._conversation.replace(item_id, "")
        for item_id, item in self._items.items():
            samples = cut.item_samples.get(item_id, 0)
            if item.speech.ended and samples >= item.speech.samples:
                continue
            if cut.heard and not cut.item_samples:  # a conversation in text
                self._conversation.replace(item_id, item.spoken.text)
            else:
                heard_ms = item.speech.truncation_ms(samples)
                self._conversation.cut(item_id, heard_ms, item.spoken.text)
        self._items = {}
        self._responses = []
