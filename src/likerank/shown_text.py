"""Text from outside as it may be shown: on a terminal and in a spreadsheet."""

from typing import Final

_JOINERS: Final = "\u200c\u200d"  # Within words of some scripts, and within emoji.
_OF_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


def printable(text: object) -> str:
    r"""Returns a text without what a terminal would execute: control characters are shown as \x1b.

    Bytes of a file's name that are no UTF-8 and marks that turn the direction of writing are shown so, too.
    """
    return "".join(
        each if each.isprintable() or each in _JOINERS or each == "\n" else _escaped(each)
        for each in str(text)
    )


def cell(text: str) -> str:
    """Returns a text for a cell of a CSV file, which a spreadsheet would take for a formula otherwise."""
    return f"'{text}" if text.startswith(_OF_FORMULAS) else text


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
