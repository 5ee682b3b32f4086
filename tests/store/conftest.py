"""A store of its own for each test: embedded, and by a URI as on a real MongoDB."""

import os
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from likerank.images import StoredImage
from likerank.records import Author, PictureFile, Post
from likerank.store import Store, open_store
from likerank.store.embedded import embedded_server

MakePost = Callable[..., Post]
MakeAuthor = Callable[..., Author]
MakeImage = Callable[..., StoredImage]


_MONGODB = ["env:LIKERANK_TEST_MONGODB_URI"] if "LIKERANK_TEST_MONGODB_URI" in os.environ else []


@pytest.fixture(params=["embedded", "by its URI", *_MONGODB])
def store_uri(request: pytest.FixtureRequest, embedded_folder: Path) -> Iterator[str]:
    """The URI of a store; the embedded server by its URI is opened as a real MongoDB is."""
    if request.param != "by its URI":
        yield request.param
        return
    with embedded_server(embedded_folder) as (port, password, _):
        os.environ["LIKERANK_TEST_EMBEDDED_URI"] = (
            f"mongodb://likerank:{password}@127.0.0.1:{port}/?directConnection=true"
        )
        yield "env:LIKERANK_TEST_EMBEDDED_URI"


@pytest.fixture
def store(store_uri: str, embedded_folder: Path) -> Iterator[Store]:
    """An empty store."""
    with open_store(store_uri, f"test_{uuid.uuid4().hex}", embedded_folder) as opened:
        yield opened
        database = opened.collection("posts").database
        database.client.drop_database(database.name)


@pytest.fixture(scope="session")
def make_post() -> MakePost:
    def make(number: int = 1, likes: int | None = 10, at: datetime | None = None, **fields: object) -> Post:
        given: dict[str, object] = {
            "source": "made",
            "source_id": f"p{number}",
            "author_id": "a1",
            "username": "ann",
            "picture": PictureFile(Path("unused.jpg")),
            "comments": 2,
        }
        return Post(likes=likes, observed_at=at, **(given | fields))  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def make_author() -> MakeAuthor:
    def make(
        followers: int | None = 100, at: datetime | None = None, username: str = "ann", number: int = 1
    ) -> Author:
        return Author(
            source="made",
            author_id=f"a{number}",
            username=username,
            followers=followers,
            observed_at=at,
        )

    return make


@pytest.fixture(scope="session")
def make_stored_image() -> MakeImage:
    def make(content: bytes = b"jpeg", digest: str = "d1") -> StoredImage:
        return StoredImage(jpeg=content, width=4, height=3, digest=digest, signature=bytes(256))

    return make
