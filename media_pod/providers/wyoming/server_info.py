"""What a Wyoming server says about itself: its models or voices, and their languages."""

import difflib
from dataclasses import dataclass
from typing import Any, Final, Literal

from wyoming.event import Event

from media_pod.providers.ports import FailureKind, ProviderError
from media_pod.providers.wyoming.connection import WyomingConnection

_SHOWN: Final = 5
"""Names in a message."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A model or a voice."""

    name: str
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """The programs of one sort that a server has, and all their models or voices.

    That a voice is listed proves nothing: wyoming-piper lists voices that it has to download first.
    """

    programs: tuple[str, ...]
    offers: tuple[Offer, ...]

    def require(self, peer: str, noun: str, name: str | None) -> None:
        """Check that the server has a program, and the model or voice `name` if that is not None.

        Raises:
            ProviderError: it has not; the message has the nearest names.
        """
        if not self.programs:
            raise ProviderError(
                f"{peer}: the server describes itself, and has no {noun}", FailureKind.NOT_FOUND
            )
        names = [offer.name for offer in self.offers]
        if name is None or name in names:
            return
        near = difflib.get_close_matches(name, names, n=_SHOWN, cutoff=0.5) or names[:_SHOWN]
        raise ProviderError(
            f"{peer} has no {noun} {name!r}; nearest of {len(names)}: {', '.join(near)}",
            FailureKind.NOT_FOUND,
        )

    def language(self, wanted: str, name: str | None) -> str | None:
        """How the server writes the language `wanted`; None if it lists none that fits.

        Args:
            wanted: language tag (RFC 5646), such as "en" or "en-US".
            name: of the model or voice; None: any.
        """
        listed = [
            language
            for offer in self.offers
            if name in (None, offer.name)
            for language in offer.languages
        ]
        exact = next((each for each in listed if _tag(each) == _tag(wanted)), None)
        # Whisper lists "en", Piper "en_US": the main language decides if there is no closer one.
        main = _tag(wanted).split("-")[0]
        return exact or min(
            (each for each in listed if _tag(each).split("-")[0] == main), key=len, default=None
        )


async def describe(
    connection: WyomingConnection, sort: Literal["asr", "tts"], deadline_s: float
) -> ServerInfo:
    """Ask the server what it has.

    Args:
        connection: one that was not used for anything else.
        sort: of programs: recognition or synthesis.
        deadline_s: for the answer.

    Raises:
        ProviderError: no answer, or one of another form.
    """
    await connection.send(deadline_s, Event("describe"))
    event = await connection.receive(deadline_s, "info")
    programs = _objects(event.data.get(sort))
    offered = [_objects(each.get("models" if sort == "asr" else "voices")) for each in programs]
    return ServerInfo(
        tuple(str(each.get("name")) for each in programs),
        tuple(
            Offer(str(offer.get("name")), tuple(map(str, _list(offer.get("languages")))))
            for offers in offered
            for offer in offers
        ),
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in _list(value) if isinstance(each, dict)]


def _tag(language: str) -> str:
    return language.replace("_", "-").lower()
