"""Grammar of the built-in recognizer: the vocabulary of a telephone desk.

The output is always an utterance of this grammar. Speech that matches no rule is rejected or, about
half of the time, recognized as the closest one. The parcel desk asks for the streets and digits;
the commands are useful for any dialogue.
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
"""The words of `GRAMMAR`; only these are loaded from the dictionary of 134,000 words."""


def _regex(rule: str) -> str:
    """A JSGF rule as a regular expression over words that each end with a blank.

    Supports the subset that `GRAMMAR` uses: words, references, alternatives, groups, options, `+`.
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
    """Whether `text`, words separated by blanks, is a complete utterance of `GRAMMAR`."""
    return _UTTERANCE.fullmatch(f"{text} ") is not None
