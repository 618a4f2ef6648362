"""What stands on a Markdown page to be pasted: commands for a shell, and YAML."""

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile
from typing import Any, Final

import yaml

PROGRAMS: Final = re.compile(r"(?:curl|docker|eval|helm|kubectl|make|registry=|umask) ?")
SHELLS: Final = ("", "bash", "sh")
_FENCE: Final = re.compile(r"^```([^`\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED: Final = re.compile(r"^    .*\n(?:^    .*\n|^\n(?=    ))*", re.MULTILINE)
_INLINE: Final = re.compile(r"`([^`\n]+)`")
_HERE_DOCUMENT: Final = re.compile(r"<<'(\w+)'\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
_COMMENT: Final = re.compile(r"(?:^|\s)#\s.*")
_ENDS: Final = frozenset({"|", "||", "&", "&&", ";"})


def fenced(text: str, *languages: str) -> Iterator[str]:
    """The fenced blocks in these languages; empty is one that names none."""
    for language, block in _FENCE.findall(text):
        if language in languages:
            yield block


def commands(text: str) -> Iterator[str]:
    """The scripts in a Markdown text: fenced, indented, or in a line."""
    for block in fenced(text, *SHELLS):
        if PROGRAMS.match(block):
            yield block
    prose = _FENCE.sub("", text)
    for block in _INDENTED.findall(prose):
        script = re.sub("^    ", "", block, flags=re.MULTILINE)
        if PROGRAMS.match(script):
            yield script
    for line in _INLINE.findall(prose):
        if PROGRAMS.match(line) and " " in line:
            yield line


def calls(script: str) -> Iterator[list[str]]:
    """The words of each call of a program in a script, as the shell takes them; variables stay as they are written."""
    for line in _HERE_DOCUMENT.sub("", script).replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(_COMMENT.sub("", line), posix=True, punctuation_chars="|&;")
        lexer.whitespace_split, lexer.commenters = True, ""
        try:
            words = list(lexer)
        except ValueError:
            continue  # a quoted text over several lines
        while words:
            call = list(takewhile(lambda word: word not in _ENDS, words))
            words = words[len(call) + 1 :]
            if call:
                yield call


def yaml_documents(text: str) -> Iterator[Any]:
    """The YAML on a page: fenced, indented from a key on, or given to a command."""
    for block in fenced(text, "yaml"):
        yield from yaml.safe_load_all(block)
    for block in fenced(text, *SHELLS):
        for _, given in _HERE_DOCUMENT.findall(block):
            if "apiVersion:" in given:
                yield from yaml.safe_load_all(given)
    for block in _INDENTED.findall(_FENCE.sub("", text)):
        if re.match(r"    [a-z]\w*:\n", block):
            yield from yaml.safe_load_all(block)
