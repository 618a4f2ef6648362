"""One name for one thing: the class names speak the language of docs/glossary.md."""

import re
from functools import cache

import pytest

from ibgateway_house.figures import REPOSITORY, programs
from ibgateway_house.glossary import class_names, identifiers, read, singular, words

GLOSSARY = read(REPOSITORY / "docs" / "glossary.md")


@cache
def names() -> list[str]:
    """The programs' class names; nothing is parsed where only the other tests run."""
    return sorted({name for package in programs(REPOSITORY) for name in class_names(package)})


def test_every_word_of_a_class_name_is_in_the_glossary() -> None:
    known = GLOSSARY.terms | GLOSSARY.everyday
    unknown = {name: set(words(name)) - known for name in names() if set(words(name)) - known}
    assert unknown == {}, "give it a line in docs/glossary.md, or use the word that is there"


def test_every_word_of_the_glossary_is_used() -> None:
    used = {word for name in names() for word in words(name)}
    assert sorted((GLOSSARY.terms | GLOSSARY.everyday) - used) == []


def test_no_word_stands_twice() -> None:
    assert sorted(GLOSSARY.terms & GLOSSARY.everyday) == []


def test_words_that_were_given_up_do_not_come_back() -> None:
    avoided = {word.lower() for word in GLOSSARY.avoided}
    used = {
        part
        for package in programs(REPOSITORY)
        for name in identifiers(package)
        for part in re.findall(r"[a-z]+", re.sub(r"([A-Z])", r"_\1", name).lower())
    }
    assert sorted(used & avoided) == []


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("IBGatewaySpec", ["Ibgateway", "Spec"]),
        ("NoVncSpec", ["Novnc", "Spec"]),
        ("ClientIdInUseError", ["Client", "Id", "In", "Use", "Error"]),
        ("IbcCommands", ["Ibc", "Command"]),
        ("Memories", ["Memory"]),
        ("SentinelSettings", ["Sentinel", "Settings"]),
    ],
)
def test_a_name_falls_into_words(name: str, parts: list[str]) -> None:
    assert list(words(name)) == parts


def test_a_word_loses_its_plural_and_nothing_else() -> None:
    assert [singular(word) for word in ("Orders", "Status", "Bodies", "Readiness", "Terms")] == [
        "Order",
        "Status",
        "Body",
        "Readiness",
        "Terms",
    ]
