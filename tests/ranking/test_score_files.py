"""Photo files are ranked by a model's scores, with the calibration data of this likerank or an older one."""

from pathlib import Path

import numpy as np
import pytest
import torch

from likerank.errors import LikerankError
from likerank.images import encode_jpeg
from likerank.ranking.score_files import rank_files
from likerank.tracking import TrainedModel

CALIBRATION = {
    "quantiles": np.linspace(0, 255, 101).tolist(),
    "isotonic": {"difference": [0.0, 100.0], "chance": [0.5, 1.0]},
}


class Brightness(torch.nn.Module):
    """Scores a picture by its mean."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Returns the mean of each picture."""
        return pixels.float().mean(dim=(1, 2, 3))


def model(**calibration: object) -> TrainedModel:
    metadata = {"ranking": CALIBRATION | calibration} if calibration else {}
    return TrainedModel("runs:/0/model", "0", 8, metadata, Brightness())


@pytest.fixture
def shots(tmp_path: Path) -> list[Path]:
    files = [tmp_path / "dark.jpg", tmp_path / "below" / "bright.jpg", tmp_path / "broken.jpg"]
    files[1].parent.mkdir()
    for file, level in zip(files, (10, 200), strict=False):
        file.write_bytes(encode_jpeg(np.full((20, 30, 3), level, np.uint8)))
    files[2].write_bytes(b"no picture")
    return files


@pytest.mark.parametrize("key", ["synthetic", "made"])
@pytest.mark.parametrize("value", [True, False])
def test_ranking_reads_old_and_new_metadata(shots: list[Path], key: str, value: bool) -> None:
    ranking, files = rank_files(shots, model(**{key: value}))
    assert ranking.synthetic is value
    assert [photo.photo for photo in ranking.photos] == ["below/bright.jpg", "dark.jpg"]
    assert files == [shots[1], shots[0]]
    assert list(ranking.unreadable) == [str(shots[2])]


def test_only_unreadable_files_give_an_empty_ranking(shots: list[Path]) -> None:
    ranking, files = rank_files(shots[2:], model(synthetic=False))
    assert (ranking.photos, files, len(ranking.unreadable)) == ((), [], 1)


def test_a_model_without_calibration_data_is_refused(shots: list[Path]) -> None:
    with pytest.raises(LikerankError, match="runs:/0/model has no calibration data"):
        rank_files(shots, model())


WRONG: list[dict[str, object]] = [
    {"isotonic": None},
    {"isotonic": {}},
    {"isotonic": {"difference": [0.0, 1.0], "chance": []}},
    {"quantiles": "x"},
    {"quantiles": []},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_damaged_calibration_data_is_named(shots: list[Path], wrong: dict[str, object]) -> None:
    with pytest.raises(LikerankError, match="calibration data of the model runs:/0/model is damaged"):
        rank_files(shots, model(synthetic=False, **wrong))
