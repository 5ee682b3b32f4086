"""A run's configuration may name classes of likerank, torch and this project's YAML files, nothing else."""

import re
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from likerank.app.help import CONF
from likerank.app.trusted_targets import refuse_foreign_targets
from likerank.errors import LikerankError


def check(target: str) -> None:
    refuse_foreign_targets(OmegaConf.create({"network": {"layers": [{"_target_": target}]}}), "abc")


def test_all_parts_of_a_training_that_conf_names_are_trusted() -> None:
    parts = ("network", "target", "optimizer", "scheduler", "trainer", "callbacks")
    texts = [
        file.read_text() for part in parts for file in (CONF / part).glob("*.yaml") if file.stem != "auto"
    ]
    texts.append((CONF / "train.yaml").read_text().partition("\nhydra:")[0])
    found = {target for text in texts for target in re.findall(r"_target_: ([\w.]+)", text)}
    assert len(found) > 15
    for target in found:
        check(target)


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "subprocess.Popen",
        "torch.os.system",
        "torch.hub.load",
        "torch.load",
        "torch.serialization.os.system",
        "torch.utils.data.os.system",
        "likerank.files.os.remove",
        "likerank.training.run.train_run",
        "hydra.utils.get_method",
        "builtins.eval",
        "torch.nn.Module.__class__",
        "torch.nn.Module.__init__.__globals__",
        "torch.nowhere.Net",
        "torch.distributed.elastic.multiprocessing.subprocess_handler.SubprocessHandler",
        "torch.package.PackageImporter",
        "torch.utils.tensorboard.SummaryWriter",
        "torch.fx.Graph",
        "likerank.tracking.Tracking",
        "my_package.Net",
        "",
    ],
)
def test_anything_else_is_refused_by_its_key(target: str) -> None:
    with pytest.raises(LikerankError, match=r"Run abc was made with network\.layers\._target_="):
        check(target)


def test_what_the_projects_yaml_names_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIKERANK_CONF", str(tmp_path))
    (tmp_path / "network").mkdir()
    (tmp_path / "network" / "mine.yaml").write_text(
        "# _target_: my_package.Other\n_target_: my_package.Net\n"
    )
    check("my_package.Net")
    with pytest.raises(LikerankError, match=r"my_package\.Other"):
        check("my_package.Other")
