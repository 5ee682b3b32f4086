"""Networks: from normalised pictures (B, 3, size, size), float32, to one number a picture (B,)."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from likerank.errors import LikerankError


class ConvNet(nn.Module):
    """The paper's kind of network: convolutions without padding, one max pool, dense layers.

    With the defaults and pictures of 50 pixels the maps are 40, 36 and, pooled, 18 pixels wide, and 1,620
    features enter the dense layers. Dropout precedes each hidden dense layer.

    Args:
        image_size: Height and width of the pictures in pixels.
        channels: Output channels of each convolution.
        kernel_sizes: Height and width of each convolution's kernel in pixels; one number applies to all.
        dense: Width of each hidden dense layer.
        pool: Height and width of the max pool after the last convolution; 1 for none.
        dropout: Probability that dropout zeroes a feature, in [0, 1).
        negative_slope: Slope of LeakyReLU below zero.

    Raises:
        LikerankError: If a kernel or the pool is larger than its input.
    """

    def __init__(
        self,
        image_size: int = 50,
        channels: Sequence[int] = (10, 5),
        kernel_sizes: Sequence[int] | int = (11, 5),
        dense: Sequence[int] = (500, 100),
        pool: int = 2,
        dropout: float = 0.25,
        negative_slope: float = 0.1,
    ) -> None:
        super().__init__()
        if isinstance(kernel_sizes, int):
            kernel_sizes = [kernel_sizes] * len(channels)
        if len(channels) != len(kernel_sizes):
            raise LikerankError(
                f"network.channels has {len(channels)} entries and network.kernel_sizes {len(kernel_sizes)}; "
                "each convolution needs one entry of both."
            )
        layers: list[nn.Module] = []
        width, depth = image_size, 3
        for place, (channel, kernel) in enumerate(zip(channels, kernel_sizes, strict=True), start=1):
            if kernel > width:
                raise LikerankError(
                    f"The {kernel}x{kernel} kernel of convolution {place} does not fit the {width}x{width} "
                    "input; choose smaller network.kernel_sizes or a larger snapshot.size."
                )
            layers += [nn.Conv2d(depth, channel, kernel), nn.LeakyReLU(negative_slope)]
            width, depth = width - kernel + 1, channel
        if pool > width:
            raise LikerankError(
                f"The {pool}x{pool} pool does not fit the {width}x{width} input; choose "
                "a smaller network.pool or smaller network.kernel_sizes."
            )
        layers += [nn.MaxPool2d(pool), nn.Flatten()]
        features = depth * (width // pool) ** 2
        for hidden in dense:
            layers += [nn.Dropout(dropout), nn.Linear(features, hidden), nn.LeakyReLU(negative_slope)]
            features = hidden
        self.layers = nn.Sequential(*layers, nn.Linear(features, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Returns one number a picture, shape (B,)."""
        output: Tensor = self.layers(images).squeeze(1)
        return output


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch normalisation beside a shortcut; halves height and width.

    Source: He et al. 2016, "Deep residual learning for image recognition", section 3.

    Args:
        inputs: Input channels.
        outputs: Output channels.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride=2, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Returns maps of half the height and width."""
        return torch.relu(self.residual(maps) + self.shortcut(maps))


class ResidualNet(nn.Module):
    """A small residual network; the default has 217,393 weights and accepts pictures of any size.

    Args:
        stem: Channels of the first convolution, at stride 2.
        blocks: Channels of each residual block, each at stride 2.
    """

    def __init__(self, stem: int = 16, blocks: Sequence[int] = (32, 64, 96)) -> None:
        super().__init__()
        widths = [stem, *blocks]
        self.layers = nn.Sequential(
            nn.Conv2d(3, stem, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(stem),
            nn.ReLU(),
            *(ResidualBlock(inputs, outputs) for inputs, outputs in pairwise(widths)),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(widths[-1], 1),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Returns one number a picture, shape (B,)."""
        output: Tensor = self.layers(images).squeeze(1)
        return output
