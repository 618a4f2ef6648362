"""What stands on a Markdown page to be pasted: commands for a shell, and YAML."""

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile
from typing import Any, Final

import yaml

PROGRAMS: Final = re.compile(r"(?:curl|docker|eval|helm|kubectl|make|registry=|umask) ?")
_FENCED: Final = re.compile(r"^```(?:bash|sh)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
_YAML: Final = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
_ANY_FENCE: Final = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_INDENTED: Final = re.compile(r"^    .*\n(?:^    .*\n|^\n(?=    ))*", re.MULTILINE)
_INLINE: Final = re.compile(r"`([^`\n]+)`")
_HERE_DOCUMENT: Final = re.compile(r"<<'(\w+)'\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
_COMMENT: Final = re.compile(r"(?:^|\s)#\s.*")
_ENDS: Final = frozenset({"|", "||", "&", "&&", ";"})


def commands(text: str) -> Iterator[str]:
    """The scripts in a Markdown text: fenced, indented, or in a line."""
    for block in _FENCED.findall(text):
        if PROGRAMS.match(block):
            yield block
    prose = _FENCED.sub("", text)
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
    for block in _YAML.findall(text):
        yield from yaml.safe_load_all(block)
    for block in _FENCED.findall(text):
        for _, given in _HERE_DOCUMENT.findall(block):
            if "apiVersion:" in given:
                yield from yaml.safe_load_all(given)
    for block in _INDENTED.findall(_ANY_FENCE.sub("", text)):
        if re.match(r"    [a-z]\w*:\n", block):
            yield from yaml.safe_load_all(block)
