"""Deletion of one author's data from single files: predictions, checkpoints, texts, logs, analyses."""

import json
import re
import unicodedata
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch

from likerank.errors import LikerankError
from likerank.files import read_checked_parquet, remove_lines

_LOGS = ("*.log", "*.log.*", ".hydra/*.yaml", "multirun.yaml")
_ENDINGS = "jpe?g|png|webp|heic|tiff?|gif|avif|mp4|json|jsonl|xz|txt|csv|parquet"


class AuthorRedaction:
    """Removes an author from single files.

    Methods with a `target` read a file, write it there without the author, and return the number of changes;
    without a change they write nothing.

    Args:
        author_key: The author, `source/author_id`.
        names: All present and former names of the author.
    """

    def __init__(self, author_key: str, names: Collection[str]) -> None:
        self._key = author_key
        author_id = author_key.partition("/")[2]
        words = "|".join(
            sorted({re.escape(form) for word in {author_id, *names} - {""} for form in _forms(word)})
        )
        # A name may contain a dot, but the dot at the end of a sentence is not part of it. Of files that are
        # named by an author, the ending, the id or a date follows.
        after = rf"(?!\w|\.\w)|(?=\.(?:{_ENDINGS})\b)|(?=_{re.escape(author_id)}\b)|(?=_\d{{4}}-\d\d)"
        self._named = re.compile(rf"(?<!\w)(?<!\w\.)(?:{words})(?:{after})", re.IGNORECASE)

    def predictions(self, file: Path, target: Path) -> int:
        """Removes the author's posts from a table of predictions."""
        try:
            table = read_checked_parquet(file)
            theirs = pc.fill_null(pc.equal(table["author"], self._key), False)
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
            raise LikerankError(f"{file.name} is damaged.") from error
        if number := pc.sum(theirs).as_py():
            pq.write_table(table.filter(pc.invert(theirs)), target)
        return int(number or 0)

    def checkpoint(self, file: Path, target: Path) -> int:
        """Removes the author from the target in a checkpoint."""
        try:
            checkpoint = torch.load(file, weights_only=True)
        except Exception as error:  # A damaged archive can cause nearly any error.
            raise LikerankError(f"{file.name} is damaged.") from error
        if number := self.values(checkpoint):
            torch.save(checkpoint, target)
        return number

    def values(self, node: Any) -> int:  # noqa: ANN401
        """Removes values under the author's key from nested dictionaries, in place; returns their number."""
        if isinstance(node, dict):
            found = int(node.pop(self._key, None) is not None)
            return found + sum(self.values(child) for child in node.values())
        return sum(self.values(child) for child in node) if isinstance(node, list) else 0

    def text(self, file: Path, target: Path) -> int:
        """Replaces the author's names in a text."""
        text, number = self.replaced(file.read_bytes().decode(errors="surrogateescape"))
        if number:
            target.write_bytes(text.encode(errors="surrogateescape"))
        return number

    def replaced(self, text: str) -> tuple[str, int]:
        """Returns a text without the author's names, and how many there were."""
        return self._named.subn("(forgotten)", text)

    def _is_named(self, line: bytes) -> bool:
        return self._named.search(line.decode(errors="surrogateescape")) is not None

    def log_lines(self, folder: Path) -> int:
        """Removes lines with the author's names from logs and Hydra's records; returns their number."""
        files = {file for pattern in _LOGS for file in folder.rglob(pattern) if file.is_file()}
        return sum(remove_lines(file, self._is_named) for file in files)

    def is_in_analysis(self, file: Path) -> bool:
        """Returns whether an analysis counted the author; true for an unreadable one."""
        try:
            return self._key in json.loads(file.read_text())["who"]["authors"]
        except (OSError, ValueError, KeyError, TypeError):
            return True

    def is_in_baseline(self, file: Path) -> bool:
        """Returns whether a fitted baseline knows the author; true for an unreadable one."""
        if not file.exists():
            return False
        try:
            with np.load(file) as fitted:
                return self._key in fitted["authors_"]
        except Exception:  # A damaged archive can cause nearly any error.
            return True


def _forms(word: str) -> set[str]:
    """Returns a name as texts write it: composed, decomposed, and both with JSON's escapes."""
    spelled = {unicodedata.normalize(form, word) for form in ("NFC", "NFD")} | {word}
    return spelled | {json.dumps(form)[1:-1] for form in spelled}
