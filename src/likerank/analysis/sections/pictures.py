"""The pictures of an analysis: the best and worst by each target, preprocessing, traits against likes."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from likerank.analysis.figures.pictures import before_after_figure, mean_pictures_figure, traits_figure
from likerank.analysis.page import PageFigure, Section
from likerank.analysis.post_sources import Pixels, PostSource
from likerank.analysis.posts import Posts
from likerank.analysis.statistics.association import association, traits_in_words
from likerank.analysis.statistics.picture_traits import TRAITS, picture_traits
from likerank.analysis.statistics.trends import smoothed_trend
from likerank.progress import track
from likerank.reports.picture_sheet import SheetRow, contact_sheet_figure

_THUMBNAIL: Final = 160
_ENDS: Final = "Left: the best; right: the worst."
_ALL, _ABOVE, _NOT_ABOVE = "all pictures", "above their author's usual", "not above it"


def best_and_worst(
    posts: Posts, source: PostSource, targets: Mapping[str, NDArray[np.float32]], shown: int
) -> Section:
    """Shows the best and the worst posts by likes and by each target, of all authors and of one."""
    table = posts.kept.assign(likes=posts.kept["likes"].astype(np.int64), **targets)
    names = ["likes", *targets]
    of_one = table[table["author"] == table["author"].value_counts().index[0]]
    title = f"The {shown} best and {shown} worst posts of all authors, by likes and each target."
    title_of_one = f"The same of one author, {of_one['username'].iloc[0]}, who has the most posts."
    sheets = {"top_bottom": (table, title), "top_bottom_of_one": (of_one, title_of_one)}
    if len(of_one) < 2:
        del sheets["top_bottom_of_one"]
    numbers = {
        sheet: {name: _ends(part, name, shown)["key"].tolist() for name in names}
        for sheet, (part, _) in sheets.items()
    }
    chosen = {key for of_sheet in numbers.values() for keys in of_sheet.values() for key in keys}
    thumbnails = source.thumbnails(sorted(chosen), _THUMBNAIL)
    figures = [
        PageFigure(sheet, title, contact_sheet_figure(_rows(part, names, shown, thumbnails), _ENDS))
        for sheet, (part, title) in sheets.items()
    ]
    sentences = [
        "Each row starts with the best post and ends with the worst, with its likes and the target's value. "
        "Targets with the same order share a row: within an author most do, across authors few."
    ]
    return Section("The best and the worst", sentences, figures, numbers=numbers)


def _ends(posts: pd.DataFrame, name: str, shown: int) -> pd.DataFrame:
    """Returns the best and the worst posts by a column, each once."""
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


def pictures(posts: Posts, source: PostSource, most: int | None, seed: int) -> Section:
    """Shows pictures before and after preprocessing, mean pictures, and traits against likes."""
    kept = posts.kept.merge(posts.counted[["key", "relative"]], on="key")
    looked_at = kept if most is None or len(kept) <= most else kept.sample(most, random_state=seed)
    above = looked_at.set_index("key")["relative"] > 0
    shown = set(looked_at["key"].sample(min(6, len(looked_at)), random_state=seed))
    traits: dict[str, NDArray[np.float64]] = {}
    seen: dict[str, Pixels] = {}
    sums: dict[str, NDArray[np.float64]] = {}
    for keys, pixels in track(source.pixels(looked_at["key"].tolist()), "Looking at pictures in parts"):
        traits |= zip(keys, picture_traits(pixels), strict=True)
        seen |= {key: picture for key, picture in zip(keys, pixels, strict=True) if key in shown}
        better = above[keys].to_numpy()
        for name, chosen in ((_ALL, slice(None)), (_ABOVE, better), (_NOT_ABOVE, ~better)):
            sums[name] = sums.get(name, 0.0) + pixels[chosen].sum(axis=0, dtype=np.float64)
    above = above[list(traits)]
    number = {_ALL: len(above), _ABOVE: int(above.sum()), _NOT_ABOVE: int((~above).sum())}
    measured = looked_at.merge(
        pd.DataFrame.from_dict(traits, orient="index", columns=TRAITS), left_on="key", right_index=True
    )
    likes, authors = measured["likes"].astype(np.int64), measured["author"]
    found = {name: association(measured[name], likes, authors, each_author=False) for name in TRAITS}
    trends = {name: smoothed_trend(measured[name], measured["relative"]) for name in TRAITS}
    before = source.thumbnails(sorted(seen), _THUMBNAIL * 2)
    pairs = [(before[key], seen[key]) for key in sorted(seen)]
    means = {f"{name} ({number[name]:,})": sums[name] / number[name] for name in sums if number[name]}
    against = (
        "Brightness, contrast, saturation and sharpness against likes within authors; red: surely not 0."
    )
    figures = [
        PageFigure("before_after", "Pictures before and after preprocessing.", before_after_figure(pairs)),
        PageFigure("mean_pictures", "The mean picture.", mean_pictures_figure(means)),
        PageFigure("traits", against, traits_figure(measured, found, trends)),
    ]
    part = "" if len(looked_at) == len(kept) else f", a random part of the {len(kept):,}"
    size = next(iter(seen.values())).shape[0]
    sentences = [
        f"{len(measured):,} pictures of the dataset were measured{part}, at the {size} x {size} pixels "
        "that models see.",
        _copies_in_words(posts.copies),
    ]
    numbers = {"pictures": {name: asdict(each) for name, each in found.items()}, "copies": posts.copies}
    answer = traits_in_words(list(found.items()))
    return Section("What of a picture goes with likes?", sentences, figures, answer=answer, numbers=numbers)


def _copies_in_words(copies: dict[str, int | float] | None) -> str:
    if copies is None:
        return "Near copies were not looked for when this snapshot was made."
    if not copies["groups"]:
        return "No near copies: no two posts show the same picture, re-encoded, resized or filtered."
    return (
        f"{copies['posts']:,} posts ({copies['share']:.1%}) show near copies of a picture that another post "
        f"shows too, in {copies['groups']:,} groups."
    )
