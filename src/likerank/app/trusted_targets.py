"""Which classes a run's kept configuration may name: opening a run must not run what somebody wrote into it.

The configuration of a command is the user's own and may name anything; that of a run lies in MLflow's
artifacts, where others may write.
"""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Final

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning import Callback, LightningDataModule, Trainer
from pytorch_lightning.loggers import Logger
from pytorch_lightning.profilers import Profiler
from torch.nn import Module
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from likerank.app.help import CONF, conf_folders
from likerank.errors import LikerankError
from likerank.evaluation import Metric
from likerank.models.baselines import Baseline
from likerank.models.target import Target

_LIBRARIES: Final = ("likerank", "torch", "torchvision", "pytorch_lightning", "torchmetrics")
# Parts of a training. Other classes of these libraries start processes, open files or reach the network.
_PARTS: Final = (
    Module,
    Optimizer,
    LRScheduler,
    Trainer,
    LightningDataModule,
    Callback,
    Logger,
    Profiler,
    Target,
    Baseline,
    Metric,
)
_TARGET: Final = re.compile(r"""^[^#\n]*\b_target_:\s*["']?([\w.]+)""", re.MULTILINE)


def refuse_foreign_targets(config: DictConfig, run_id: str) -> None:
    """Refuses a run's configuration that names a class of neither a known library nor this project.

    Args:
        config: The configuration that the run keeps.
        run_id: The run, for the message.

    Raises:
        LikerankError: If it does; the message names the class and the way to name it in the project.
    """
    named: set[str] | None = None
    for key, target in _targets(OmegaConf.to_container(config, resolve=False), ""):
        if _is_part_of_a_library(target):
            continue
        named = _named_by_project() if named is None else named
        if target not in named:
            raise LikerankError(
                f"Run {run_id} was made with {key}._target_={target}, which is no part of a training of "
                "likerank's or torch's and is named by no YAML file of yours, so that it is not executed; if "
                "it is yours, add its folder by hydra.searchpath=[file://FOLDER], or conf/ in this folder."
            )


def _targets(node: Any, key: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    if isinstance(node, dict):
        for name, child in node.items():
            if name == "_target_":
                yield key, str(child)
            else:
                yield from _targets(child, f"{key}.{name}" if key else str(name))
    elif isinstance(node, list):
        for child in node:
            yield from _targets(child, key)


def _is_part_of_a_library(target: str) -> bool:
    """Returns whether a path leads to a part of a training that is defined in a known library itself.

    `torch.os.system` begins with a library's name, too, and functions of torch load files.
    """
    root, *names = target.split(".")
    if root not in _LIBRARIES or not all(name.isidentifier() for name in names):
        return False
    found: Any = import_module(root)
    path = root
    for name in names:
        path = f"{path}.{name}"
        if not hasattr(found, name):
            try:
                import_module(path)
            except ImportError:
                return False
        found = getattr(found, name)
        if isinstance(found, ModuleType) and found.__name__.split(".")[0] not in _LIBRARIES:
            return False
    if isinstance(found, FunctionType):  # Those of torchvision's models, such as resnet18.
        return found.__module__.startswith("torchvision.models.")
    return isinstance(found, type) and issubclass(found, _PARTS) and found.__module__.split(".")[0] == root


def _named_by_project() -> set[str]:
    """Returns the `_target_`s in the user's folders of configuration and on the command's search path."""
    folders = [folder for folder in conf_folders() if folder != CONF]
    if HydraConfig.initialized():
        folders += [
            Path(source.path)
            for source in HydraConfig.get().runtime.config_sources
            if source.schema == "file"
        ]
    files = {
        file for folder in folders if folder.resolve() != CONF.resolve() for file in folder.rglob("*.yaml")
    }
    return {target for file in files for target in _TARGET.findall(file.read_text(errors="replace"))}
