"""Inputs of ingest: manifests, archives, exports, pictures, lists; read into a real store."""

import io
import json
import lzma
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from itertools import chain
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from likerank.collecting.accounts import read_accounts
from likerank.errors import LikerankError
from likerank.images import StoredImage, make_stored_image, read_stored_image
from likerank.records import Author, Observation, Post, Skipped
from likerank.sources import Archive, Export, OptOutList, Source, Table
from likerank.store import Store
from tests.fuzz.mutations import NASTY_VALUES, damaged_bytes, damaged_value

SHARED: Final = Path(__file__).resolve().parents[3] / "shared" / "cases" / "files"
"""Files of other tools, where they lie beside the checkout; no part of the project."""
_FORMATS: Final = ("JPEG", "PNG", "WebP", "GIF", "TIFF", "BMP")
_COLUMNS: Final = (
    *("image", "author", "likes", "author_id", "followers", "comments", "posted_at", "observed_at"),
    *("source_id", "caption"),
)
_CELLS: Final = (
    *("a.jpg", "./a.jpg", "A.JPG", "\u00e4.jpg", "a\u0308.jpg", "../a.jpg", "/etc/passwd", "b.jpg", "a", "."),
    *("ann", "", " ", "-1", "0", "12", "12.0", "1.234", "1,234", "1.234.567", "1,5k", "12 345", "1e3", "inf"),
    *(
        "NaN",
        "null",
        "2024-05-01",
        "2024-05-01T10:00:00+02:00",
        "31.05.2024",
        "5/31/2024 10:00",
        "1714550400",
    ),
    *(
        "1714550400000",
        "1714550400000000",
        "Wed, 01 May 2024 10:00:00 GMT",
        "2024-05-01 10:00 CEST",
        "9" * 400,
    ),
    *('"', "'", "=1+1", "a\nb", 'x"y', "\u202e", "\x1b[31m", "1e-400", "0x10", "0001-01-01", "9999-12-31"),
    *("2024-06-31", "\N{ARABIC-INDIC DIGIT THREE}", "\N{SUPERSCRIPT TWO}", "1_000", "+5", "5-", "--"),
)
_AT: Final = {"$date": "2024-05-01T10:00:00Z"}
_POST: Final = {
    **{"_id": "made/1", "source": "made", "source_id": "1", "author_id": "a", "username": "ann", "likes": 12},
    **{
        "comments": 3,
        "posted_at": _AT,
        "observed_at": _AT,
        "added_at": _AT,
        "truth": None,
        "synthetic": False,
    },
    "image": {"file": "masters/00/0.jpg", "digest": "d", "width": 16, "height": 16},
}
_AUTHOR: Final = {
    **{"_id": "made/a", "source": "made", "author_id": "a", "username": "ann", "usernames": ["ann"]},
    **{"followers": 100, "post_count": 5, "observed_at": _AT},
}
_OBSERVED: Final = {
    "_id": "x",
    "kind": "post",
    "key": "made/1",
    "observed_at": _AT,
    "likes": 12,
    "comments": 3,
}
_NODE: Final = {
    **{"__typename": "GraphImage", "id": "1001", "shortcode": "C1", "is_video": False},
    **{"taken_at_timestamp": 1714550400, "edge_media_preview_like": {"count": 12}},
    "edge_sidecar_to_children": {"edges": [{"node": {"__typename": "GraphImage", "is_video": False}}]},
    "iphone_struct": {"like_count": 12, "pk": 1001, "media_type": 1, "taken_at": 1714550400},
    "display_url": "https://example.org/a_n.jpg?oe=68000000",
    "owner": {"id": "7", "username": "ann", "edge_followed_by": {"count": 100}},
}


