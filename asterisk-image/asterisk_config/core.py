"""asterisk.conf, logger.conf and the files that Asterisk wants to find, however little they say."""

from asterisk_config.conf import Section, conf, section
from asterisk_config.places import Places
from asterisk_config.values import Values

LANGUAGE = "en_US_f_Allison"
"""Folder of the English prompts as Debian names it."""

_LEVELS = ("error", "warning", "notice", "verbose", "debug")
_TONES = {
    "description": "North America",
    "ringcadence": "2000,4000",
    "dial": "350+440",
    "busy": "480+620/500,0/500",
    "ring": "440+480/2000,0/4000",
    "congestion": "480+620/250,0/250",
}
"""What callers hear while a phone rings or is busy."""

_UNUSED = {
    "acl.conf": (),
    "ccss.conf": (section("general"),),
    "cdr.conf": (section("general", enable=False),),
    "cel.conf": (section("general", enable=False),),
    "features.conf": (section("general"),),
    "manager.conf": (section("general", enabled=False),),
    "pjproject.conf": (section("startup", type="startup"),),
    "stasis.conf": (section("threadpool"),),
    "udptl.conf": (section("general"),),
}
"""Parts of Asterisk that are always there, and complain where they find no file."""

_VERBOSE = 3
"""Verbosity at which Asterisk tells every step of the dialplan."""


def files(values: Values, places: Places) -> dict[str, str]:
    """The files of Asterisk's core."""
    return {
        "asterisk.conf": conf("Folders, and how Asterisk runs.", _asterisk(values, places)),
        "logger.conf": conf("Everything goes to standard output.", _logger(values)),
        "indications.conf": conf(
            "Tones.", [section("general", country="us"), section("us", **_TONES)]
        ),
        **{name: conf("Nothing of this is used.", sections) for name, sections in _UNUSED.items()},
    }


def _asterisk(values: Values, places: Places) -> tuple[Section, ...]:
    folders = section(
        "directories",
        astetcdir=places.etc,
        astmoddir=places.modules,
        astdatadir=places.data,
        astvarlibdir=places.data,
        astdbdir=places.db,
        astkeydir=places.db,
        astspooldir=places.spool,
        astrundir=places.run,
        astlogdir=places.log,
    )
    verbose = _VERBOSE if values.log_level in ("verbose", "debug") else None
    options = section(
        "options",
        nocolor=True,
        defaultlanguage=LANGUAGE,
        verbose=verbose,
        debug=1 if values.log_level == "debug" else None,
    )
    return folders, options


def _logger(values: Values) -> tuple[Section, ...]:
    levels = _LEVELS[: _LEVELS.index(values.log_level) + 1]
    return (
        section("general", dateformat="%F %T.%3q", queue_log=False),
        section("logfiles", console=",".join(levels)),
    )
