"""Runs that differ by no choice are one configuration; labels say what differs and no more."""

from likerank.tracking.run_groups import choices_of, labels_of, short_value

BASE = {
    "network._target_": "likerank.models.ConvNet",
    "network.channels": "[10, 5]",
    "optimizer._target_": "torch.optim.Adam",
    "optimizer.lr": "0.001",
    "data.seed": "1",
    "seed": "1",
    "snapshot.size": "50",
    "store.uri": "embedded",
    "tracking.experiment": "likerank",
    "evaluation.baselines": '["mean"]',
    "trainer.enable_progress_bar": "true",
    "threads": "2",
    "objective": "val/network/within/pairwise",
}


def labels(*changes: dict[str, str]) -> list[str]:
    return labels_of([choices_of(BASE | change) for change in changes], alone="network")


def test_chance_and_places_are_no_choices() -> None:
    assert set(choices_of(BASE)) == {"network", "network.channels", "optimizer", "optimizer.lr"}
    assert choices_of(BASE) == choices_of(BASE | {"seed": "2", "data.seed": "2", "threads": "1"})


def test_a_seed_of_the_batches_own_is_a_choice() -> None:
    assert choices_of(BASE | {"data.seed": "7"})["data.seed"] == "7"


def test_a_key_to_split_by_is_a_choice() -> None:
    assert choices_of(BASE, ["seed"])["seed"] == "1"


def test_a_label_holds_what_differs() -> None:
    assert labels({}, {"optimizer.lr": "0.01"}) == ["lr=0.001", "lr=0.01"]
    assert labels({}) == ["network"]
    assert labels({}, {"network.channels": "[20, 10]"}) == ["channels=[10,5]", "channels=[20,10]"]


def test_a_label_names_another_network_without_its_own_keys() -> None:
    other = {"network._target_": "likerank.models.ResidualNet", "network.stem": "16"}
    assert labels({}, other) == ["network=ConvNet", "network=ResidualNet"]


def test_names_that_would_be_mistaken_are_whole() -> None:
    assert labels({"scheduler.lr": "1"}, {"scheduler.lr": "2", "optimizer.lr": "3"}) == [
        "optimizer.lr=0.001 scheduler.lr=1",
        "optimizer.lr=3 scheduler.lr=2",
    ]


def test_short_labels_that_would_be_alike_are_written_in_full() -> None:
    assert labels({"network._target_": "mine.ConvNet"}, {}) == [
        "network=mine.ConvNet",
        "network=likerank.models.ConvNet",
    ]
    assert labels({}, {"optimizer.fused": "true"}) == [
        "optimizer.fused=(absent)",
        "optimizer.fused=true",
    ]


def test_values_are_short() -> None:
    assert [
        short_value(value) for value in ("torch.optim.Adam", "0.0130000001", "[1, 2]", "null", "1234567")
    ] == [
        "Adam",
        "0.013",
        "[1,2]",
        "null",
        "1234567",
    ]


def test_numbers_that_are_alike_in_short_are_written_in_full() -> None:
    assert labels({"optimizer.lr": "0.00123401"}, {"optimizer.lr": "0.00123402"}) == [
        "optimizer.lr=0.00123401",
        "optimizer.lr=0.00123402",
    ]
