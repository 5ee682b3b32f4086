"""Who asked to be forgotten: salted hashes, so that the list names nobody."""

import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import Final

from filelock import FileLock

from likerank.errors import LikerankError
from likerank.files import write_whole

# Ids are numbers that can be tried one after another: a hash must cost more than a look at the whole list of
# them is worth, and little beside the pictures of one author.
_COST: Final = 2**12


class OptOutList:
    """The authors who must not come back, in a file of its owner's alone.

    A file that another command changes meanwhile is read again, so a look is never older than the file.

    Args:
        path: The file; there need be none yet.

    Raises:
        LikerankError: From every method, if the file is there and cannot be read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._read_as: tuple[int, int, int] | None = None
        self._salt = b""
        self._hashes: frozenset[str] = frozenset()
        self._known: dict[str, bool] = {}

    def __contains__(self, author_key: str) -> bool:
        """Whether the author, `source/author_id`, asked to be forgotten."""
        self._refresh()
        if not self._hashes:
            return False
        if author_key not in self._known:
            self._known[author_key] = self._hash(author_key) in self._hashes
        return self._known[author_key]

    def __len__(self) -> int:
        self._refresh()
        return len(self._hashes)

    def add(self, author_key: str) -> None:
        """Keeps an author out from now on; on disk when this returns."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_name(f".{self.path.name}.lock")):
            if author_key in self:
                return
            self._salt = self._salt or secrets.token_bytes(16)
            content = {"salt": self._salt.hex(), "hashes": sorted({*self._hashes, self._hash(author_key)})}
            write_whole(self.path, json.dumps(content, indent=2) + "\n", _for_the_owner_alone)

    def _hash(self, author_key: str) -> str:
        digest = hashlib.scrypt(author_key.encode(), salt=self._salt, n=_COST, r=8, p=1, dklen=16)
        return digest.hex()

    def _refresh(self) -> None:
        try:
            status = self.path.stat()
            version = (status.st_ino, status.st_mtime_ns, status.st_size)
            if version == self._read_as:
                return
            content = json.loads(self.path.read_text())
            self._salt = bytes.fromhex(content["salt"])
            self._hashes = frozenset(content["hashes"])
        except FileNotFoundError:
            version, self._salt, self._hashes = None, b"", frozenset()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LikerankError(
                f"{self.path}, the list of who asked to be forgotten, cannot be read ({error}); restore it "
                "from a backup before anything else is collected or ingested."
            ) from error
        self._read_as = version
        self._known.clear()


def _for_the_owner_alone(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)
