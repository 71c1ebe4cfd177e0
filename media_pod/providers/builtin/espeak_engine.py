"""Binding to the espeak-ng library: text in, PCM and word events out; or phonemes out.

espeak-ng has one global state per process, so there is one `Engine` with a lock. The ctypes call
releases the GIL, and acquires it again for each buffer of speech that espeak returns.
"""

import ctypes
import difflib
import functools
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from media_pod.errors import SetupError
from media_pod.providers.ports import Pcm, ProviderError

# Constants of espeak-ng/speak_lib.h.
_OUTPUT_SYNCHRONOUS = 2
_INITIALIZE_DONT_EXIT = 0x8000
_CHARS_UTF8 = 1
_PHONEMES_IPA = 0x02
_EVENT_LIST_TERMINATED = 0
_EVENT_WORD = 1
_RATE, _VOLUME, _PITCH = 1, 2, 3

_BUFFER_MS = 500
"""Speech per callback. With espeak's default of 60 ms a sentence took 8.3 ms instead of 5.4 ms."""
_VOLUME_PERCENT = 70
"""Percent of espeak's default volume, at which the loudest voices clip."""

WORDS_PER_MINUTE = range(80, 451)
"""Range of espeak-ng without the sonic library."""
PITCH = range(0, 100)


class _EventId(ctypes.Union):
    _fields_ = (
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    )


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_SynthCallback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, slots=True)
class WordEvent:
    """Start of a word in espeak's output."""

    text_position: int
    """0-based, in characters. Several events may share one: "4712" gives an event per word."""
    sample: int


@dataclass(frozen=True, slots=True)
class Synthesis:
    """espeak's output for one text, at the engine's sample rate."""

    pcm: Pcm
    words: tuple[WordEvent, ...]


@dataclass(frozen=True, slots=True)
class PhonemeClause:
    """What espeak pronounces in one breath."""

    ipa: str
    """Phonemes in IPA with stress marks; blanks between words, some of which espeak joins. "(de)"
    marks a change of language."""
    text: str
    """Its text with the blanks after it; all but the first clause lack their first character, which
    espeak reads with the clause before."""


@dataclass(slots=True)
class _Collected:
    buffers: list[Pcm] = field(default_factory=list)
    words: list[WordEvent] = field(default_factory=list)


