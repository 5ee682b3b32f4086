"""The pictures of an analysis: the best and worst by each target, before and after, traits against likes."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from likerank.analysis.figures.pictures import (
    SheetRow,
    before_after_figure,
    contact_sheet_figure,
    mean_pictures_figure,
    traits_figure,
)
from likerank.analysis.page import PageFigure, Section
from likerank.analysis.post_tables import AnalysedPosts, Pixels
from likerank.analysis.sections.posts import Posts
from likerank.analysis.statistics.association import association, traits_in_words
from likerank.analysis.statistics.picture_traits import TRAITS, picture_traits
from likerank.analysis.statistics.trends import smoothed_trend
from likerank.progress import track

_THUMBNAIL: Final = 160
_ENDS: Final = "Left: the best; right: the worst."
_BEFORE_AFTER: Final = 6


def best_and_worst(
    posts: Posts, source: AnalysedPosts, targets: Mapping[str, NDArray[np.float32]], shown: int
) -> Section:
    """Shows the posts with the most and the fewest likes, and by each target, over all and of one author."""
    kept = posts.kept.assign(likes=posts.kept["likes"].astype(np.int64)).reset_index(drop=True)
    table = kept.assign(**targets)
    names = ["likes", *targets]
    most_posts = kept["author"].value_counts().index[0]
    of_one = table[table["author"] == most_posts]
    chosen = {key for part in (table, of_one) for name in names for key in _ends(part, name, shown)["key"]}
    thumbnails = source.thumbnails(sorted(chosen), _THUMBNAIL)
    username = of_one["username"].iloc[0]
    sheets = [
        (
            table,
            "top_bottom",
            f"The {shown} best and {shown} worst posts of all authors, by likes and each target.",
        ),
        (of_one, "top_bottom_of_one", f"The same of one author, {username}, who has the most posts."),
    ][: 1 + (len(of_one) > 1)]
    figures = [
        PageFigure(
            name,
            title,
            contact_sheet_figure(_rows(part, names, shown, thumbnails), _ENDS),
        )
        for part, name, title in sheets
    ]
    numbers = {
        name: {column: _ends(part, column, shown)["key"].tolist() for column in names}
        for part, name, _ in sheets
    }
    sentences = [
        "By each count the best post stands first and the worst last, with its likes and, where it is "
        "another number, the count. Targets that order posts alike share a row: within an author most do, "
        "across authors few."
    ]
    return Section("The best and the worst", sentences, figures, numbers=numbers)


def _ends(posts: pd.DataFrame, name: str, shown: int) -> pd.DataFrame:
    """Returns the best and the worst posts by a column; of few posts none comes twice."""
    ordered = posts.sort_values([name, "key"], ascending=[False, True])
    number = min(shown, len(ordered) // 2) or 1
    return pd.concat([ordered.head(number), ordered.tail(number)])


def _rows(
    posts: pd.DataFrame, names: list[str], shown: int, thumbnails: Mapping[str, Pixels]
) -> list[SheetRow]:
    together: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        together.setdefault(tuple(_ends(posts, name, shown)["key"]), []).append(name)
    rows = []
    for alike in together.values():
        ends = _ends(posts, alike[0], shown)
        cells = [(thumbnails.get(str(post["key"])), _below(post, alike)) for _, post in ends.iterrows()]
        half = len(cells) // 2
        rows.append(SheetRow(", ".join(alike), cells[:half], cells[half:]))
    return rows


def _below(post: "pd.Series", names: list[str]) -> str:
    likes = f"{post['likes']:,} likes"
    return likes if "likes" in names else f"{post[names[0]]:.3g}\n{likes}"


def pictures(posts: Posts, source: AnalysedPosts, most: int | None, seed: int) -> Section:
    """Shows pictures before and after preprocessing, their means, and what of them goes with likes."""
    kept = posts.kept.merge(posts.counted[["key", "relative"]], on="key")
    looked_at = kept if most is None or len(kept) <= most else kept.sample(most, random_state=seed)
    relative = looked_at.set_index("key")["relative"]
    traits: dict[str, NDArray[np.float64]] = {}
    sums: dict[str, NDArray[np.float64]] = {}
    numbers: dict[str, int] = {}
    some = _some(looked_at["key"], seed)
    seen: dict[str, Pixels] = {}
    for keys, pixels in track(source.pixels(looked_at["key"].tolist()), "Looking at pictures in parts"):
        traits |= zip(keys, picture_traits(pixels), strict=True)
        seen |= {key: picture for key, picture in zip(keys, pixels, strict=True) if key in some}
        better = relative[keys].to_numpy() > 0
        for name, chosen in (
            ("all pictures", np.ones(len(keys), dtype=bool)),
            ("above their author's usual", better),
            ("not above it", ~better),
        ):
            sums[name] = sums.get(name, 0.0) + pixels[chosen].sum(axis=0, dtype=np.float64)
            numbers[name] = numbers.get(name, 0) + int(chosen.sum())
    measured = looked_at.merge(
        pd.DataFrame.from_dict(traits, orient="index", columns=TRAITS), left_on="key", right_index=True
    )
    found = {
        name: association(
            measured[name], measured["likes"].astype(np.int64), measured["author"], each_author=False
        )
        for name in TRAITS
    }
    trends = {name: smoothed_trend(measured[name], measured["relative"]) for name in TRAITS}
    before = source.thumbnails(sorted(seen), _THUMBNAIL * 2)
    means = {f"{name} ({numbers[name]:,})": sums[name] / numbers[name] for name in sums if numbers[name]}
    figures = [
        PageFigure(
            "before_after",
            "Pictures before and after preprocessing.",
            before_after_figure([(before[key], seen[key]) for key in sorted(seen)]),
        ),
        PageFigure("mean_pictures", "The mean picture.", mean_pictures_figure(means)),
        PageFigure(
            "traits",
            "Brightness, contrast, saturation and sharpness against likes within authors; red: surely not 0.",
            traits_figure(measured, found, trends),
        ),
    ]
    part = "" if len(looked_at) == len(kept) else f", a random part of the {len(kept):,}"
    size = next(iter(seen.values())).shape[0]
    sentences = [
        f"{len(measured):,} pictures of the dataset were measured{part}, at the {size} x {size} pixels "
        "that models see.",
        _copies_in_words(posts.copies),
    ]
    numbers_kept = {name: each.to_json() for name, each in found.items()}
    return Section(
        "What of a picture goes with likes?", sentences, figures, answer=traits_in_words(list(found.items())),
        numbers={"pictures": numbers_kept, "copies": posts.copies},
    )  # fmt: skip


def _some(keys: pd.Series, seed: int) -> set[str]:
    return set(keys.sample(min(_BEFORE_AFTER, len(keys)), random_state=seed))


def _copies_in_words(copies: dict[str, int | float] | None) -> str:
    if copies is None:
        return "Whether posts show near copies of one picture was not looked for when this snapshot was made."
    if not copies["groups"]:
        return (
            "No near copies were found: no two posts show the same picture, re-encoded, resized or filtered."
        )
    return (
        f"{copies['posts']:,} posts ({copies['share']:.1%}) show near copies of a picture that another post "
        f"shows too, in {copies['groups']:,} groups."
    )
