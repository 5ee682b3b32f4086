"""An export of `likerank export`: JSON Lines as `mongoexport` writes them, and the stored images beside."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from likerank.errors import LikerankError
from likerank.files import bounded_lines, count_lines
from likerank.records import (
    AUTHOR_FIELDS,
    COUNTS,
    POST_FIELDS,
    TRUTH_FIELDS,
    Author,
    Kind,
    PictureFile,
    Post,
    Record,
    Skipped,
    Truth,
    is_synthetic,
    required_fields,
    shortened,
    utc_milliseconds,
    wrong_field,
)
from likerank.sources.source import whole_number

_Document = dict[str, Any]

_POSTS, _AUTHORS, _OBSERVATIONS = "posts.jsonl", "authors.jsonl", "observations.jsonl"
_ALL_COUNTS: Final = frozenset(chain.from_iterable(COUNTS.values()))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Export:
    """Posts and authors of another store, each with every observation, in a folder of `likerank export`.

    The folder holds `posts.jsonl`, `authors.jsonl` and `observations.jsonl` in MongoDB's extended JSON
    (v2, relaxed or canonical), each sorted by key, and the images that the posts' `image.file` name.
    Memory holds one record and its observations.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def records(self) -> Iterator[Record]:
        """Yields the authors, then the posts, each once for every time it was observed, oldest first.

        A line that is not a document of its kind, and a post without its image, give a `Skipped`.

        Raises:
            LikerankError: If the folder is no export or its lines are not sorted.
        """
        if not any((self.folder / name).is_file() for name in (_AUTHORS, _POSTS)):
            raise LikerankError(
                f"{self.folder} holds neither {_AUTHORS} nor {_POSTS}; name a folder of likerank export."
            )
        yield from self._with_history(_AUTHORS, "author", _author)
        yield from self._with_history(_POSTS, "post", self._post)

    def count(self) -> int:
        """Returns about how many records there are: one an observation, else one a line."""
        observations, authors, posts = (
            count_lines(self.folder / name) for name in (_OBSERVATIONS, _AUTHORS, _POSTS)
        )
        return observations or authors + posts

    def _with_history(
        self, name: str, kind: Kind, parse: Callable[[_Document], Author | Post | Skipped]
    ) -> Iterator[Record]:
        damaged: list[Skipped] = []
        observations = _observations(self.folder / _OBSERVATIONS, kind, damaged)
        ahead = next(observations, None)
        last = ""
        for where, document in _documents(self.folder / name):
            try:
                record = parse(document)
                if not isinstance(record, Skipped) and (wrong := wrong_field(record)):
                    record = _damaged(where, kind, f"it {wrong}")
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                record = _damaged(where, kind, f"{type(error).__name__}: {shortened(str(error))}")
            if isinstance(record, Skipped):
                yield record
                continue
            last = _ascending(last, record.key, where)
            history = []
            while ahead and ahead["key"] <= record.key:
                if ahead["key"] == record.key:
                    history.append(ahead)
                ahead = next(observations, None)
            for observation in sorted(history, key=itemgetter("observed_at")):
                if observation["observed_at"] != record.observed_at:
                    counts: _Document = {name: observation.get(name) for name in COUNTS[kind]}
                    yield replace(record, observed_at=observation["observed_at"], **counts)
            yield record
        for _ in observations:  # The damaged lines of those that have no record.
            pass
        yield from damaged

    def _post(self, document: _Document) -> Post | Skipped:
        key, image = document["_id"], document.get("image")
        if not isinstance(image, dict) or "file" not in image:
            return Skipped("exported without images")
        path = (self.folder / image["file"]).resolve()
        if not path.is_relative_to(self.folder.resolve()):
            return Skipped(
                "image outside the export",
                f"{key} names the image {image['file']}, outside {self.folder}; export it again.",
            )
        truth = document.get("truth")
        given = _declared(document, POST_FIELDS, required_fields(Post)) | {
            "truth": Truth(**{name: truth[name] for name in TRUTH_FIELDS}) if truth else None,
            "synthetic": is_synthetic(document),
            # A post of a version that did not keep this came before all others.
            "added_at": document.get("added_at") or _EPOCH,
        }
        return Post(picture=PictureFile(path, str(image["digest"])), **given)


def _author(document: _Document) -> Author:
    return Author(**_declared(document, AUTHOR_FIELDS, required_fields(Author)))


def _declared(document: _Document, names: Iterable[str], required: Collection[str]) -> _Document:
    """Returns a record's fields; those that an earlier version did not export are None."""
    given = {name: document[name] if name in required else document.get(name) for name in names}
    # Tables that an export went through may have made floats of whole numbers.
    return {name: _as_count(value) if name in _ALL_COUNTS else value for name, value in given.items()}


def _as_count(value: Any) -> Any:  # noqa: ANN401 (another type stays, and is named)
    return value if not isinstance(value, float) or (number := whole_number(value)) is None else number


def _observations(path: Path, kind: str, damaged: list[Skipped]) -> Iterator[_Document]:
    """Yields the observations of one kind and adds a `Skipped` for each damaged line to the list."""
    last = ""
    for where, document in _documents(path):
        is_kind, counts = document.get("kind") == kind, COUNTS["post" if kind == "post" else "author"]
        document |= {name: _as_count(document[name]) for name in counts if name in document}
        if (
            is_kind
            and isinstance(document.get("key"), str)
            and isinstance(document.get("observed_at"), datetime)
            and all(document.get(name) is None or type(document[name]) is int for name in counts)
        ):
            last = _ascending(last, document["key"], where)
            yield document
        elif is_kind or (kind == "post" and document.get("kind") != "author"):
            damaged.append(_damaged(where, "observation"))


def _damaged(where: str, kind: str, why: str = "") -> Skipped:
    why = f" ({why})" if why else ""
    return Skipped("damaged line", f"{where} is not a valid {kind} of likerank export{why}; export it again.")


def _ascending(last: str, key: str, where: str) -> str:
    if key < last:
        raise LikerankError(
            f"{where}, {key[:80]}, should come before {last[:80]}: the lines are not sorted; export again."
        )
    return key


def _documents(path: Path) -> Iterator[tuple[str, _Document]]:
    """Yields each line's place and document; a line that is not a JSON object gives an empty document."""
    if not path.is_file():
        return
    for number, line in enumerate(bounded_lines(path), start=1):
        try:
            document = json.loads(line.decode("utf-8", "replace"), object_hook=_value)
        except (TypeError, ValueError, OverflowError, RecursionError):
            document = None
        yield f"{path}, line {number}", document if isinstance(document, dict) else {}


def _value(document: _Document) -> Any:  # noqa: ANN401
    """Returns the value of an extended JSON object, or the object itself where it is an ordinary one."""
    if len(document) != 1:
        return document
    ((name, value),) = document.items()
    match name:
        case "$date":
            if isinstance(value, str):
                return utc_milliseconds(datetime.fromisoformat(value))
            return utc_milliseconds(_EPOCH + timedelta(milliseconds=value))
        case "$numberLong" | "$numberInt":
            return int(value)
        case "$numberDouble":
            return float(value)
    return document
