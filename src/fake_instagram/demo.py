"""The collector's demo: a synthetic site on this machine, collected night after night, then ingested."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from omegaconf import DictConfig

from fake_instagram import FakeInstagram, Site
from likerank.app.compose import stage_configuration
from likerank.app.paths import Folders
from likerank.commands.collect import collect
from likerank.commands.ingest import ingest
from likerank.records import Observation, Post
from likerank.sources.observations import OBSERVATIONS, read_observations

SOURCE = "demo_instagram"
_NEXT = f"""
The archive is as Instaloader writes it. Next, with its synthetic posts:
      likerank train snapshot.sources=[{SOURCE}]
With accounts of Instagram's:
      likerank collect accounts=accounts.txt              see README.md"""


def demo_collect(config: DictConfig) -> None:
    """Collects a synthetic site on some nights, prints how one post's likes grew, and ingests the archive.

    Only this process' requests to Instagram reach the site. A second call continues with the same archive.
    """
    folder = Folders.of(config).data / "demo_collect"
    folder.mkdir(parents=True, exist_ok=True)
    start = _first_night(folder / "first_night.txt", config.nights)
    site = Site(config.posts, config.accounts, config.seed, start, history_days=60, coming_days=config.nights)
    accounts = folder / "accounts.txt"
    accounts.write_text("".join(f"{account.first_name}\n" for account in site.accounts))
    archive = folder / "archive"
    collecting = stage_configuration("collect", ["limits=false"], config)
    collecting.accounts, collecting.paths.archive = str(accounts), str(archive)
    ingesting = stage_configuration(
        "ingest", ["source=archive", f"+source.name={SOURCE}", "source.synthetic=true"], config
    )
    ingesting.source.folder = str(archive)
    with FakeInstagram(site) as server:
        os.environ |= server.environment
        for night in range(1, config.nights + 1):
            site.day = night
            print(f"\nNight {night}")
            collect(collecting).raise_if_incomplete()
    _print_growth(archive)
    ingest(ingesting)
    print(_NEXT)


def _first_night(file: Path, nights: int) -> str:
    """Returns when the site begins: on the first call such that its last night is now."""
    if not file.exists():
        file.write_text((datetime.now(UTC) - timedelta(days=nights)).isoformat(timespec="seconds"))
    return file.read_text()


def _print_growth(archive: Path) -> None:
    """Prints the counts of the post with the most observations."""
    seen: dict[str, list[int | None]] = {}
    for observation in read_observations(archive / OBSERVATIONS, SOURCE):
        if isinstance(observation, Observation) and isinstance(observation.record, Post):
            seen.setdefault(observation.record.source_id, []).append(observation.record.likes)
    post, likes = max(seen.items(), key=lambda item: (len(item[1]), item[0]))
    print(f"\nLikes of post {post}, night after night: {', '.join(str(number) for number in likes)}")
