"""Stage rank: new photos are put in the order in which people are expected to like them."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from omegaconf import DictConfig, ListConfig
from rich.console import Console

from likerank.app.paths import configured_tracking
from likerank.errors import LikerankError
from likerank.evaluation import Calibration, rank_photos
from likerank.images import make_master, to_pixels
from likerank.progress import progress_bar, track
from likerank.ranking.photo_files import find_photos
from likerank.records import PictureFile
from likerank.reports import PhotoRanking, print_photo_ranking, write_contact_sheet, write_csv, write_json
from likerank.run_names import RANKING
from likerank.tracking import TrainedModel

_AT_ONCE: Final = 64
_THUMBNAIL: Final = 360
_SHOWN_MESSAGES: Final = 20


def rank(config: DictConfig) -> PhotoRanking:
    """Ranks photos with a trained model; prints the best and writes CSV, JSON and a contact sheet.

    Raises:
        LikerankError: If there is no such model or no photo, or if files could not be read; the others are
            ranked then.
    """
    places = config.photos if isinstance(config.photos, ListConfig) else [config.photos]
    files = find_photos([str(place) for place in places])
    if not files:
        raise LikerankError(f"There are no photos in {', '.join(map(str, places))}; name others by photos=.")
    model = configured_tracking(config).open_model(str(config.model))
    if RANKING not in model.metadata:
        raise LikerankError(
            f"The model {model.uri} does not know what its scores are worth, since an older likerank trained "
            "it; train again, or name another by model=RUN."
        )
    calibration = Calibration.from_json(model.metadata[RANKING])
    scores, unreadable = score_files(files, model, config.long_side)
    _print_unreadable(list(unreadable.values()))
    if not scores:
        raise LikerankError(
            f"None of the {len(files)} files could be read as a photo, as said above; name others by photos=."
        )
    folder = Path(os.path.commonpath([file.absolute().parent for file in scores]))
    by_name = {_printable(file.absolute().relative_to(folder)): file for file in scores}
    ranking = PhotoRanking(
        photos=rank_photos(list(by_name), list(scores.values()), calibration, config.tie),
        unreadable=unreadable,
        folder=_printable(folder),
        model=model.uri,
        run_id=model.run_id,
        made=model.metadata[RANKING]["made"],
        tie=config.tie,
    )
    print_photo_ranking(ranking)
    _write(ranking, [by_name[photo.photo] for photo in ranking.photos[: config.sheet]], Path(config.folder))
    if number := len(unreadable):
        raise LikerankError(
            f"{number} file{'s' * (number > 1)} could not be read, as said above; all others are ranked."
        )
    return ranking


def score_files(
    files: Sequence[Path], model: TrainedModel, long_side: int
) -> tuple[dict[Path, float], dict[str, str]]:
    """Scores photos, each through a master as a post's would be; a few are in memory at once.

    Args:
        files: The photos.
        model: What scores them.
        long_side: The master's, in pixels.

    Returns:
        The score of each photo, and by name why others could not be read.
    """
    scores: dict[Path, float] = {}
    unreadable: dict[str, str] = {}
    prepare = partial(_pixels, long_side=long_side, size=model.size)
    # Threads, not processes: the codec gives up the interpreter's lock.
    with ThreadPoolExecutor(os.cpu_count()) as pool, progress_bar() as bar:
        task = bar.add_task("Scoring photos", total=len(files))
        for start in range(0, len(files), _AT_ONCE):
            some = files[start : start + _AT_ONCE]
            readable: dict[Path, NDArray[np.uint8]] = {}
            for file, made in zip(some, pool.map(prepare, some), strict=True):
                if isinstance(made, LikerankError):
                    unreadable[_printable(file)] = _printable(made)
                else:
                    readable[file] = made
            if readable:
                scored = model.score(np.stack(list(readable.values())))
                scores |= zip(readable, scored.tolist(), strict=True)
            bar.advance(task, len(some))
    return scores, unreadable


def _pixels(file: Path, long_side: int, size: int) -> NDArray[np.uint8] | LikerankError:
    try:
        picture = PictureFile(file)
        return to_pixels(make_master(picture.read(), picture.name, long_side).jpeg, size)
    except LikerankError as error:
        return error


def _thumbnail(file: Path) -> bytes:
    picture = PictureFile(file)
    return make_master(picture.read(), picture.name, _THUMBNAIL).jpeg


def _write(ranking: PhotoRanking, on_sheet: Sequence[Path], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(ranking, folder / "ranking.csv")
    write_json(ranking, folder / "ranking.json")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        thumbnails = list(track(pool.map(_thumbnail, on_sheet), "Making the sheet", len(on_sheet)))
    write_contact_sheet(ranking, thumbnails, folder / "contact_sheet.html")
    print(f"All of it: {folder}/contact_sheet.html, ranking.csv and ranking.json")


def _print_unreadable(messages: Sequence[str]) -> None:
    console = Console(stderr=True, soft_wrap=True)
    for message in messages[:_SHOWN_MESSAGES]:
        console.print(f"  left out: {message}", markup=False, highlight=False)
    if len(messages) > _SHOWN_MESSAGES:
        console.print(f"  and {len(messages) - _SHOWN_MESSAGES} more.")


def _printable(text: object) -> str:
    """Returns text that can be written as UTF-8, whatever bytes a file is named by."""
    return str(text).encode(errors="backslashreplace").decode()
