"""Words in the one form that texts and labels are compared in."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from app.profiles.words_of_wishes import CHINESE

# A word of letters, hyphens excluded so that `sci-fi` and `sci fi` are the same; a number with what clings to it; a
# known word of Chinese, which sets no blanks, or what lies between two of them; a mark that ends or joins.
_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_KNOWN = "|".join(CHINESE)
_TOKEN = re.compile(
    rf"{_KNOWN}|(?:(?!{_KNOWN})[{_HAN}])+|\d+[^\W_{_HAN}]*|[^\W\d_{_HAN}]+(?:['’][^\W\d_{_HAN}]+)*|[^\w\s]|\n"
)
_IRREGULAR = {
    "children": "child",
    "feet": "foot",
    "geese": "goose",
    "halves": "half",
    "knives": "knife",
    "leaves": "leaf",
    "loaves": "loaf",
    "men": "man",
    "mice": "mouse",
    "teeth": "tooth",
    "wives": "wife",
    "wolves": "wolf",
    "women": "woman",
}


class Token(NamedTuple):
    """A word or a mark: its stem, and where it stands in the text as it was written."""

    stem: str
    word: str
    start: int
    end: int

    @property
    def is_word(self) -> bool:
        return self.word[0].isalnum()


def tokens_of(text: str) -> list[Token]:
    return [
        Token(stem_of(match.group()), plain(match.group()), match.start(), match.end())
        for match in _TOKEN.finditer(text)
    ]


def stems_of(label: str) -> list[str]:
    """Only the words."""
    return [token.stem for token in tokens_of(label) if token.is_word]


def plain(word: str) -> str:
    """`Rosé` -> `rose`, `DON’T` -> `don't`."""
    if word.isascii():
        return word.lower()
    apart = unicodedata.normalize("NFKD", word.replace("’", "'").lower())
    return "".join(char for char in apart if not unicodedata.combining(char)) or word


def stem_of(word: str) -> str:
    """The singular, roughly: `cookies`, `cookie` -> `cooky`; `boxes` -> `box`. Made to be compared, not to be read."""
    word = plain(word).removesuffix("'s").removesuffix("'")
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    if word.endswith("ie"):
        return word[:-2] + "y"
    return word[:-1] if len(word) > 3 and word.endswith(("se", "xe", "ze", "he", "oe")) else word
