"""A field that is declared once reaches store, scan, export, the export's reader and the snapshot."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import likerank

DECLARED = "    comments: int | None = field(default=None, metadata=IN_SNAPSHOT)\n"
SAVES = "    saves: int | None = field(default=None, metadata=IN_SNAPSHOT)\n"
CAPTION = "    caption: str | None = None\n"

USE = """
import json, sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

from likerank.dataset import Recipe, Snapshot, build_snapshot
from likerank.records import Post
from likerank.sources import Demo, Export
from likerank.store import export_store, ingest_source, open_store

server, folder = Path(sys.argv[1]), Path(sys.argv[2])
DAY = timedelta(days=1)


class Saved(Demo):
    def records(self):
        for number, record in enumerate(super().records()):
            if isinstance(record, Post):
                yield replace(record, saves=number, caption=f"photo {number}")
                yield replace(record, saves=number + 1000, observed_at=record.observed_at + DAY)
            else:
                yield record


def built(store, name):
    recipe = Recipe(size=8, balance="none")
    return Snapshot(build_snapshot(store, recipe, folder / name, keep=9, workers=1))


def documents(store):
    names = ("posts", "observations")
    found = [store.collection(name).find({}, {"slot": 0}) for name in names]
    return [sorted(each, key=lambda document: document["_id"]) for each in found]


def main(store, copy):
    ingest_source(Saved(posts=120, authors=3), store, image_size=32, workers=1)
    scanned = pd.concat([batch.to_pandas() for batch in store.scan_posts()]).set_index("key")
    export_store(store, folder / "export", images=True)
    exported = pd.read_parquet(folder / "export" / "observations.parquet")
    ingest_source(Export(folder / "export"), copy, workers=1)
    snapshot = built(store, "one")
    found = {
        "scanned": sorted(scanned["saves"].astype(int)) == list(range(1003, 1123)),
        "caption": bool(scanned["caption"].str.startswith("photo").all()),
        "snapshot": snapshot.posts["saves"].tolist() == scanned["saves"].loc[snapshot.keys()].tolist(),
        "columns": snapshot.posts.columns.tolist(),
        "history": sorted(exported["saves"].dropna().astype(int))[:2],
        "copied": documents(store) == documents(copy),
        "same": built(copy, "two").fingerprint == snapshot.fingerprint,
    }
    # As a store of a version that did not know the fields.
    for name in ("posts", "observations"):
        store.collection(name).update_many({}, {"$unset": {"saves": 1, "caption": 1}})
    export_store(store, folder / "older", images=True)
    older = [record for record in Export(folder / "older").records() if isinstance(record, Post)]
    found["missing"] = {(post.saves, post.caption) for post in older} == {(None, None)}
    print(json.dumps(found))


if __name__ == "__main__":
    databases = [open_store("embedded", name, server) for name in sys.argv[3:]]
    with databases[0] as store, databases[1] as copy:
        try:
            main(store, copy)
        finally:
            for each in (store, copy):
                each.collection("posts").database.client.drop_database(each.database_name)
"""


@pytest.mark.slow
def test_one_line_declares_a_field_of_a_post(tmp_path: Path, embedded_folder: Path) -> None:
    package = shutil.copytree(Path(likerank.__file__).parent, tmp_path / "src" / "likerank")
    records = (package / "records.py").read_text()
    assert records.count(DECLARED) == 1
    (package / "records.py").write_text(records.replace(DECLARED, DECLARED + SAVES + CAPTION))
    (tmp_path / "use.py").write_text(USE)
    names = [f"test_records_{os.getpid()}_{number}" for number in range(2)]
    ran = subprocess.run(
        [sys.executable, tmp_path / "use.py", embedded_folder, tmp_path, *names],
        env=os.environ | {"PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    columns = found.pop("columns")
    assert columns[4:7] == ["likes", "comments", "saves"]
    assert "caption" not in columns, "not declared for the snapshot"
    assert found == {
        "scanned": True,
        "caption": True,
        "snapshot": True,
        "history": [3, 4],
        "copied": True,
        "same": True,
        "missing": True,
    }
