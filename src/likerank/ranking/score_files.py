"""New photos: scores them with a trained model, ranks them and writes the ranking."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from likerank.errors import LikerankError
from likerank.evaluation.calibration import Calibration
from likerank.evaluation.photos import rank_photos
from likerank.images import make_stored_image, to_pixels
from likerank.progress import progress_bar, track
from likerank.records import PictureFile
from likerank.reports.photos import PhotoRanking, write_contact_sheet, write_csv, write_json
from likerank.run_names import RANKING
from likerank.tracking import TrainedModel

_AT_ONCE: Final = 64
_THUMBNAIL: Final = 360


def rank_files(
    files: Sequence[Path], model: TrainedModel, *, long_side: int = 512, tie: float = 0.55
) -> tuple[PhotoRanking, list[Path]]:
    """Ranks photo files by a model's scores.

    Args:
        files: The photos.
        model: The trained model.
        long_side: The long side in pixels of the stored image that each photo is scaled to first, as ingest
            did with the training posts.
        tie: Two neighbours are a near tie where the chance that the first beats the next is below this.

    Returns:
        The ranking, and the files of its photos in the same order.

    Raises:
        LikerankError: If the model has no calibration data; or if no file could be read, with each reason.
    """
    if RANKING not in model.metadata:
        raise LikerankError(
            f"The model {model.uri} has no calibration data, since an older likerank trained it: train "
            "again, or name another model by model=RUN."
        )
    try:
        kept = model.metadata[RANKING]
        calibration = Calibration.from_json(kept)
        synthetic = bool(kept["synthetic" if "synthetic" in kept else "made"])  # an older likerank's key
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise LikerankError(
            f"The calibration data of the model {model.uri} is damaged: restore its MLmodel from a backup, "
            "or name another model by model=RUN."
        ) from error
    evidence = kept.get("evidence", [])
    scores, unreadable = score_files(files, model, long_side)
    folder = Path(os.path.commonpath([file.absolute().parent for file in scores or files]))
    by_name = {_printable(file.absolute().relative_to(folder)): file for file in scores}
    ranking = PhotoRanking(
        photos=rank_photos(list(by_name), list(scores.values()), calibration, tie),
        unreadable=unreadable,
        folder=_printable(folder),
        model=model.uri,
        run_id=model.run_id,
        synthetic=synthetic,
        tie=tie,
        evidence=tuple(map(str, evidence)) if isinstance(evidence, list) else (),
    )
    return ranking, [by_name[photo.photo] for photo in ranking.photos]


def score_files(
    files: Sequence[Path], model: TrainedModel, long_side: int
) -> tuple[dict[Path, float], dict[str, str]]:
    """Scores photos, each scaled through a stored image of that long side; a few are in memory at a time.

    Returns:
        The score of each photo, and the reasons why other files could not be read, by name.
    """
    scores: dict[Path, float] = {}
    unreadable: dict[str, str] = {}
    prepare = partial(_pixels, long_side=long_side, size=model.size)
    # Threads, not processes, since the codec releases the interpreter's lock.
    with ThreadPoolExecutor(os.cpu_count()) as pool, progress_bar() as bar:
        task = bar.add_task("Scoring photos", total=len(files))
        for start in range(0, len(files), _AT_ONCE):
            some = files[start : start + _AT_ONCE]
            readable: dict[Path, NDArray[np.uint8]] = {}
            for file, pixels in zip(some, pool.map(prepare, some), strict=True):
                if isinstance(pixels, LikerankError):
                    unreadable[_printable(file)] = _printable(pixels)
                else:
                    readable[file] = pixels
            if readable:
                scored = model.score(np.stack(list(readable.values())))
                scores |= zip(readable, scored.tolist(), strict=True)
            bar.advance(task, len(some))
    return scores, unreadable


def write_ranking(ranking: PhotoRanking, files: Sequence[Path], folder: Path, cards: int) -> None:
    """Writes ranking.csv, ranking.json and contact_sheet.html, with at most so many cards.

    `files` are those of the ranking's photos, in the same order; the folder is created where it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(ranking, folder / "ranking.csv")
    write_json(ranking, folder / "ranking.json")
    shown = files[:cards]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        thumbnails = list(track(pool.map(_thumbnail, shown), "Drawing the contact sheet", len(shown)))
    write_contact_sheet(ranking, thumbnails, folder / "contact_sheet.html")


def _pixels(file: Path, long_side: int, size: int) -> NDArray[np.uint8] | LikerankError:
    try:
        picture = PictureFile(file)
        return to_pixels(make_stored_image(picture.read(), picture.name, long_side).jpeg, size)
    except LikerankError as error:
        return error


def _thumbnail(file: Path) -> bytes:
    picture = PictureFile(file)
    return make_stored_image(picture.read(), picture.name, _THUMBNAIL).jpeg


def _printable(text: object) -> str:
    """Returns text that can be written as UTF-8, whatever bytes are in a file's name."""
    return str(text).encode(errors="backslashreplace").decode()
