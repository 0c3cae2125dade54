"""Long texts that cost a tokeniser, a lower-caser or a reader most."""

from __future__ import annotations

LONG: dict[str, str] = {
    "exclamation marks": "!",
    "one letter": "a",
    "one word": "word ",
    "words of one letter": "a ",
    "blanks": " \t",
    "line ends": "\r\n",
    "accents": "a\u0301\u0302\u0303",
    "combining marks alone": "\u0301",
    "families": "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "Chinese": "\u63a8\u8350",
    "a letter whose lower case is longer": "\u0130",
    "a letter that is a word": "\ufdfa",
    "special tokens": "[CLS] [SEP] [MASK] [PAD] [UNK] ",
    "halves of special tokens": "[SEP",
    "zero width": "\u200b\u200d\ufeff",
    "right to left": "\u202e\u05d0",
    "private and unassigned": "\ue000\U000e0041",
    "digits": "0123456789",
    "one long number": "9",
    "paths": "a > ",
    "markup": "<a><b>",
    "regular expressions": "(a+)+",
    "search operators": "& | ! <-> :* ",
    "backslashes": "\\",
}


def long_text(name: str, n_characters: int) -> str:
    piece = LONG[name]
    return (piece * (n_characters // len(piece) + 1))[:n_characters]
