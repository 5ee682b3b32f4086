"""The version of the code that a run is made with."""

import hashlib
import subprocess
from pathlib import Path

import likerank

_SOURCE = Path(likerank.__file__).parent


def code_version() -> str:
    """Returns a hash of likerank's own modules: it changes with any edit, committed or not."""
    digest = hashlib.blake2b(digest_size=8)
    for file in sorted(_SOURCE.rglob("*.py")):
        digest.update(file.relative_to(_SOURCE).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def git_commit() -> str | None:
    """Returns the commit that the code was taken from, or None outside a checkout."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(_SOURCE), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()
