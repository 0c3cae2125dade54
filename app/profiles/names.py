"""Which names a language model may be told: plain ones. Titles and labels are written by strangers.

A name that is no plain one is left out of what the model reads, so an order hidden in it is never given. What the
template writes is not touched by this.
"""

from __future__ import annotations

import re
import unicodedata

MAX_NAME = 40
MAX_WORDS = 5
_PUNCTUATION = frozenset(" -'’&,()/“”")
_WORD = re.compile(r"[^\W_]+")
# Beginnings of words that speak to whoever reads rather than name a thing, in the languages with Latin letters that
# models know best. That shops sell few things called so costs a name now and then, never a wrong sentence.
_ORDERS = (
    *(
        "ignor",
        "disregard",
        "forget",
        "overrid",
        "bypass",
        "pretend",
        "obey",
        "comply",
        "instruct",
        "instruk",
        "prompt",
    ),
    *("system", "sistema", "systeme", "système", "assistant", "asistente", "assistente", "assistent", "chatbot", "gpt"),
    *("print", "output", "repeat", "respond", "reply", "replies", "answer", "write", "tell", "say", "reveal", "execut"),
    *(
        "translat",
        "summar",
        "append",
        "insert",
        "command",
        "previous",
        "above",
        "following",
        "instead",
        "must",
        "always",
    ),
    *("canary", "token", "password", "secret", "http", "www", "admin", "developer", "roleplay", "jailbreak", "please"),
    *(
        "vergiss",
        "vergesst",
        "missacht",
        "schreib",
        "antwort",
        "sage",
        "sagt",
        "gib",
        "wiederhol",
        "anweisung",
        "befehl",
    ),
    *("oublie", "oubliez", "répon", "repon", "écri", "ecri", "répèt", "repet", "dites", "affich", "consigne"),
    *("olvida", "respond", "escrib", "repit", "imprim", "muestra", "instrucc", "responda", "escreva", "esqueça"),
    *("rispond", "scriv", "ripet", "dimentica", "stampa", "istruzion", "diga", "mostre", "repita", "comando"),
    *("negeer", "vergeet", "schrijf", "antwoord", "herhaal", "zeg", "zignoruj", "zapomnij", "napisz", "odpowied"),
    *("powtórz", "powtorz", "polecen", "skriv", "svara", "svar", "upprepa", "glöm", "abaikan", "tulis", "jawab"),
    *("katakan", "ulangi", "yoksay", "yaz", "cevap", "tekrarla", "söyle", "talimat", "unut", "bỏ", "viết", "trả"),
    *("unohda", "kirjoita", "vastaa", "ohita", "felejts", "írd", "válaszolj", "scrie", "răspun", "raspun", "uită"),
)


def words_of(text: str) -> list[str]:
    """Words and numbers, in lower case; punctuation separates."""
    return _WORD.findall(text.casefold())


def is_plain(name: str) -> bool:
    """A few words in Latin letters and whole numbers, none of which gives an order."""
    words = words_of(name)
    return (
        len(name) <= MAX_NAME
        and 0 < len(words) <= MAX_WORDS
        and unicodedata.normalize("NFKC", name) == name
        and all(map(_is_allowed, name))
        and all(word.isalpha() or (word.isdecimal() and len(word) <= 4) for word in words)
        and any(word.isalpha() for word in words)
        and not any(word.startswith(_ORDERS) for word in words)
    )


def _is_allowed(letter: str) -> bool:
    if letter.isalpha():
        return unicodedata.name(letter, "").startswith("LATIN ")
    return letter in _PUNCTUATION or "0" <= letter <= "9"
