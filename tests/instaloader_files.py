"""Writes an archive's files as Instaloader does, by its own functions and without a network."""

from pathlib import Path
from typing import Any

import instaloader

_CONTEXT = instaloader.InstaloaderContext()


def make_profile(author_id: int, name: str, **more: Any) -> instaloader.Profile:
    """Returns a profile; `more` are further fields of Instagram's."""
    return instaloader.Profile(_CONTEXT, {"id": str(author_id), "username": name, **more})


def save_post(
    stem: Path, number: int, taken_at: int, owner: instaloader.Profile, likes: int = 120, **more: Any
) -> None:
    """Writes a photo post's JSON.

    Args:
        stem: The file's path without `.json.xz`.
        number: Makes the post's id and shortcode.
        taken_at: The time of posting in seconds since 1970.
        owner: The author.
        likes: The like count.
        more: Fields of Instagram's that are added or replaced.
    """
    node = {
        "__typename": "GraphImage",
        "id": str(10**18 + number),
        "shortcode": f"C{number}",
        "is_video": False,
        "taken_at_timestamp": taken_at,
        "edge_media_preview_like": {"count": likes},
        "owner": {"id": str(owner.userid), "username": owner.username},
        **more,
    }
    stem.parent.mkdir(parents=True, exist_ok=True)
    instaloader.save_structure_to_file(instaloader.Post(_CONTEXT, node, owner), f"{stem}.json.xz")


def save_profile(folder: Path, profile: instaloader.Profile) -> None:
    """Writes a profile's JSON into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{profile.username}_{profile.userid}.json.xz"
    instaloader.save_structure_to_file(profile, str(file))
