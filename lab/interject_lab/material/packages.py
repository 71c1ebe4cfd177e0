"""Debian packages with recordings of people and sounds, and how to read their files.

None of this audio is in the project: each user fetches it under its own licence. The packages were
looked through for real voices; a group of speakers is as fine as the names of the files allow.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from interject_lab.material.clips import ClipKind

Encoding = Literal["PCM_U8", "PCM_16", "GSM610"]
"""Of files without a header, in libsndfile's words."""


@dataclass(frozen=True, slots=True)
class Headerless:
    """How to read a file of bare samples."""

    encoding: Encoding
    rate_hz: int


@dataclass(frozen=True, slots=True)
class Rule:
    """What the files are whose names match; the first rule of a package that matches is taken."""

    pattern: re.Pattern[str]
    """For the whole path below the package's root, or the whole name in its archive."""
    kind: ClipKind
    speaker: str = ""
    r"""`Clip.speaker`, with \1 for the groups of `pattern`."""
    in_the_field: bool = False
    headerless: Headerless | None = None


@dataclass(frozen=True, slots=True)
class Package:
    """A Debian package."""

    name: str
    licence: str
    rules: tuple[Rule, ...]
    queen_archive: str = ""
    """File in the format of queen.1c that has the clips; otherwise they are files of their own."""


def _rule(
    pattern: str,
    kind: ClipKind,
    speaker: str = "",
    *,
    in_the_field: bool = False,
    headerless: Headerless | None = None,
) -> Rule:
    return Rule(re.compile(pattern), kind, speaker, in_the_field, headerless)


_GSM: Final = Headerless("GSM610", 8000)
_DRASCULA: Final = Headerless("PCM_U8", 11_025)
_CODEC2: Final = Headerless("PCM_16", 8000)
_SPHINX: Final = Headerless("PCM_16", 16_000)

_SOUNDS: Final = r"usr/share/asterisk/sounds/[a-z]{2}_[A-Z]{2}_[mf]_"
_NOT_WORDS: Final = r"(?!.*/(?:digits|letters|phonetic|silence)/)"
_STAMPS: Final = r"usr/share/tuxpaint/stamps/"


def _asterisk_bot(language: str) -> Package:
    rule = _rule(_NOT_WORDS + _SOUNDS + r"(\w+)/.*\.wav", "bot", rf"asterisk-\1/{language}")
    return Package(f"asterisk-core-sounds-{language}-wav", "CC-BY-SA-3.0", (rule,))


def _asterisk_caller(language: str) -> Package:
    pattern = rf"(?!.*/silence/){_SOUNDS}(\w+)/.*\.wav"
    rule = _rule(pattern, "caller", rf"asterisk-\1/{language}")
    return Package(f"asterisk-core-sounds-{language}-wav", "CC-BY-SA-3.0", (rule,))


def _gsm_prompts(name: str, licence: str) -> Package:
    pattern = _NOT_WORDS + r"usr/share/asterisk/sounds/.*\.gsm"
    return Package(name, licence, (_rule(pattern, "bot", name, headerless=_GSM),))


def _drascula(name: str, language: str) -> Package:
    pattern = rf"usr/share/scummvm/drascula/{language}/([A-Z]*)\d+\.ALS"
    speaker = rf"drascula-{language}/cast-\1"
    rule = _rule(pattern, "caller", speaker, headerless=_DRASCULA)
    return Package(name, "Drascula (free to distribute)", (rule,))


def _fillets(language: str) -> Package:
    """m is the small fish, a woman; v the big one, a man; the others are a large cast."""
    where, group = rf"usr/share/games/fillets-ng/sound/\w+/{language}/", f"fillets-{language}"
    return Package(
        f"fillets-ng-data-{language}",
        "GPL-2+",
        (
            _rule(where + r"(?:.*-)?m(?:-.*)?\.ogg", "caller", f"{group}/small-fish"),
            _rule(where + r"(?:.*-)?v(?:-.*)?\.ogg", "caller", f"{group}/big-fish"),
            _rule(where + r"(.{1,3}).*\.ogg", "caller", rf"{group}/others-\1"),
        ),
    )