@cache
def picture(kind: str = "JPEG") -> bytes:
    """Returns a small picture of a format."""
    levels = np.random.default_rng(0).integers(0, 256, (24, 16, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(levels).save(file, kind)
    return file.getvalue()


@cache
def nodes() -> list[dict[str, Any]]:
    """Returns an Instaloader post, a profile, and what other tools wrote where that lies beside."""
    version = {"instaloader": {"version": "4.16", "node_type": "Post"}}
    profile = {"node": {**_NODE["owner"], "media_count": 5}}  # type: ignore[dict-item]
    made = [
        {"node": _NODE, **version},
        {"node": {**_NODE, "__typename": "GraphSidecar"}, **version},
        {**profile, "instaloader": {"version": "4.16", "node_type": "Profile"}},
    ]
    for file in chain(SHARED.rglob("*.json"), SHARED.rglob("*.json.xz")):
        data = file.read_bytes()
        try:
            made.append(json.loads(lzma.decompress(data) if file.suffix == ".xz" else data))
        except ValueError:
            continue
    return made


def draw_csv(random: Random, folder: Path) -> None:
    """Writes a manifest as CSV, often damaged."""
    _pictures(folder)
    columns = [*_COLUMNS[:3], *random.sample(_COLUMNS[3:], random.randint(0, 7))]
    random.shuffle(columns)
    separator = random.choice(",;\t")
    cells = random.sample(_CELLS, random.randint(1, 8))
    rows = [columns] + [[random.choice(cells) for _ in columns] for _ in range(random.randint(0, 30))]
    quoted = [[f'"{cell}"' if random.random() < 0.1 else cell for cell in row] for row in rows]
    text = random.choice(("\n", "\r\n", "\r")).join(separator.join(row) for row in quoted)
    encoding = random.choice(("utf-8", "utf-8-sig", "utf-16", "latin-1"))
    data = text.encode(encoding, "replace")
    (folder / "m.csv").write_bytes(damaged_bytes(random, data) if random.random() < 0.6 else data)


def draw_parquet(random: Random, folder: Path) -> None:
    """Writes a manifest as Parquet, with columns of any type, often damaged."""
    _pictures(folder)
    rows = random.randint(0, 30)
    made: dict[str, Any] = {
        "text": lambda: [random.choice(_CELLS) for _ in range(rows)],
        "whole": lambda: [random.choice((None, 0, -1, 12, 2**62)) for _ in range(rows)],
        "float": lambda: [
            random.choice((None, 0.5, 12.0, float("nan"), float("inf"), 1e300)) for _ in range(rows)
        ],
        "bytes": lambda: [random.choice((b"\xff", b"a.jpg", None)) for _ in range(rows)],
        "list": lambda: [random.choice(([1], [], None)) for _ in range(rows)],
        "struct": lambda: [{"a": 1} for _ in range(rows)],
        "time": lambda: pa.array(
            [random.choice((0, -(10**14), 10**14, 1714550400)) for _ in range(rows)],
            pa.timestamp(random.choice(("s", "ms", "us", "ns")), random.choice((None, "UTC", "Asia/Taipei"))),
        ),
        "bool": lambda: [True] * rows,
        "null": lambda: pa.nulls(rows),
    }
    names = [*_COLUMNS[:3], *random.sample(_COLUMNS[3:], random.randint(0, 7))]
    usual = {"image": "text", "author": "text", "likes": "whole"}
    kinds = {
        name: usual.get(name, "text") if random.random() < 0.5 else random.choice([*made]) for name in names
    }
    table = pa.table({name: made[kind]() for name, kind in kinds.items()})
    file = io.BytesIO()
    pq.write_table(table, file, compression=random.choice(("none", "zstd", "snappy")))
    data = file.getvalue()
    (folder / "m.csv").write_bytes(damaged_bytes(random, data) if random.random() < 0.5 else data)


def read_table(folder: Path, store: Store) -> None:
    """Reads a manifest."""
    _take(Table(folder / "m.csv", name="fuzz"), store)


def draw_archive(random: Random, folder: Path) -> None:
    """Writes an archive of some damaged posts and profiles, and of observations."""
    ids = ("1001", "7", "ann")
    for number in range(random.randint(1, 4)):
        value = damaged_value(random, random.choice(nodes()))
        data = json.dumps(value).encode()
        if random.random() < 0.2:
            data = damaged_bytes(random, data)
        name = random.choice((f"2024-05-0{number + 1}_10-00-00_UTC", f"ann_{number}", "ann_7"))
        if random.random() < 0.3:
            data = lzma.compress(data)
            data = damaged_bytes(random, data, 1) if random.random() < 0.3 else data
            (folder / f"{name}.json.xz").write_bytes(data)
        else:
            (folder / f"{name}.json").write_bytes(data)
        (folder / f"{name}.jpg").write_bytes(picture())
        (folder / f"{name}_1.jpg").write_bytes(picture())
    lines = []
    for _ in range(random.randint(0, 6)):
        fields = {
            **{"kind": random.choice(("post", "author")), "author_id": random.choice(ids), "username": "ann"},
            **{"observed_at": "2024-05-01T10:00:00.000+00:00", "source_id": "1001", "posted_at": None},
            **{"likes": 5, "comments": 1, "followers": 100, "posts": 3},
        }
        line = json.dumps(damaged_value(random, fields, 2)).encode()
        lines.append(damaged_bytes(random, line, 1) if random.random() < 0.2 else line)
    (folder / "observations.jsonl").write_bytes(b"\n".join(lines))


def read_archive(folder: Path, store: Store) -> None:
    """Reads an archive."""
    _take(Archive(folder, "fuzz"), store)


def draw_export(random: Random, folder: Path) -> None:
    """Writes an export of damaged documents."""
    image = folder / "masters" / "00" / "0.jpg"
    image.parent.mkdir(parents=True)
    image.write_bytes(picture())
    for name, document, key in (
        ("posts.jsonl", _POST, "_id"),
        ("authors.jsonl", _AUTHOR, "_id"),
        ("observations.jsonl", _OBSERVED, "key"),
    ):
        lines = []
        for number in range(random.randint(0, 5)):
            # Mostly of one identity, so that records, their observations and their authors belong together.
            one = {**document, **({key: f"made/{number}"} if random.random() < 0.3 else {})}
            line = json.dumps(damaged_value(random, one, 2), ensure_ascii=random.random() < 0.8)
            data = line.encode("utf-8", "surrogatepass")
            lines.append(damaged_bytes(random, data, 1) if random.random() < 0.2 else data)
        (folder / name).write_bytes(b"\n".join(lines))


def read_export(folder: Path, store: Store) -> None:
    """Reads an export."""
    _take(Export(folder), store)


def draw_image(random: Random, folder: Path) -> None:
    """Writes a damaged picture."""
    (folder / "x").write_bytes(damaged_bytes(random, picture(random.choice(_FORMATS))))


def read_image(folder: Path, store: Store) -> None:
    """Reads a picture as a photo, and as a stored image."""
    data = (folder / "x").read_bytes()
    readers: tuple[Callable[[], StoredImage], ...] = (
        lambda: make_stored_image(data, "x", 64),
        lambda: read_stored_image(data, "x", "d"),
    )
    for read in readers:
        try:
            image = read()
        except LikerankError:
            continue
        assert len(image.signature) == 256
        assert image.width
        assert image.height


def draw_list(random: Random, folder: Path) -> None:
    """Writes an opt-out list and a list of accounts, damaged."""
    listed = {"salt": "00" * 16, "hashes": ["11" * 16]}
    data = json.dumps(damaged_value(random, random.choice((listed, *NASTY_VALUES[:5])))).encode()
    (folder / "forgotten.json").write_bytes(damaged_bytes(random, data) if random.random() < 0.4 else data)
    accounts = "ann\n@Bob # a friend\nhttps://www.instagram.com/carl/?hl=en\n\u00e4\n".encode()
    (folder / "accounts.txt").write_bytes(damaged_bytes(random, accounts))


def read_lists(folder: Path, store: Store) -> None:
    """Reads both lists."""
    with suppress(LikerankError):
        _ = "made/a" in OptOutList(folder / "forgotten.json")
    read_accounts(folder / "accounts.txt")


def _pictures(folder: Path) -> None:
    for name in ("a.jpg", "\u00e4.jpg", "ann_1.jpg"):
        (folder / name).write_bytes(picture())


@cache
def _opt_out_list() -> Path:
    """A list of somebody else."""
    file = Path(mkdtemp(prefix="likerank-fuzz-")) / "forgotten.json"
    OptOutList(file).add("nowhere/nobody")
    return file


def _take(source: Source, store: Store) -> None:
    """Reads all records, and writes them as ingest does."""
    source.count()
    authors: list[Author] = []
    posts: list[Post] = []
    observed: list[Post | Author] = []
    for record in source.records():
        match record:
            case Skipped():
                assert record.reason
                assert len(record.message) < 3000, f"a message of {len(record.message)} characters"
            case Observation():
                observed.append(record.record)
            case Author():
                authors.append(record)
            case Post():
                posts.append(record)
    store.posts_with_image([post.key for post in posts])
    opted_out = OptOutList(_opt_out_list())
    assert not any(author.key in opted_out for author in authors)
    image = read_stored_image(picture(), "x", "d")
    written = store.write(authors, [(post, image) for post in posts])
    assert written.posts + written.authors + len(written.refused) <= len(posts) + len(authors)
    store.write([], [])
    again = store.new_observations(observed)
    store.write(
        [record for record in again if isinstance(record, Author)],
        [(record, None) for record in again if isinstance(record, Post)],
    )
    for author in {author.key for author in authors} | {post.author_key for post in posts}:
        store.find_authors(author.partition("/")[2])
        store.forget(author)
