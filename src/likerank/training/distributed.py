"""One training in several processes: whether that is supported, and the values that the first passes on.

Lightning starts the other processes by running the command again, on this machine. They read the run's id and
the snapshot from their environment, fit, and exit: only the first builds, records and prints.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytorch_lightning.strategies import ParallelStrategy

from likerank.errors import LikerankError

if TYPE_CHECKING:
    from pytorch_lightning import Trainer

# Set by Lightning and torchrun. Not Slurm's: the trials of a sweep on its nodes are first processes all.
_RANKS = ("RANK", "LOCAL_RANK")
_RUN, _FINGERPRINT = "LIKERANK_RUN", "LIKERANK_FINGERPRINT"
_WHAT_WORKS = (
    "A training starts its other processes itself and on one machine: run likerank train once, with "
    "trainer.devices=N and without torchrun, srun or trainer.num_nodes."
)


@dataclass(frozen=True)
class Handover:
    """The values that the other processes need.

    Attributes:
        run_id: The run that the training is recorded in.
        fingerprint: The snapshot's.
    """

    run_id: str
    fingerprint: str


def received_handover() -> Handover | None:
    """Returns the values that the first process passed on to this one; None in the first process.

    Raises:
        LikerankError: If this is not the first process and was not started by it.
    """
    if all(os.environ.get(name, "0") == "0" for name in _RANKS):
        return None
    try:
        return Handover(os.environ[_RUN], os.environ[_FINGERPRINT])
    except KeyError:
        raise LikerankError(_WHAT_WORKS) from None


@contextmanager
def passing_on(handover: Handover) -> Iterator[None]:
    """Passes the values on to the processes that start within a `with` statement."""
    os.environ |= {_RUN: handover.run_id, _FINGERPRINT: handover.fingerprint}
    try:
        yield
    finally:
        del os.environ[_RUN], os.environ[_FINGERPRINT]


def refuse_impossible_processes(trainer: "Trainer", *, sweep: bool, folds: bool) -> None:
    """Refuses a training of several processes where that is not supported.

    Args:
        trainer: The trainer that would be used.
        sweep: Whether the training is a sweep's trial.
        folds: Whether it is to train one fold after another.

    Raises:
        LikerankError: In a sweep, in folds, or where something else starts the processes.
    """
    if trainer.world_size == 1:
        return
    if sweep:
        raise LikerankError(
            f"A sweep's trials have one process each, and trainer.devices asks for {trainer.world_size}: "
            "leave out -m, or set trainer.devices=1 and let a launcher run trials side by side."
        )
    if folds:
        raise LikerankError(
            f"Folds are trained in one process, and trainer.devices asks for {trainer.world_size}: "
            "set trainer.devices=1, or evaluation.folds=null."
        )
    strategy = trainer.strategy
    environment = strategy.cluster_environment if isinstance(strategy, ParallelStrategy) else None
    if trainer.num_nodes > 1 or environment is None or environment.creates_processes_externally:
        raise LikerankError(_WHAT_WORKS)
