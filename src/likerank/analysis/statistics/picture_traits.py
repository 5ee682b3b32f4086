"""Traits of pictures that are measured without learning: brightness, contrast, saturation, sharpness."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

TRAITS: Final = ("brightness", "contrast", "saturation", "sharpness")
"""The columns of `picture_traits`."""

_LUMA: Final = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


def picture_traits(pixels: NDArray[np.uint8]) -> FloatArray:
    """Measures pictures.

    Brightness is the mean luma, contrast its standard deviation, saturation the mean of (highest - lowest) /
    highest channel as in HSV, sharpness the standard deviation of luma's Laplacian (4 neighbours).

    Args:
        pixels: Shape (B, height, width, 3), RGB uint8.

    Returns:
        Shape (B, 4), in the order of `TRAITS`, each from 0 (to 1 but for sharpness, at most 8).
    """
    rgb = pixels.astype(np.float64) / 255
    luma = rgb @ _LUMA
    highest = rgb.max(axis=3)
    saturation = np.divide(highest - rgb.min(axis=3), highest, out=np.zeros_like(highest), where=highest > 0)
    inner = luma[:, 1:-1, 1:-1]
    laplacian = luma[:, :-2, 1:-1] + luma[:, 2:, 1:-1] + luma[:, 1:-1, :-2] + luma[:, 1:-1, 2:] - 4 * inner
    return np.column_stack(
        (
            luma.mean(axis=(1, 2)),
            luma.std(axis=(1, 2)),
            saturation.mean(axis=(1, 2)),
            laplacian.std(axis=(1, 2)),
        )
    )
