"""What the embedded recognizer understands: the vocabulary of a telephone desk.

Nothing else can come out: speech that fits no rule is rejected or, about half of the time, forced
into the nearest one. The
streets and the digits are what the parcel desk asks for, the commands are for any dialogue.
"""

import re

GRAMMAR = """#JSGF V1.0;
grammar desk;
<digit> = zero | oh | one | two | three | four | five | six | seven | eight | nine;
<digits> = <digit>+;
<yes> = yes | yeah | correct;
<no> = no;
<command> = stop | wait | hold on | repeat | goodbye | help me | operator | go on | continue;
<topic> = change my address | address | where is my parcel;
<street> = station road | church lane | market street | garden road;
<place> = [ house number ] <digits> <street> | house number <digits> | <street> [ <digits> ];
public <utterance> = <digits> | <yes> [ <digits> ] | <no> [ <digits> ]
                   | <command> | <topic> | <place>;
"""
"""JSGF (https://www.w3.org/TR/jsgf/)."""

_RULE = re.compile(r"(?:public )?<(\w+)> = ([^;]+);")
_RULES: dict[str, str] = dict(_RULE.findall(GRAMMAR))

WORDS = frozenset(re.findall(r"[a-z]+", re.sub(r"<\w+>", " ", " ".join(_RULES.values()))))
"""The words of `GRAMMAR`; only these are taken from the recognizer's dictionary of 134,000."""


def _regex(rule: str) -> str:
    """The JSGF of a rule as a regular expression over words that each end with a blank.

    Knows what `GRAMMAR` uses: words, references, alternatives, groups, options and `+`.
    """
    brackets = {"[": "(?:", "]": ")?", "(": "(?:", ")": ")", "|": "|", "+": "+"}
    parts = []
    for token in re.findall(r"<\w+>|[a-z]+|[][()|+]", rule):
        if token in brackets:
            parts.append(brackets[token])
        elif token.startswith("<"):
            parts.append(f"(?:{_regex(_RULES[token[1:-1]])})")
        else:
            parts.append(f"{token} ")
    return "".join(parts)


_UTTERANCE = re.compile(_regex(_RULES["utterance"]))


def accepts(text: str) -> bool:
    """Whether `text`, words separated by blanks, is a whole utterance of `GRAMMAR`."""
    return _UTTERANCE.fullmatch(f"{text} ") is not None