class Engine:
    """espeak-ng, one per process."""

    def __init__(self, library_path: str, data_path: str) -> None:
        """Load the library.

        Raises:
            OSError: the library at `library_path` cannot be loaded.
            SetupError: espeak-ng cannot read its data in `data_path`.
        """
        self._lock = threading.Lock()
        self._collected = _Collected()
        self._library = ctypes.CDLL(library_path)
        self._library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._rate_hz: int = self._library.espeak_Initialize(
            _OUTPUT_SYNCHRONOUS, _BUFFER_MS, data_path.encode(), _INITIALIZE_DONT_EXIT
        )
        if self._rate_hz <= 0:
            raise SetupError(f"espeak-ng cannot read its data in {data_path}: {_REINSTALL}")
        # espeak keeps the raw pointer: this object must live as long as the library is used.
        self._callback = _SynthCallback(self._collect)
        self._library.espeak_SetSynthCallback(self._callback)
        self._voices = dict(self._list_voices(None))
        self._variants = {
            name.removeprefix("!v/").lower(): name.removeprefix("!v/")
            for name in self._identifiers(b"variant")
        }

    @property
    def rate_hz(self) -> int:
        """Sample rate of every `Synthesis`."""
        return self._rate_hz

    def resolve(self, voice: str) -> str:
        """The name with which espeak loads `voice`.

        espeak reports success for unknown names, so voices are looked up in its list first.

        Args:
            voice: a language tag or an espeak voice file ("en-us", "gmw/en-US") with an optional
                variant ("en-us+f3"); not case-sensitive.

        Raises:
            ProviderError: unknown voice; the message has similar names.
        """
        base, plus, variant = voice.lower().partition("+")
        if base not in self._voices:
            raise ProviderError(f"espeak has no voice {voice!r}{_nearest(base, self._voices)}")
        if not plus:
            return self._voices[base]
        if variant not in self._variants:
            near = _nearest(variant, self._variants)
            raise ProviderError(f"espeak has no variant {variant!r} (voice {voice!r}){near}")
        return f"{self._voices[base]}+{self._variants[variant]}"

    def synthesize(self, text: str, voice: str, words_per_minute: int, pitch: int) -> Synthesis:
        """Synthesize `text`; blocks for some milliseconds per sentence.

        Args:
            text: without NUL characters.
            voice: a result of `resolve`.
            words_per_minute: in `WORDS_PER_MINUTE`.
            pitch: in `PITCH`; 50 is the voice's default.

        Raises:
            ProviderError: espeak rejected the voice or the text.
        """
        encoded = text.encode()
        with self._lock:
            self._collected = _Collected()
            if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
                raise ProviderError(f"espeak cannot load the voice {voice!r}")
            # Loading a voice resets the rate and the pitch.
            self._library.espeak_SetParameter(_RATE, words_per_minute, 0)
            self._library.espeak_SetParameter(_PITCH, pitch, 0)
            self._library.espeak_SetParameter(_VOLUME, _VOLUME_PERCENT, 0)
            # Breathy variants add noise, which espeak seeds with the time of day by default.
            self._library.espeak_ng_SetRandSeed(ctypes.c_long(_SEED))
            size = ctypes.c_size_t(len(encoded) + 1)
            status = self._library.espeak_Synth(encoded, size, 0, 0, 0, _CHARS_UTF8, None, None)
            collected = self._collected
        if status != 0:
            raise ProviderError(f"espeak returned {status} for {text[:60]!r}; expected 0")
        empty: Pcm = np.zeros(0, np.int16)
        return Synthesis(np.concatenate([empty, *collected.buffers]), tuple(collected.words))

    def phonemes(self, text: str, voice: str) -> list[PhonemeClause]:
        """The pronunciation of `text`, clause by clause; takes 0.2 ms per sentence.

        Args:
            text: without NUL characters.
            voice: a result of `resolve`.

        Raises:
            ProviderError: espeak rejected the voice.
        """
        # Read by address: the buffer has to live until the last call.
        buffer = ctypes.create_string_buffer(text.encode())
        position = ctypes.c_void_p(ctypes.addressof(buffer))
        clauses: list[PhonemeClause] = []
        with self._lock:
            if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
                raise ProviderError(f"espeak cannot load the voice {voice!r}")
            while (begin := position.value) is not None:
                ipa = self._library.espeak_TextToPhonemes(
                    ctypes.byref(position), _CHARS_UTF8, _PHONEMES_IPA
                )
                # The buffer ends in a NUL. Before its end, espeak has read one character too many.
                end = position.value
                read = (
                    ctypes.string_at(begin) if end is None else ctypes.string_at(begin, end - begin)
                )
                consumed = read.decode(errors="ignore")
                clauses.append(
                    PhonemeClause(ipa.decode(), consumed if end is None else consumed[:-1])
                )
        return clauses

    def _collect(
        self,
        samples: "ctypes._Pointer[ctypes.c_short]",
        count: int,
        events: "ctypes._Pointer[_Event]",
    ) -> int:
        if count > 0:  # the last callback of a text has no samples and a null pointer
            self._collected.buffers.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while events[index].type != _EVENT_LIST_TERMINATED:
            event = events[index]
            if event.type == _EVENT_WORD:
                self._collected.words.append(WordEvent(event.text_position - 1, event.sample))
            index += 1
        return 0

    def _list_voices(self, language: bytes | None) -> Iterator[tuple[str, str]]:
        for voice in self._records(language):
            identifier = voice.identifier.decode()
            yield identifier.lower(), identifier
            for tag in _language_tags(voice.languages):
                yield tag.lower(), identifier

    def _identifiers(self, language: bytes) -> Iterator[str]:
        for voice in self._records(language):
            yield voice.identifier.decode()

    def _records(self, language: bytes | None) -> Iterator[_Voice]:
        wanted = _Voice()
        if language is not None:
            tag = ctypes.create_string_buffer(language)
            wanted.languages = ctypes.addressof(tag)
        records = self._library.espeak_ListVoices(ctypes.byref(wanted) if language else None)
        index = 0
        while records[index]:
            yield records[index].contents
            index += 1


_SEED = 1
_REINSTALL = "reinstall it: pip install --force-reinstall espeakng-loader"


_loading = threading.Lock()


def engine() -> Engine:
    """The engine of this process, loaded on first use; thread-safe.

    Raises:
        SetupError: espeakng-loader is not installed, or its library cannot be loaded.
    """
    # The cache alone does not stop two threads from loading at once, and concurrent calls of
    # espeak_Initialize corrupt the heap.
    with _loading:
        return _load()


@functools.cache
def _load() -> Engine:
    try:
        import espeakng_loader
    except ImportError as error:
        raise SetupError(
            "the voice needs espeakng-loader: pip install 'interject[media]'"
        ) from error
    path = espeakng_loader.get_library_path()
    try:
        return Engine(path, espeakng_loader.get_data_path())
    except (OSError, RuntimeError) as error:
        raise SetupError(f"espeak-ng does not load ({error}): {_REINSTALL}") from error


def _language_tags(address: int) -> Iterator[str]:
    """Read espeak's list of languages: a priority byte and a C string each, then a zero byte."""
    while ctypes.string_at(address, 1) != b"\0":
        tag = ctypes.string_at(address + 1)
        yield tag.decode()
        address += len(tag) + 2


def _nearest(name: str, known: dict[str, str]) -> str:
    near = difflib.get_close_matches(name, known, n=5, cutoff=0.5)
    return (
        f"; nearest: {', '.join(near)}" if near else f"; known: {', '.join(sorted(known)[:8])}, ..."
    )
