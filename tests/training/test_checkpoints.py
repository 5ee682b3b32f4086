"""A damaged checkpoint is told by its file."""

from pathlib import Path

import pytest
import torch

from likerank.errors import LikerankError
from likerank.training.checkpoints import checkpoint_weights


@pytest.mark.parametrize("part", [0.0, 0.2, 0.9])
def test_a_checkpoint_that_was_cut_short_is_named(tmp_path: Path, part: float) -> None:
    file = tmp_path / "best.ckpt"
    torch.save({"state_dict": {"scorer.x": torch.zeros(5)}}, file)
    assert checkpoint_weights(file)["scorer.x"].shape == (5,)
    content = file.read_bytes()
    file.write_bytes(content[: int(part * len(content))])
    with pytest.raises(LikerankError, match=r"best\.ckpt is damaged"):
        checkpoint_weights(file)


def test_a_file_of_another_content_is_no_checkpoint(tmp_path: Path) -> None:
    torch.save({"weights": torch.zeros(5)}, tmp_path / "best.ckpt")
    with pytest.raises(LikerankError, match=r"best\.ckpt is damaged"):
        checkpoint_weights(tmp_path / "best.ckpt")
