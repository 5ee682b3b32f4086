"""The commands that are killed, and what must be true after each has been run again."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import mlflow
import pandas as pd

from likerank.records import Post
from likerank.sources import Archive
from tests.kills.project import Project, photo
from tests.workplaces import TINY

_TRAINED: Final = (*TINY, "trainer.max_epochs=4", "figures=true")
_MANIFEST_POSTS: Final = 60


def _nothing(_: Project, __: int) -> Iterator[str]:
    yield from ()


@dataclass(frozen=True)
class Command:
    """A command to be killed.

    Attributes:
        name: Its name.
        arguments: Returns its command line for the n-th kill.
        complaints: Yields what is wrong after it was run again.
        seconds: How long it runs, until that has been measured.
    """

    name: str
    arguments: Callable[[Project, int], tuple[str, ...]]
    complaints: Callable[[Project, int], Iterator[str]] = _nothing
    seconds: float = 5.0


def _manifest(project: Project, number: int) -> str:
    """Writes photos of the n-th kill with their likes, once."""
    folder = project.folder / f"manifest{number}"
    if not folder.exists():
        folder.mkdir()
        rows = []
        for at in range(_MANIFEST_POSTS):
            (folder / f"{at}.jpg").write_bytes(photo(1000 * (number + 1) + at))
            rows.append({"image": f"{at}.jpg", "author": f"k{number}_{at % 3}", "likes": at + 1})
        pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)
    return f"source.manifest={folder / 'manifest.csv'}"


def _ingest(project: Project, number: int) -> tuple[str, ...]:
    return ("ingest", "source=table", _manifest(project, number), f"source.name=kill{number}", "workers=2")


def _all_ingested(project: Project, number: int) -> Iterator[str]:
    if (posts := project.stored(f"kill{number}")) != _MANIFEST_POSTS:
        yield f"{posts} of {_MANIFEST_POSTS} posts are stored"


def _refresh(project: Project, number: int) -> tuple[str, ...]:
    return (
        "refresh",
        "source=table",
        _manifest(project, number),
        f"source.name=kill{number}",
        f"train=[{','.join(repr(each) for each in _TRAINED)}]",
        "retrain.min_new_posts=1",
    )


def _train(_: Project, number: int) -> tuple[str, ...]:
    return ("train", *_TRAINED, f"seed={number + 10}")


def _one_training(project: Project, number: int) -> Iterator[str]:
    client = mlflow.MlflowClient(f"sqlite:///{project.folder / 'mlruns/mlflow.db'}")
    finished = [client.get_run(each) for each in project.run_ids()]
    ids = [run.info.run_id for run in finished if run.data.params["seed"] == str(number + 10)]
    if len(ids) != 1:
        yield f"{len(ids)} finished trainings have the seed"
    for each in ids:
        if {item.path for item in client.list_artifacts(each)} < {
            "checkpoints",
            "predictions",
            "results.json",
        }:
            yield f"the run {each} lacks files"
        if (project.folder / "mlruns/checkpoints" / each).exists():
            yield f"checkpoints of the finished run {each} were left"


def _sweep(_: Project, number: int) -> tuple[str, ...]:
    return ("train", *_TRAINED, f"seed={1000 + number},{2000 + number}", "-m")


def _export(project: Project, number: int) -> tuple[str, ...]:
    return ("export", f"folder={project.folder / f'export{number}'}", "images=true")


def _whole_export(project: Project, number: int) -> Iterator[str]:
    folder = project.folder / f"export{number}"
    told = json.loads((folder / "export.json").read_text()) if (folder / "export.json").exists() else {}
    rows = len(pd.read_parquet(folder / "posts.parquet"))
    if rows < 300:
        yield f"the export has {rows} posts ({told})"


def _rank(project: Project, number: int) -> tuple[str, ...]:
    return ("rank", f"photos={project.photos}", f"folder={project.folder / f'ranked{number}'}")


def _all_ranked(project: Project, number: int) -> Iterator[str]:
    rows = len(pd.read_csv(project.folder / f"ranked{number}" / "ranking.csv"))
    if rows != 20:
        yield f"{rows} of 20 photos are ranked"


def _forget(_: Project, number: int) -> tuple[str, ...]:
    """Forgets an author that an earlier kill's ingest brought, or one that is not there."""
    return ("forget", f"author=kill{max(number - number % len(COMMANDS), 0)}/k{number}_1")


def _collect(project: Project, _: int) -> tuple[str, ...]:
    return ("collect", f"accounts={project.folder / 'accounts.txt'}", "limits=false", "observation_days=0")


def _all_collected(project: Project, _: int) -> Iterator[str]:
    records = Archive(project.folder / "data" / "archive").records()
    posts = [record for record in records if isinstance(record, Post)]
    if not posts or any(not post.picture.read() for post in posts):
        yield f"the archive has {len(posts)} posts, not all with a picture"


def _of_the_champion(name: str, *more: str) -> Callable[[Project, int], tuple[str, ...]]:
    return lambda project, _: (name, f"run_id={project.run_ids()[-1]}", *more)


_ALL: Final = (
    Command("ingest", _ingest, _all_ingested, 1.5),
    Command("train", _train, _one_training, 8.0),
    Command("collect", _collect, _all_collected, 1.3),
    Command("refresh", _refresh, _all_ingested, 10.0),
    Command("evaluate", _of_the_champion("evaluate")),
    Command("rank", _rank, _all_ranked),
    Command("export", _export, _whole_export, 1.2),
    Command("sweep", _sweep, seconds=10.0),
    Command("promote", _of_the_champion("promote")),
    Command("compare", lambda _, __: ("compare",)),
    Command("analyse", lambda _, __: ("analyse", "snapshot.size=16"), seconds=8.0),
    Command("forget", _forget),
)
COMMANDS: Final[Mapping[str, Command]] = {command.name: command for command in _ALL}
