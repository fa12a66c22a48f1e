"""What words about clothes mean: a small lexicon of colours and attributes, in English (some colours in other languages).

It reads a shopper's wish, and a product's own title and attributes, so that both speak of ``sleeve = long`` whether a shop
writes "Long-Sleeved", "long sleeves" or has an attribute for it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

from shoplens.domain import ProductDetails
from shoplens.domain.wishes import Wish

COLOUR = "colour"
_COLOUR_NAMES = ("colour", "color", "base colour", "basecolour", "farbe")
_KEPT_TEXTS = 16_384
_MOST_WORDS = 64

Meaning = tuple[str, str]
"""An attribute and its value; of a colour ("colour", its name)."""

Mentions = Mapping[str, frozenset[str]]
"""Attribute → the values that a text speaks of."""


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A run of words, by what it means; None where the lexicon does not know it (then it is one word)."""

    words: tuple[str, ...]
    meanings: tuple[Meaning, ...]
    negated: bool


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """colours: name → red, green, blue, 0..255. shades: colour → the one that it is a shade of. phrases: normalised words → what
    they mean. called: what shops call an attribute → ours. longest: words of the longest phrase.
    """

    colours: Mapping[str, tuple[int, int, int]]
    shades: Mapping[str, str]
    phrases: Mapping[tuple[str, ...], tuple[Meaning, ...]]
    called: Mapping[str, str]
    idle: frozenset[str]
    negating: frozenset[str]
    longest: int

    def wish(self, text: str) -> Wish:
        """What a shopper's text asks for. Words of a denied phrase are not searched for."""
        wanted: dict[str, list[str]] = {}
        unlike: dict[str, list[str]] = {}
        words: list[str] = []
        rest: list[str] = []
        for phrase in self._phrases(_words(text)[:_MOST_WORDS]):
            for attribute, value in phrase.meanings:
                values = (unlike if phrase.negated else wanted).setdefault(attribute, [])
                if value not in values:
                    values.append(value)
            if not phrase.negated:
                words += phrase.words
                rest += () if phrase.meanings else phrase.words
        colours = tuple(wanted.pop(COLOUR, ()))
        return Wish(" ".join(words), " ".join(rest), colours, _frozen(wanted), _frozen(unlike))

    def mentions(self, details: ProductDetails) -> Mentions:
        """What a product says of itself: in attributes that the lexicon knows by name, and in its title."""
        found: dict[str, set[str]] = {}
        for attribute, value in _read(self, details.title):
            found.setdefault(attribute, set()).add(value)
        for called, said in details.attributes.items():
            if not isinstance(said, bool | int | float):
                attribute, own = _attribute(self, called, said if isinstance(said, str) else " , ".join(said))
                if own:
                    found[attribute] = set(own)
        return {attribute: frozenset(values) for attribute, values in found.items()}

    def shades_of(self, colour: str) -> tuple[str, ...]:
        """The colours that are shades of this one."""
        return tuple(shade for shade, of in self.shades.items() if of == colour)

    def agreement(self, attribute: str, wanted: Collection[str], said: Collection[str]) -> float:
        """How well what a product says of an attribute meets a wish, 0..1; shades of a colour half meet each other."""
        return max((self._agreement(attribute, wish, value) for wish in wanted for value in said), default=0.0)

    def _agreement(self, attribute: str, wish: str, value: str) -> float:
        if wish == value:
            return 1.0
        if attribute != COLOUR:
            return 0.0
        if self.shades.get(value) == wish:
            return 1.0
        return 0.5 if self.shades.get(wish, wish) == self.shades.get(value, value) else 0.0

    def _phrases(self, words: Sequence[str]) -> Iterator[_Phrase]:
        negated = False
        place = 0
        while place < len(words):
            for length in range(min(self.longest, len(words) - place), 0, -1):
                run = tuple(words[place : place + length])
                meanings = self.phrases.get(tuple(_singular(word) for word in run))
                if meanings is not None:
                    yield _Phrase(run, meanings, negated)
                    negated, place = False, place + length
                    break
            else:
                word = words[place]
                if word in self.negating:
                    negated = True
                elif word not in self.idle:
                    yield _Phrase((word,), (), negated)
                    negated = False
                place += 1


@lru_cache(_KEPT_TEXTS)
def _read(lexicon: Lexicon, text: str) -> frozenset[Meaning]:
    """What a text speaks of. Titles come again in every search, and reading one takes as long as ranking it."""
    return frozenset(meaning for phrase in lexicon._phrases(_words(text)) if not phrase.negated for meaning in phrase.meanings)


@lru_cache(_KEPT_TEXTS)
def _attribute(lexicon: Lexicon, called: str, text: str) -> tuple[str, frozenset[str]]:
    """Which attribute a shop's name for one means, and the values that its text says; none where it is not known."""
    about = lexicon.called.get(_normal(called))
    if about is None:
        return "", frozenset()
    # An attribute's own value needs no more context: "long" under "sleeve" is a long sleeve.
    own = {value for name, value in _read(lexicon, text) if name == about}
    own |= {part for part in map(_normal, re.split(r"[,/;]", text)) if (about, part) in _meanings(lexicon)}
    return about, frozenset(own)


@cache
def _meanings(lexicon: Lexicon) -> frozenset[Meaning]:
    return frozenset(meaning for meanings in lexicon.phrases.values() for meaning in meanings)


@cache
def lexicon() -> Lexicon:
    """The one lexicon, read from ``lexicon.toml`` beside this module."""
    read = tomllib.loads(resources.files("shoplens").joinpath("lexicon.toml").read_text("utf-8"))
    phrases: dict[tuple[str, ...], list[Meaning]] = {}
    called = {_normal(name): COLOUR for name in _COLOUR_NAMES}
    for colour, entry in read["colours"].items():
        for name in (colour, *entry["names"]):
            phrases.setdefault(tuple(_normal(name).split()), []).append((COLOUR, colour))
    for attribute, values in read["attributes"].items():
        called |= {_normal(name): attribute for name in values["called"]}
        for value, names in values.items():
            if value != "called":
                for name in names:
                    phrases.setdefault(tuple(_normal(name).split()), []).append((attribute, value))
    return Lexicon(
        colours={name: _rgb(entry["rgb"]) for name, entry in read["colours"].items()},
        shades={name: entry["shade_of"] for name, entry in read["colours"].items() if "shade_of" in entry},
        phrases={words: tuple(dict.fromkeys(meanings)) for words, meanings in phrases.items()},
        called=called,
        idle=frozenset(read["words"]["idle"]),
        negating=frozenset(read["words"]["negating"]),
        longest=max(map(len, phrases)),
    )


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", re.sub(r"['’]", "", text.casefold()))


def _normal(text: str) -> str:
    return " ".join(_singular(word) for word in _words(text))


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _rgb(text: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red, green, blue


def _frozen(values: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(each) for name, each in values.items()}
