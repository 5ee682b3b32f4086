"""Networks: the paper's shape, and refusals in words."""

import pytest
import torch

from likerank.errors import LikerankError
from likerank.models.networks import ConvNet, ResidualNet


def weights(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_one_kernel_size_applies_to_all_convolutions() -> None:
    kernels = [
        layer.kernel_size
        for layer in ConvNet(channels=[4, 4, 4], kernel_sizes=7).modules()
        if isinstance(layer, torch.nn.Conv2d)
    ]
    assert kernels == [(7, 7)] * 3


def test_the_default_is_the_papers_network() -> None:
    network = ConvNet()
    shapes = [tuple(p.shape) for p in network.parameters() if p.dim() > 1]
    assert shapes == [(10, 3, 11, 11), (5, 10, 5, 5), (500, 1620), (100, 500), (1, 100)]
    assert weights(network) == 865_596


def test_the_papers_maps_are_40_36_and_18_pixels_wide() -> None:
    widths = []
    maps = torch.zeros(1, 3, 50, 50)
    for layer in ConvNet().layers:
        maps = layer(maps)
        if isinstance(layer, torch.nn.Conv2d | torch.nn.MaxPool2d):
            widths.append(maps.shape[-1])
    assert widths == [40, 36, 18]


def test_the_residual_network_has_the_stated_number_of_weights() -> None:
    assert weights(ResidualNet()) == 217_393


@pytest.mark.parametrize("size", [16, 50, 65])
def test_networks_give_one_number_a_picture(size: int) -> None:
    images = torch.randn(3, 3, size, size)
    assert ConvNet(size, kernel_sizes=(5, 3))(images).shape == (3,)
    assert ResidualNet()(images).shape == (3,)


def test_lists_give_a_network_of_three_convolutions() -> None:
    network = ConvNet(32, channels=(4, 6, 8), kernel_sizes=(5, 5, 3), dense=(20,))
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2,)


def test_a_kernel_that_does_not_fit_is_refused_with_its_place() -> None:
    with pytest.raises(LikerankError, match="30x30 kernel of convolution 2 does not fit the 21x21"):
        ConvNet(50, channels=(4, 4), kernel_sizes=(30, 30))


def test_a_pool_that_does_not_fit_is_refused() -> None:
    with pytest.raises(LikerankError, match="40x40 pool does not fit the 36x36 input"):
        ConvNet(50, pool=40)


def test_unequal_lists_are_refused() -> None:
    with pytest.raises(LikerankError, match=r"channels has 3 entries and network\.kernel_sizes 2"):
        ConvNet(50, channels=(4, 4, 4))
