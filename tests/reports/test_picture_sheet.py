"""A sheet shows each picture in its place, with its text."""

import numpy as np
import pytest

from likerank.reports.picture_sheet import SheetRow, contact_sheet_figure


def test_shows_each_picture_in_its_place() -> None:
    pictures = [np.full((10, 20, 3), shade, np.uint8) for shade in range(4)]
    row = SheetRow("by likes", [(pictures[0], "1 like"), (None, "2 likes")], [(pictures[3], "0 likes")])
    (axes,) = contact_sheet_figure([row], "left and right").axes
    assert [int(np.asarray(image.get_array()).max()) for image in axes.images] == [0, 3]
    assert "no picture" in [text.get_text() for text in axes.texts]
    left, right = (image.get_extent() for image in axes.images)
    assert left[1] < right[0]
    assert (left[1] - left[0]) == pytest.approx(2 * abs(left[3] - left[2]))
