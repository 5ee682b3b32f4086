"""Removes one author from the collections."""

from dataclasses import dataclass
from typing import Final

from pymongo.database import Database

from likerank.store.scanning import KEYS_AT_ONCE, chunks
from likerank.store.schema import Document

_POSTS_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class ForgetCounts:
    """The numbers of documents that were removed of an author."""

    authors: int = 0  # 1, or 0 where the author was not stored.
    posts: int = 0
    observations: int = 0  # Observations of the author and the posts.


def find_authors(database: Database[Document], name: str) -> dict[str, set[str]]:
    """Returns the names of each author with this id or name, present or former, by author key.

    They include the names under which the author's posts were observed.
    """
    query = {"$or": [{"author_id": name}, {"usernames": {"$in": [name, name.lower()]}}]}
    return {
        author["_id"]: {
            *author["usernames"],
            *database["posts"].distinct("username", _posts_of(author["_id"])),
        }
        for author in database["authors"].find(query)
    }


def _posts_of(author_key: str) -> Document:
    source, _, author_id = author_key.partition("/")
    return {"source": source, "author_id": author_id}


def remove_author(database: Database[Document], author_key: str) -> ForgetCounts:
    """Removes an author's documents: a post's observations before the post, the author last.

    So the documents that a kill leaves can still be found, one through the other.
    """
    posts, observations = database["posts"], database["observations"]
    removed_posts = removed_observations = 0
    while keys := [
        post["_id"] for post in posts.find(_posts_of(author_key), {"_id": 1}, limit=_POSTS_AT_ONCE)
    ]:
        for part in chunks(keys, KEYS_AT_ONCE):
            of_part = {"kind": "post", "key": {"$in": list(part)}}
            removed_observations += observations.delete_many(of_part).deleted_count
            removed_posts += posts.delete_many({"_id": {"$in": list(part)}}).deleted_count
    of_author = {"kind": "author", "key": author_key}
    removed_observations += observations.delete_many(of_author).deleted_count
    removed_authors = database["authors"].delete_one({"_id": author_key}).deleted_count
    return ForgetCounts(removed_authors, removed_posts, removed_observations)
