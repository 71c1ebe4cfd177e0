"""A voice has failed if it answers a text without a sound."""

from collections.abc import AsyncGenerator, AsyncIterator

from media_pod.providers.ports import FailureKind, ProviderError, Speech

_SHOWN = 60
"""Characters of the text that an error repeats."""


async def sounding(
    spoken: AsyncIterator[Speech], text: str, voice: str
) -> AsyncGenerator[Speech, None]:
    """`spoken`, whose pieces of silence in front of the first sound wait for it.

    It is closed with this one.

    Args:
        spoken: what a voice makes of `text`.
        text: one without a letter or digit may be silent.
        voice: its name, for errors.

    Raises:
        ProviderError: it has ended without a sound.
    """
    silent: list[Speech] = []
    waits = any(sign.isalnum() for sign in text)
    try:
        async for piece in spoken:
            silent.append(piece)
            waits = waits and not piece.pcm.any()
            while silent and not waits:
                yield silent.pop(0)
    finally:
        if isinstance(spoken, AsyncGenerator):
            await spoken.aclose()
    if waits:
        raise ProviderError(
            f"{voice}: read no sound for {text[:_SHOWN]!r}, expected speech; check that the voice "
            "speaks this language",
            FailureKind.BAD_ANSWER,
        )
