"""Where runs name an author, beside the store and the snapshots, and how each place is rid of it."""

import json
import re
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch

from likerank.errors import LikerankError
from likerank.files import remove_lines, rewrite_whole
from likerank.run_names import ANALYSIS_NUMBERS as NUMBERS

_LOGS = ("*.log", ".hydra/*.yaml", "multirun.yaml")


class Traces:
    """What there is to look for.

    Args:
        author_key: The author, `source/author_id`.
        names: All names that the author goes or went by.
    """

    def __init__(self, author_key: str, names: Collection[str]) -> None:
        self._author_key = author_key
        words = "|".join(re.escape(word) for word in {author_key.partition("/")[2], *names} - {""})
        # A dot belongs to a name, but not at the end of a sentence.
        self._named = re.compile(rf"(?<!\w)(?<!\w\.)(?:{words})(?!\w|\.\w)".encode(), re.IGNORECASE)

    def out_of_predictions(self, file: Path, target: Path) -> int:
        """Writes a table of predictions without the author's posts; see `likerank.tracking.Rewrite`."""
        try:
            table = pq.read_table(file)
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(file) from error
        theirs = pc.fill_null(pc.equal(table["author"], self._author_key), False)
        if number := pc.sum(theirs).as_py():
            pq.write_table(table.filter(pc.invert(theirs)), target)
        return int(number or 0)

    def out_of_checkpoint(self, file: Path, target: Path) -> int:
        """Writes a checkpoint whose target does not know the author; see `likerank.tracking.Rewrite`."""
        try:
            checkpoint = torch.load(file, weights_only=True)
        except Exception as error:  # whatever a damaged archive makes of it
            raise _unreadable(file) from error
        if number := self.out_of_values(checkpoint):
            torch.save(checkpoint, target)
        return number

    def out_of_values(self, node: Any) -> int:  # noqa: ANN401
        """Takes what dictionaries hold under the author's key out of them, at any depth; returns how much."""
        if isinstance(node, dict):
            found = int(node.pop(self._author_key, None) is not None)
            return found + sum(self.out_of_values(child) for child in node.values())
        return sum(self.out_of_values(child) for child in node) if isinstance(node, list) else 0

    def out_of_checkpoints_in(self, folder: Path) -> int:
        """Rewrites the checkpoints of a training that is under way or was cut short."""
        return sum(rewrite_whole(file, self.out_of_checkpoint) > 0 for file in folder.glob("*.ckpt"))

    def out_of_baselines_under(self, folder: Path, fingerprints: Collection[str]) -> int:
        """Removes the fitted baselines of some snapshots, and others that know the author."""
        removed = 0
        for fitted in folder.glob("*/"):
            if fitted.name.split("-")[0] in fingerprints or self._is_in(fitted / "author_mean.npz"):
                shutil.rmtree(fitted)
                removed += 1
        return removed

    def out_of_summary(self, file: Path, target: Path) -> int:
        """Writes a text with other words where it names the author; see `likerank.tracking.Rewrite`."""
        text, number = self._named.subn(b"(forgotten)", file.read_bytes())
        if number:
            target.write_bytes(text)
        return number

    def out_of_summaries_in(self, folder: Path) -> int:
        """Rewrites the summaries of refreshes."""
        return sum(rewrite_whole(file, self.out_of_summary) for file in folder.glob("*.json"))

    def are_in_numbers(self, file: Path) -> bool:
        """Whether an analysis counted the author; one that cannot be read is taken for one that did."""
        try:
            return self._author_key in json.loads(file.read_text())["who"]["authors"]
        except (OSError, ValueError, KeyError, TypeError):
            return True

    def out_of_analyses_under(self, folder: Path) -> int:
        """Removes the analyses that counted the author, whose pages show posts; returns how many files."""
        removed = 0
        for analysis in folder.glob("*/"):
            if self.are_in_numbers(analysis / NUMBERS):
                removed += sum(1 for _ in analysis.iterdir())
                shutil.rmtree(analysis)
        return removed

    def _is_in(self, control: Path) -> bool:
        if not control.exists():
            return False
        with np.load(control) as fitted:
            return self._author_key in fitted["authors_"]

    def out_of_logs_under(self, folder: Path) -> int:
        """Takes the lines that name the author out of log files and Hydra's records."""
        files = (file for pattern in _LOGS for file in folder.rglob(pattern))
        return sum(remove_lines(file, lambda line: bool(self._named.search(line))) for file in files)


def _unreadable(file: Path) -> LikerankError:
    return LikerankError(f"{file.name} is damaged.")
