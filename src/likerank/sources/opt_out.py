"""The opt-out list: authors whose data was deleted, as salted hashes, so that the file names nobody."""

import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import Final

from filelock import FileLock

from likerank.errors import LikerankError
from likerank.files import write_whole

# Ids are numbers that can be tried one by one: a hash must be too costly for trying all of them, and cheap
# compared with reading one author's pictures.
_COST: Final = 2**12


class OptOutList:
    """The authors who must not be collected or ingested again, in a file that only its owner can read.

    The file is read again whenever another command has changed it.

    Args:
        path: The file; it may be missing.

    Raises:
        LikerankError: From every method, if the file exists and cannot be read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._read_as: tuple[int, int, int] | None = None
        self._salt = b""
        self._hashes: frozenset[str] = frozenset()
        self._known: dict[str, bool] = {}

    def __contains__(self, author_key: str) -> bool:
        """Returns whether the author, `source/author_id`, is on the list."""
        self._refresh()
        if self._hashes and author_key not in self._known:
            self._known[author_key] = self._hash(author_key) in self._hashes
        return self._known.get(author_key, False)

    def __len__(self) -> int:
        self._refresh()
        return len(self._hashes)

    def add(self, author_key: str) -> None:
        """Adds an author; the list is on disk when this returns."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_name(f".{self.path.name}.lock")):
            if author_key in self:
                return
            self._salt = self._salt or secrets.token_bytes(16)
            content = {"salt": self._salt.hex(), "hashes": sorted({*self._hashes, self._hash(author_key)})}
            write_whole(self.path, json.dumps(content, indent=2) + "\n", _owner_only)

    def _hash(self, author_key: str) -> str:
        digest = hashlib.scrypt(
            author_key.encode("utf-8", "surrogatepass"), salt=self._salt, n=_COST, r=8, p=1, dklen=16
        )
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
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise LikerankError(
                f"The opt-out list {self.path} cannot be read ({error}); restore it from a backup before "
                "collecting or ingesting."
            ) from error
        self._read_as = version
        self._known.clear()


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)