_TABLE: Final = (
    Package(
        "flight-of-the-amazon-queen",
        "Flight of the Amazon Queen (free to distribute)",
        (
            _rule(r"JOE.*\.SB|.*J\d\.SB", "caller", "amazon-queen/joe"),
            _rule(r"(\d\d).*P\d\.SB", "caller", r"amazon-queen/person-\1"),
            _rule(r"(C\d+|CDINT|CINTR|COMIC).*\.SB", "caller", r"amazon-queen/scene-\1"),
        ),
        queen_archive="queen.1c",
    ),
    _fillets("cs"),
    _fillets("nl"),
    _drascula("drascula", "en"),
    _drascula("drascula-spanish", "es"),
    Package(
        "hedgewars-data",
        "GFDL-1.3",
        (_rule(r".*/Sounds/voices/(?!Robot)(\w+)/.*\.ogg", "caller", r"hedgewars-\1"),),
    ),
    Package(
        "tuxpaint-stamps-default",
        "GPL-2+",
        (
            _rule(_STAMPS + r".*/[^/]+_desc\.ogg", "caller", "tuxpaint-en"),
            _rule(_STAMPS + r".*_desc_(\w+)\.(?:ogg|wav)", "caller", r"tuxpaint-\1"),
            _rule(_STAMPS + r"symbols/math/\d\.ogg", "backchannel", "tuxpaint-en"),
            _rule(_STAMPS + r"symbols/math/\d_(\w+)\.ogg", "backchannel", r"tuxpaint-\1"),
            _rule(_STAMPS + r"symbols/alphabets/.*_(en_GB)\.ogg", "backchannel", r"tuxpaint-\1"),
            _rule(_STAMPS + r"animals/mammals/dogs/(?:dog|fox)\.ogg", "dog"),
            _rule(
                _STAMPS + r"animals/birds/(?:rooster|hen|turkey|gander|drake|duck)\.ogg", "rooster"
            ),
            _rule(_STAMPS + r"household/tools/(?:hammer|mallet_metal)\.ogg", "knock"),
            _rule(
                _STAMPS + r"household/(?:vacuum_cleaner|Washing-machine|kettle)\.ogg", "background"
            ),
        ),
    ),
    Package(
        "klettres-data",
        "GPL-2+",
        (
            _rule(
                r"usr/share/klettres/(\w+)/(?:alpha|syllab)/.*\.ogg",
                "backchannel",
                r"kde-\1/letters",
            ),
        ),
    ),
    Package(
        "ktuberling-data",
        "GPL-2+",
        (
            _rule(
                r"usr/share/ktuberling/sounds/(\w+)/.*\.(?:ogg|wav|opus)",
                "caller",
                r"kde-\1/words",
            ),
        ),
    ),
    Package(
        "codec2-examples",
        "LGPL-2.1",
        (
            _rule(
                r".*/raw/(ve9qrp|vk5qi|cq_ref|g3plx|kristoff|cross|big_dog|mmt1)\.raw",
                "caller",
                r"codec2-\1",
                in_the_field=True,
                headerless=_CODEC2,
            ),
            _rule(
                r".*/raw/(hts1a|hts2a|morig|forig)\.raw",
                "caller",
                r"codec2-\1",
                headerless=_CODEC2,
            ),
            _rule(
                r".*/wav/(vk2tpm_004|david4|wia_16kHz)\.wav",
                "caller",
                r"codec2-\1",
                in_the_field=True,
            ),
        ),
    ),
    Package(
        "pocketsphinx-testdata",
        "BSD-2-Clause",
        (
            _rule(r".*/data/(cards|librivox)/.*\.wav", "caller", r"sphinx-\1", in_the_field=True),
            _rule(
                r".*/data/(something|numbers|goforward)\.raw",
                "caller",
                r"sphinx-commands/\1",
                in_the_field=True,
                headerless=_SPHINX,
            ),
        ),
    ),
    _asterisk_bot("en"),
    _asterisk_bot("es"),
    _asterisk_bot("fr"),
    _asterisk_caller("it"),
    _asterisk_caller("ru"),
    _gsm_prompts("asterisk-prompt-es-co", "GPL-2+"),
    _gsm_prompts("asterisk-prompt-fr-armelle", "GPL-2+"),
    Package(
        "asterisk-prompt-it-menardi-wav",
        "CC-BY-SA-3.0",
        (_rule(_NOT_WORDS + _SOUNDS + r"(\w+)/.*\.wav", "bot", r"asterisk-\1/it"),),
    ),
    Package("bucklespring-data", "GPL-2+", (_rule(r".*/buckle/wav/.*\.wav", "keyboard"),)),
    Package("asterisk-moh-opsound-wav", "CC-BY-SA-3.0", (_rule(r".*/moh/.*\.wav", "music"),)),
)
PACKAGES: Final[Mapping[str, Package]] = {package.name: package for package in _TABLE}
