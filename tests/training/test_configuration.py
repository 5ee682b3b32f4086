"""Every committed configuration composes, and what it names can be made."""

import json
from itertools import product
from pathlib import Path

import pytest
from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf

from likerank.app.compose import command_configuration as compose
from likerank.training.assembly import Assembly, Training
from tests.synthetic_snapshots import write_snapshot

CONF = Path(__file__).resolve().parents[2] / "conf"
SCRIPTS = (
    "collect",
    "ingest",
    "analyse",
    "train",
    "evaluate",
    "compare",
    "promote",
    "rank",
    "refresh",
    "export",
    "forget",
    "demo",
    "demo_collect",
    "serve_fake_instagram",
    "benchmark",
)
PLACEHOLDERS = {
    "ingest": ["source=demo"],
    "evaluate": ["run_id=none"],
    "promote": ["run_id=none"],
    "rank": ["photos=none"],
    "export": ["folder=none"],
    "forget": ["author=none"],
}


def made(snapshot: Path, *overrides: str) -> Training:
    return Assembly(compose("train", list(overrides))).on(snapshot)


def options(group: str) -> list[str]:
    return sorted(file.stem for file in (CONF / group).glob("*.yaml"))


def combinations() -> list[tuple[str, str, str]]:
    """Targets, networks and optimizers, so that any two options come together at least once."""
    optimizers = options("optimizer")
    pairs = product(enumerate(options("target")), enumerate(options("network")))
    return [(target, network, optimizers[(i + j) % len(optimizers)]) for (i, target), (j, network) in pairs]


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of 50 pixels, on which each choice is made."""
    return write_snapshot(tmp_path_factory.mktemp("snapshot") / "s", posts=100, size=50)


def without_hydra(config: DictConfig) -> dict[str, object]:
    plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


@pytest.mark.parametrize("script", SCRIPTS)
def test_each_script_has_a_configuration_that_resolves(script: str) -> None:
    assert without_hydra(compose(script, PLACEHOLDERS.get(script, [])))


@pytest.mark.parametrize("source", options("source"))
def test_each_source_names_a_class(source: str) -> None:
    config = compose("ingest", [f"source={source}"])
    assert get_class(config.source._target_)


@pytest.mark.parametrize("experiment", options("experiment"))
@pytest.mark.parametrize("trainer", options("trainer"))
def test_each_experiment_makes_a_training(experiment: str, trainer: str, pictures: Path) -> None:
    training = made(pictures, f"experiment={experiment}", f"trainer={trainer}")
    assert training.trainer.max_epochs == training.plan.max_epochs
    assert sum(parameter.numel() for parameter in training.regressor.parameters()) > 0


@pytest.mark.parametrize(("target", "network", "optimizer"), combinations())
def test_choices_of_a_training_go_together(target: str, network: str, optimizer: str, pictures: Path) -> None:
    choices = (f"target={target}", f"network={network}", f"optimizer={optimizer}")
    training = made(pictures, *choices)
    if target != "auto":
        assert training.predictors.data.state_dict()["target"]["name"] == target
    lr = json.loads(training.plan.params["optimizer.lr"])
    assert training.regressor._optimizer.param_groups[0]["lr"] == lr


@pytest.mark.parametrize("group", ["store", "tracking", "scheduler", "snapshot", "sweep", "launcher"])
def test_every_option_of_the_other_groups_composes(group: str) -> None:
    for option in options(group):
        without_hydra(compose("train", [f"{group}={option}", "tracking.uri=sqlite"]))


def test_the_papers_experiment_is_the_papers() -> None:
    config = compose("train", ["experiment=paper"])
    assert config.target._target_.endswith("TopPost")
    assert (config.network.channels, config.network.kernel_sizes) == ([10, 5], [11, 5])
    assert (config.network.dropout, config.network.negative_slope) == (0.25, 0.1)
    assert (config.data.batch_size, config.trainer.max_epochs, config.snapshot.size) == (50, 50, 50)
    assert config.optimizer._target_ == "torch.optim.Adam"
    assert config.get("scheduler") is None
    assert (config.checkpoint, config.early_stopping, config.regressor.flip) == ("last", None, False)


def test_a_trainer_option_holds_under_an_experiment() -> None:
    config = compose("train", ["trainer=fast", "experiment=paper"])
    assert config.regressor.channels_last
    assert config.trainer.precision == "bf16-mixed"
