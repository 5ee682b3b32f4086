"""Opens a store by its URI; errors on the way never show a password."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from likerank.errors import LikerankError
from likerank.secret_text import has_password
from likerank.store.embedded import Address, embedded_server
from likerank.store.mongo_errors import speaking_of
from likerank.store.schema import prepare
from likerank.store.store import Store
from likerank.store.supervisor import USER

_PASSWORD_VARIABLE: Final = "LIKERANK_MONGODB_URI"  # noqa: S105
_TIMEOUT_MS: Final = 5000
_CERTIFICATES: Final = {"tlscafile", "tlscertificatekeyfile", "tlscrlfile", "ssl_ca_certs", "ssl_certfile"}
_SERVERS_OWN_DATABASES: Final = {"admin", "local", "config"}


@contextmanager
def open_store(uri: str, database: str, folder: Path) -> Iterator[Store]:
    """Opens a store for the length of a `with` statement; makes its collections where there are none.

    Args:
        uri: `embedded` (a local server that is started where it does not run), `env:NAME` (a MongoDB whose
            URI is in the environment variable NAME), or a MongoDB's URI without a password.
        database: The database's name: letters, digits, `_` and `-`.
        folder: The embedded server's home.

    Yields:
        The store; not to be used in another process.

    Raises:
        LikerankError: If the URI or name is not valid, or the store cannot be reached within about 5 seconds;
            the message never holds a password.
    """
    database = str(database)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,63}", database) or database in _SERVERS_OWN_DATABASES:
        raise LikerankError(
            f"store.database={database!r} is not a valid name: use up to 63 letters, digits, _ and -, "
            f"and none of {', '.join(sorted(_SERVERS_OWN_DATABASES))}."
        )
    if uri == "embedded":
        with embedded_server(Path(folder)) as address:
            uri = f"mongodb://127.0.0.1:{address.port}/?directConnection=true"
            place = f"the embedded server in {folder}"
            with _connected(uri, database, place, embedded=address) as store:
                yield store
        return
    if uri.startswith("env:"):
        variable = uri.removeprefix("env:")
        uri = os.environ.get(variable, "").strip()
        if not uri:
            raise LikerankError(
                f"The environment variable {variable} is not set: put the MongoDB's URI into it "
                "(mongodb://user:password@host/), or use store=embedded."
            )
        where_set = f"The URI in the environment variable {variable}"
    else:
        where_set = "store.uri"
        if has_password(uri):
            raise LikerankError(
                "store.uri holds a password, which would be written into every run's records: put the whole "
                f"URI into the environment variable {_PASSWORD_VARIABLE} and use store=mongodb."
            )
    with _connected(uri, database, f"MongoDB at {_hosts(uri)}", where_set) as store:
        yield store


@contextmanager
def _connected(
    uri: str,
    database: str,
    place: str,
    where_set: str = "",
    embedded: Address | None = None,
) -> Iterator[Store]:
    if problem := _unreadable_certificate(uri):
        raise LikerankError(f"{where_set} names {problem}; correct the path, or put the file there.")
    client = _client(uri, embedded.password if embedded else None)
    if client is None:
        # Raised here, outside the driver's exception, which repeats parts of the URI.
        raise LikerankError(
            f"{where_set} is not a valid MongoDB URI: write mongodb://host:27017/, or "
            f"in {_PASSWORD_VARIABLE} like mongodb://user:password@host/ or "
            "mongodb+srv://user:password@cluster/, "
            "with the password's special characters percent-encoded, a cluster that DNS finds and valid "
            "certificates."
        )
    with client:
        with speaking_of(place, embedded.password_file if embedded else None):
            prepare(client[database], slots=embedded is not None)
        yield Store(client[database], place, slots=embedded is not None)


def _client(uri: str, password: str | None) -> "MongoClient[dict[str, Any]] | None":
    if not uri.startswith(("mongodb://", "mongodb+srv://")):
        return None
    user: dict[str, Any] = (
        {} if password is None else {"username": USER, "password": password, "authSource": "admin"}
    )
    try:
        client: MongoClient[dict[str, Any]] = MongoClient(
            uri,
            **user,
            tz_aware=True,
            appname="likerank",
            serverSelectionTimeoutMS=_TIMEOUT_MS,
            connectTimeoutMS=_TIMEOUT_MS,
        )
        # A cluster's name is looked up now, not at the first command.
        client.get_database("admin")
    except (PyMongoError, ValueError, TypeError, OSError):
        return None
    return client


def _unreadable_certificate(uri: str) -> str:
    """Returns the option of the URI whose file cannot be used, in words; empty where there is none."""
    for name, value in parse_qsl(uri.partition("?")[2]):
        if name.lower() in _CERTIFICATES:
            try:
                text = Path(value).read_text(encoding="ascii", errors="replace")
            except OSError as error:
                return f"the {name} {value}, which cannot be read ({error.strerror})"
            if "-----BEGIN" not in text:
                return f"the {name} {value}, which is no file of certificates (PEM)"
    return ""


def _hosts(uri: str) -> str:
    # After the last @: a password with an unescaped / or ? would end the host too early.
    after_user = uri.split("://", 1)[-1].rpartition("@")[2]
    return re.split(r"[/?]", after_user, maxsplit=1)[0]
