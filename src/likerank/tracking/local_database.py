"""The local MLflow database: its URI in any folder, and its locations after a move or a copy."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlparse

from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from sqlalchemy import make_url

from likerank.errors import LikerankError
from likerank.files import refuse_special
from likerank.run_names import REFRESH

DATABASE: Final = "mlflow.db"
ARTIFACTS: Final = "artifacts"
_LOCATIONS: Final = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
_WAIT_S: Final = 30  # Another process may write.


def database_uri(folder: Path) -> str:
    """Returns the URI of the database in a folder.

    Raises:
        LikerankError: If SQLAlchemy has no URI for the path.
    """
    path = str(folder / DATABASE)
    # With its slashes encoded, too, MLflow takes the path for no folder that it should make.
    for uri in (f"sqlite:///{path}", f"sqlite:///{quote(path, safe='')}"):
        if make_url(uri).database == path:
            return uri
    raise LikerankError(f"MLflow cannot open {path}: rename its folder, or set paths.mlruns to another one.")


def prepare_database(folder: Path) -> None:
    """Creates the database, or gives its locations the folder's present place; only one process at a time.

    MLflow keeps absolute locations of artifacts and models. In a copy they would lead to the original.
    """
    file = folder / DATABASE
    refuse_special(file)
    former = _former_folders(file, folder) if file.exists() else None
    if former is None:
        # MLflow's own first folder of artifacts is the working folder's, and fails for some names.
        SqlAlchemyStore(database_uri(folder), (folder / ARTIFACTS).as_uri())  # type: ignore[no-untyped-call]
    elif former:
        _relocate(file, former, folder)


def _former_folders(file: Path, folder: Path) -> set[Path] | None:
    """Returns the other folders that the database was written for; None for a database without tables."""
    with closing(sqlite3.connect(file, timeout=_WAIT_S)) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchone():
            return None
        found = database.execute("SELECT DISTINCT artifact_location FROM experiments").fetchall()
    if not found:
        return None
    return {path_of(location).parent for (location,) in found if _is_former(str(location), folder)}


def _is_former(location: str, folder: Path) -> bool:
    if not location.endswith(f"/{ARTIFACTS}") or not location.startswith(("/", "file:")):
        return False  # Such as a bucket's, or an experiment of other programs.
    former = path_of(location).parent
    if former.resolve() == folder.resolve():
        return False
    # Artifacts on another disk, which an experiment was given on purpose, have no database beside them.
    return (former / DATABASE).exists() or not (former / ARTIFACTS).exists()


def _relocate(file: Path, former: Iterable[Path], folder: Path) -> None:
    """Rewrites all locations below former folders, in one transaction."""
    with closing(sqlite3.connect(file, timeout=_WAIT_S)) as database, database:
        for place in former:
            for old, new in ((place.as_uri(), folder.as_uri()), (str(place), str(folder))):
                for table, column in _LOCATIONS:
                    database.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608 - from above
                        f"WHERE substr({column}, 1, ?) = ?",
                        (new, len(old) + 1, len(old) + 1, f"{old}/"),
                    )
            _relocate_refreshes(database, place.parent, folder.parent)


def _relocate_refreshes(database: sqlite3.Connection, old: Path, new: Path) -> None:
    """Gives the runs of refreshes, which are found by their data folder, its present place beside mlruns."""
    found = database.execute("SELECT DISTINCT value FROM tags WHERE key = ?", (REFRESH,)).fetchall()
    for (data,) in found:
        if Path(data).is_relative_to(old) and (moved := new / Path(data).relative_to(old)).is_dir():
            database.execute(
                "UPDATE tags SET value = ? WHERE key = ? AND value = ?", (str(moved), REFRESH, data)
            )


def path_of(location: str) -> Path:
    """Returns the path of a local location, a `file:` URI or a path itself."""
    return Path(unquote(urlparse(location).path) if location.startswith("file:") else location)
