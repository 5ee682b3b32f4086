"""Paths and names of a command line as they were typed, where Hydra would read numbers, lists and escapes.

A key of conf/ says by the first word of its comment that it takes text: `path:`, `name:` or `text:`; `paths:`
and `names:` may be lists. The other keys keep Hydra's grammar, and so do a list in brackets, a value that is
quoted already, and `${another.key}`; a file or folder of the very name that was typed comes before all of it.
"""

import os
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from hydra.core.override_parser.types import Quote, QuotedString

from likerank.app.help import CommandHelp, read_help
from likerank.errors import LikerankError

_OVERRIDE: Final = re.compile(r"(\+{0,2})([\w.]+)=(.*)", re.DOTALL)
_KIND: Final = re.compile(r"(path|name|text)(s?): ")
_QUOTED: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_INTERPOLATION: Final = re.compile(r"(\\*)\$\{(?=([\w.]+)\}|((?:oc\.[\w.]+|now|hydra):)|)")
_SWEEP: Final = re.compile(r"(choice|glob|interval|range|shuffle|sort|tag)\(.*\)", re.DOTALL)
# Needs no look at the keys: Hydra reads such a value as the text that it is.
_PLAIN: Final = re.compile(
    r"(?!(?:true|false|null|nan|inf)$)[a-z_][\w-]*(?:[./-]\w[\w-]*)*", re.IGNORECASE | re.ASCII
)
_OPENING: Final = {"[": "]", "(": ")", "{": "}"}


class TextKey(NamedTuple):
    """A key that takes text.

    Attributes:
        is_path: Whether the text is a path.
        is_list: Whether it may also be a list of texts.
        nullable: Whether `null` means that there is none.
    """

    is_path: bool
    is_list: bool
    nullable: bool


def text_keys(help_: CommandHelp) -> dict[str, TextKey]:
    """Returns the keys of a command that take text, by name."""
    kinds = {key: found for key in help_.all_keys() if (found := _KIND.match(key.comment))}
    return {
        key.name: TextKey(found[1] == "path", found[2] == "s", key.value == "null")
        for key, found in kinds.items()
    }


def as_typed(command: str, overrides: Iterable[str], *, sweep: bool) -> list[str]:
    """Returns the overrides with the values of text keys quoted, so that Hydra reads what was typed.

    Args:
        command: The command whose overrides they are, such as `rank`.
        overrides: As typed, options such as `-m` among them.
        sweep: Whether commas separate the values of a sweep.

    Raises:
        LikerankError: If a path or name is empty.
    """
    help_: CommandHelp | None = None
    keys: dict[str, TextKey] = {}
    known: set[str] = set()
    typed = []
    for override in overrides:
        found = _OVERRIDE.fullmatch(override)
        if found is not None and not _PLAIN.fullmatch(found[3]):
            if help_ is None:
                help_ = read_help(command)
                keys, known = text_keys(help_), set(help_.known())
            if (key := keys.get(found[2])) is not None:
                if not found[3]:
                    needed = any(each.name == found[2] and each.value == "???" for each in help_.all_keys())
                    way_out = "" if needed else f", or leave {found[2]}= out"
                    raise LikerankError(f"{found[2]} is empty; name one{way_out}.")
                override = f"{found[1]}{found[2]}={_value(found[3], key, known, sweep=sweep)}"
        typed.append(override)
    return typed


def _value(text: str, key: TextKey, known: set[str], *, sweep: bool) -> str:
    if key.is_path and os.path.lexists(text):
        return _quoted(text, set())
    if sweep and _SWEEP.fullmatch(text):
        return text
    if sweep and len(parts := list(_parts(text))) > 1:
        return ",".join(_value(part, key, known, sweep=False) for part in parts)
    if (text == "null" and key.nullable) or _QUOTED.fullmatch(text):
        return text
    if key.is_list and text.startswith("[") and text.endswith("]"):
        one = key._replace(is_list=False)
        return f"[{','.join(_value(part, one, known, sweep=False) for part in _parts(text[1:-1]))}]"
    # Not Path's, which fails where there is no such user.
    text = os.path.expanduser(text) if key.is_path else text  # noqa: PTH111
    return _quoted(text, known)


def _parts(text: str) -> Iterator[str]:
    """Yields what commas separate outside quotes and brackets, stripped; nothing of an empty text."""
    closing: list[str] = []
    start = position = 0
    while position < len(text):
        character = text[position]
        if quoted := _QUOTED.match(text, position):
            position = quoted.end()
            continue
        if character in _OPENING:
            closing.append(_OPENING[character])
        elif closing and character == closing[-1]:
            closing.pop()
        elif character == "," and not closing:
            yield text[start:position].strip()
            start = position + 1
        position += 1
    if text.strip():
        yield text[start:].strip()


def _quoted(text: str, known: set[str]) -> str:
    """Returns the text in quotes of Hydra's grammar; `${}` of no known key or resolver is escaped."""
    escaped = _INTERPOLATION.sub(
        lambda found: found[0] if found[2] in known or found[3] else f"{found[1] * 2}\\${{", text
    )
    return QuotedString(escaped, Quote.single).with_quotes()
