"""A network together with its input scaling: from raw pictures to scores."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

_ROWS_AT_ONCE = 1024


class Scorer(nn.Module):
    """Scales and normalises raw pictures and passes them to a network.

    The training posts' channel statistics are buffers, so every checkpoint and every exported model contains
    them and no prediction is made without normalisation.

    Args:
        network: Maps normalised pictures (B, 3, size, size) to (B,) or (B, 1).
        channels_last: Whether pictures and weights are stored channels last in memory.
    """

    channel_mean: Tensor
    channel_std: Tensor

    def __init__(self, network: nn.Module, channels_last: bool = False) -> None:
        super().__init__()
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self.network = network.to(memory_format=self.memory_format)
        self.register_buffer("channel_mean", torch.zeros(3))
        self.register_buffer("channel_std", torch.ones(3))

    def fit_normalisation(self, pixels: NDArray[np.uint8], rows: NDArray[np.int64]) -> None:
        """Sets the channels' mean and standard deviation from training posts.

        Args:
            pixels: Shape (N, size, size, 3), uint8; read in parts.
            rows: The training posts' row numbers.
        """
        histogram = np.zeros((3, 256), dtype=np.int64)
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            piece = pixels[rows[start : start + _ROWS_AT_ONCE]]
            for channel in range(3):
                histogram[channel] += np.bincount(piece[..., channel].ravel(), minlength=256)
        values = np.arange(256) / 255
        share = histogram / histogram.sum(axis=1, keepdims=True)
        mean = share @ values
        variance = share @ values**2 - mean**2
        self.channel_mean.copy_(torch.from_numpy(mean))
        # A constant channel carries no information; dividing by 1 keeps it at zero.
        self.channel_std.copy_(torch.from_numpy(np.where(variance > 1e-12, np.sqrt(variance), 1.0)))

    def forward(self, pixels: Tensor) -> Tensor:
        """Returns the score of each picture, on the target's scale.

        Args:
            pixels: Shape (B, size, size, 3), RGB uint8.

        Returns:
            Shape (B,), float32.
        """
        # Reordered while a value is one byte and scaled in one pass: half the time of the plain formula.
        images = pixels.permute(0, 3, 1, 2).contiguous(memory_format=self.memory_format).float()
        std = self.channel_std[:, None, None]
        images = torch.addcmul(-self.channel_mean[:, None, None] / std, images, 1 / (255 * std))
        # Half the bits where the weights have them, as with trainer.precision=bf16-true.
        scores: Tensor = self.network(images.to(self.channel_mean.dtype))
        return scores.reshape(pixels.shape[0]).float()

    @torch.no_grad()
    def score(self, pixels: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns the scores of some rows, computed in parts and without dropout.

        Args:
            pixels: Shape (N, size, size, 3), uint8, such as a snapshot's memory map.
            rows: Row numbers, shape (M,).

        Returns:
            Shape (M,), float64.
        """
        self.eval()
        device = self.channel_mean.device
        pieces = [
            self(torch.from_numpy(pixels[rows[start : start + _ROWS_AT_ONCE]]).to(device)).cpu().numpy()
            for start in range(0, len(rows), _ROWS_AT_ONCE)
        ]
        return np.concatenate([np.empty(0), *pieces]).astype(np.float64)
