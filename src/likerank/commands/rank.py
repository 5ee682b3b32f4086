"""Command rank: new photos in the order of the likes that they are expected to get."""

from pathlib import Path

from omegaconf import DictConfig, ListConfig

from likerank.app.paths import open_tracking
from likerank.errors import LikerankError
from likerank.images import check_long_side
from likerank.ranking.photo_files import find_photos
from likerank.ranking.score_files import rank_files, write_ranking
from likerank.reports.photos import PhotoRanking, print_photo_ranking
from likerank.reports.unreadable import print_unreadable
from likerank.shown_text import printable
from likerank.tracking import Tracking, TrainedModel
from likerank.tracking.champion import CHAMPION_URI, champion_id, find_newest_trained


def rank(config: DictConfig) -> PhotoRanking:
    """Ranks photos with a trained model, prints the best and writes CSV, JSON and a contact sheet.

    Raises:
        LikerankError: If there is no such model or no photo, or if files could not be read; all
            other files are ranked then.
    """
    places = config.photos if isinstance(config.photos, ListConfig) else [config.photos]
    check_long_side(config.long_side, "long_side")
    if not isinstance(config.sheet, int) or config.sheet < 0:
        raise LikerankError(f"sheet is {config.sheet}; it must be a whole number from 0.")
    if not isinstance(config.tie, int | float) or not 0 <= config.tie <= 1:
        raise LikerankError(f"tie is {config.tie}; it must be a probability from 0 to 1.")
    if not places:
        raise LikerankError("photos names nothing; name a folder, a file or a pattern.")
    files = find_photos([str(place) for place in places])
    if not files:
        raise LikerankError(f"There are no photos in {', '.join(map(str, places))}: name others by photos=.")
    model = _opened(open_tracking(config), str(config.model))
    ranking, ranked = rank_files(files, model, long_side=config.long_side, tie=config.tie)
    print_unreadable(ranking.unreadable.values(), most=20)
    if not ranked:
        raise LikerankError(
            f"None of the {len(files)} files could be read as a photo, see the reasons above: name others by "
            "photos=."
        )
    print_photo_ranking(ranking)
    write_ranking(ranking, ranked, Path(config.folder), config.sheet)
    print(f"All of it: {printable(config.folder)}/contact_sheet.html, ranking.csv and ranking.json")
    if number := len(ranking.unreadable):
        raise LikerankError(
            f"{number} file{'s' * (number > 1)} could not be read, see above; all others are ranked."
        )
    return ranking


def _opened(tracking: Tracking, model: str) -> TrainedModel:
    """Opens a model; before there is a champion, the newest that was trained."""
    if model == CHAMPION_URI and champion_id(tracking) is None:
        newest = find_newest_trained(tracking)
        if newest is not None:
            print(
                f"No model is champion yet, so that the newest training ranks, run {newest.id}; likerank "
                f"promote run_id={newest.id} makes it champion where it surely beats a coin."
            )
            model = newest.id
    return tracking.open_model(model)
