"""The kinds of inputs, by name."""

from collections.abc import Mapping
from typing import Final

from tests.fuzz import project, sources
from tests.fuzz.fuzzer import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "csv": Kind(sources.draw_csv, sources.read_table),
    "parquet": Kind(sources.draw_parquet, sources.read_table),
    "archive": Kind(sources.draw_archive, sources.read_archive),
    "export": Kind(sources.draw_export, sources.read_export),
    "image": Kind(sources.draw_image, sources.read_image),
    "lists": Kind(sources.draw_list, sources.read_lists, weight=0.3),
    "snapshot": Kind(project.draw_snapshot, project.read_snapshot, weight=0.5),
    "checkpoint": Kind(project.draw_checkpoint, project.read_checkpoint, weight=0.3),
    "collect_state": Kind(project.draw_collect_state, project.read_collect_state, weight=0.5),
    "overrides": Kind(project.draw_overrides, project.read_overrides, weight=0.5),
}
