"""Errors of the system and of libraries as one sentence: those that a user's disk, network or files cause.

They are told by the names of their types, so that no library is imported to be asked.
"""

import errno
import re
from collections.abc import Callable, Mapping
from typing import Final

from likerank.secret_text import without_passwords

_MOST: Final = 400
_WAYS_OUT: Final[Mapping[int, str]] = {
    errno.ENOSPC: "free some, or name folders of another disk by paths.data and paths.mlruns",
    errno.EDQUOT: "free some, or name folders of another disk by paths.data and paths.mlruns",
    errno.EROFS: "name a folder that can be written",
    errno.EACCES: "give yourself the permission, or name another path",
    errno.EPERM: "give yourself the permission, or name another path",
    errno.ENOENT: "it is missing, or was deleted meanwhile; name another, or run the command again",
    errno.ENOTDIR: "a part of the path is a file; name another folder",
    errno.EISDIR: "it is a folder; name a file",
    errno.EEXIST: "something else is there; move it away, or name another path",
    errno.ENOTEMPTY: "something else is there; move it away, or name another path",
    errno.ENAMETOOLONG: "choose a shorter one",
    errno.ELOOP: "its links lead in a circle; name another path",
    errno.EMFILE: "allow this shell more by `ulimit -n 4096`",
    errno.ENFILE: "close other programs",
    errno.ENOMEM: "close other programs, or give the command less to do at once",
    errno.EIO: "the disk may be damaged; check it, and restore the file from a backup",
    errno.ESTALE: "mount its network folder again, and run the command again",
}
_RUN_AGAIN: Final = "check the connection, and run the command again"


def sentence_of_foreign(error: BaseException) -> str | None:
    """Returns a sentence for an error of the system or a library; None where it may be a bug of likerank."""
    if isinstance(error, OSError):
        return _of_system(error)
    if isinstance(error, RuntimeError) and str(error).startswith("Symlink loop"):  # pathlib's
        return one_line(f"{error}; {_WAYS_OUT[errno.ELOOP]}.")
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("likerank"):
        return f"That needs the Python package {error.name}, which is not installed; install it."
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return _OUT_OF_MEMORY
    for ancestor in type(error).__mro__:
        name = f"{ancestor.__module__}.{ancestor.__qualname__}"
        for pattern, sentence in _BY_TYPE.items():
            if re.fullmatch(pattern, name):
                return sentence(error)
    return None


def one_line(text: object) -> str:
    """Returns a message as one line without control characters, shortened, and without a URI's password."""
    line = " ".join(str(text).split())
    line = "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line
    )
    line = without_passwords(line)
    return line if len(line) <= _MOST else f"{line[:_MOST]}..."


def _of_system(error: OSError) -> str | None:
    if error.errno is None and error.filename is None:
        library = type(error).__module__.partition(".")[0]
        # Those of libraries about a connection: requests, urllib3, httpx. Python's own are chosen by hand.
        return None if library == "builtins" else f"{_first(error)}; {_RUN_AGAIN}."
    reason = error.strerror or errno.errorcode.get(error.errno or 0, "") or _first(error)
    if error.filename is None and error.errno not in _WAYS_OUT:
        return (
            f"{_first(error)}; {_RUN_AGAIN}." if isinstance(error, ConnectionError | TimeoutError) else None
        )
    file = "" if error.filename is None else f"{error.filename!s}: "
    way_out = _WAYS_OUT.get(error.errno or 0, "check it, and run the command again")
    return one_line(f"{file}{reason}; {way_out}.")


def _first(error: BaseException) -> str:
    """Returns the first paragraph of a message: SQLAlchemy's and MLflow's go on with the statement."""
    text = re.split(r"\n\s*\n|\s*\[SQL:|\s*\(Background on", str(error).strip(), maxsplit=1)[0]
    return one_line(text or type(error).__name__).rstrip(".;")


def _of_database(error: BaseException) -> str:
    if "disk is full" in str(error):  # SQLite's words, also inside MLflow's errors.
        return f"The disk of MLflow's database is full; {_WAYS_OUT[errno.ENOSPC]}."
    if "malformed" in str(error) or "not a database" in str(error):
        return f"MLflow's database is damaged ({_first(error)}); restore mlflow.db in paths.mlruns."
    return (
        f"MLflow's database does not work ({_first(error)}); check the disk and the file of tracking.uri "
        "(mlflow.db in paths.mlruns), and run the command again."
    )


def _of_mlflow(error: BaseException) -> str:
    if "disk is full" in str(error):
        return _of_database(error)
    return (
        f"MLflow refuses ({_first(error)}); check tracking.uri and paths.mlruns, and run the command again."
    )


def _of_mongodb(error: BaseException) -> str:
    # Its message may repeat the URI.
    code = getattr(error, "code", None)
    named = f"{type(error).__name__}{'' if code is None else f', code {code}'}"
    return (
        f"The store's MongoDB does not work ({named}); check its disk and its log (in "
        "paths.data/mongo for the embedded store), and run the command again: what was written is kept."
    )


def _of_file(error: BaseException) -> str:
    return (
        f"A file cannot be read ({_first(error)}): it is damaged or of another kind; restore it, or make it "
        "again."
    )


def _of_connection(error: BaseException) -> str:
    return f"A server does not answer ({_first(error)}); {_RUN_AGAIN}."


def _of_worker(error: BaseException) -> str:
    return (
        f"A worker process was ended from outside ({_first(error)}), often for lack of memory; run the "
        "command again with fewer workers."
    )


def _of_device(error: BaseException) -> str:
    return (
        f"The device does not have enough memory ({_first(error)}); use a smaller data.batch_size or "
        "trainer.accelerator=cpu."
    )


_OUT_OF_MEMORY: Final = (
    "There is not enough memory; close other programs, use fewer workers or a smaller data.batch_size."
)
_BY_TYPE: Final[Mapping[str, Callable[[BaseException], str]]] = {
    r"sqlite3\.(DatabaseError|OperationalError)": _of_database,
    r"sqlalchemy\.exc\.(DBAPIError|TimeoutError)": _of_database,
    r"alembic\.util\.exc\.CommandError": _of_database,
    r"mlflow\.exceptions\.MlflowException": _of_mlflow,
    r"pymongo\.errors\.PyMongoError": _of_mongodb,
    r"bson\.errors\.BSONError": _of_mongodb,
    r"pyarrow\.lib\.ArrowException": _of_file,
    r"zipfile\.BadZipFile|lzma\.LZMAError|zlib\.error|tarfile\.TarError|_pickle\.UnpicklingError": _of_file,
    r"yaml\.error\.YAMLError": _of_file,
    r"(requests|urllib3|httpx|http\.client)\..*": _of_connection,
    r"concurrent\.futures\.process\.BrokenProcessPool|.*\.TerminatedWorkerError": _of_worker,
    r"torch.*\.OutOfMemoryError": _of_device,
}
