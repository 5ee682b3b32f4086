"""Every exported network opens, and no tampered file executes anything."""

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from likerank.app.compose import command_configuration
from likerank.app.help import CONF
from likerank.app.instantiate import make
from likerank.models.scorer import Scorer
from likerank.tracking.exported_program import UntrustedProgramError, open_program

NETWORKS = sorted(file.stem for file in (CONF / "network").glob("*.yaml"))
GRAPH, INPUTS = "model/models/model.json", "model/data/sample_inputs/model.pt"
WEIGHTS = "model/data/weights/model_weights_config.json"


def export(scorer: Scorer, file: Path, size: int = 50) -> None:
    example = torch.zeros(2, size, size, 3, dtype=torch.uint8)
    batch = torch.export.Dim("batch")
    torch.export.save(torch.export.export(scorer.eval(), (example,), dynamic_shapes=({0: batch},)), file)


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_each_network_of_conf_opens_and_scores_as_before(network: str, tmp_path: Path) -> None:
    config = command_configuration("train", [f"network={network}"])
    scorer = Scorer(make(config, "network"))
    export(scorer, tmp_path / "model.pt2")
    pixels = torch.randint(0, 256, (3, 50, 50, 3), dtype=torch.uint8)
    with torch.no_grad():
        torch.testing.assert_close(open_program(tmp_path / "model.pt2")(pixels), scorer(pixels))


class Runs:
    """Its pickle calls os.system."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.proof}",)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("exported") / "model.pt2"
    export(
        Scorer(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 1), torch.nn.Flatten(0))), file, 4
    )
    return file


def changed(exported: Path, file: Path, entry: str, content: bytes, *, more: bool = False) -> Path:
    """Writes the archive with one entry replaced, or added."""
    with zipfile.ZipFile(exported) as before, zipfile.ZipFile(file, "w") as after:
        for each in before.infolist():
            replaced = each.filename == entry and not more
            after.writestr(each.filename, content if replaced else before.read(each))
        if more:
            after.writestr(entry, content)
    return file


def pickled(proof: Path) -> bytes:
    written = io.BytesIO()
    torch.save(Runs(proof), written)
    return written.getvalue()


def graph(exported: Path, change: Callable[[Any], None]) -> bytes:
    program = json.loads(zipfile.ZipFile(exported).read(GRAPH))
    change(program)
    return json.dumps(program).encode()


def call(program: Any, target: str, proof: Path) -> None:
    node = program["graph_module"]["graph"]["nodes"][0]
    argument = {"name": "command", "arg": {"as_string": f"touch {proof}"}, "kind": 1}
    node.update(target=target, inputs=[argument])


def size_of(program: Any) -> Any:
    return program["graph_module"]["graph"]["tensor_values"]["pixels"]["sizes"][0]["as_expr"]


CODE = "__import__('os').system('touch {proof}')"
TAMPERED: dict[str, Callable[[Path, Path], tuple[str, bytes]]] = {
    "inputs": lambda _, proof: (INPUTS, pickled(proof)),
    "function": lambda exported, proof: (
        GRAPH, graph(exported, lambda program: call(program, "torch.os.system", proof)),
    ),
    "operator": lambda exported, proof: (
        GRAPH, graph(exported, lambda program: call(program, "_operator.call", proof)),
    ),
    "expression": lambda exported, proof: (
        GRAPH, graph(exported, lambda program: size_of(program).update(expr_str=CODE.format(proof=proof))),
    ),
    "guard": lambda exported, proof: (
        GRAPH, graph(exported, lambda program: program.update(guards_code=[CODE.format(proof=proof)])),
    ),
    "name": lambda exported, proof: (
        GRAPH, graph(exported, lambda program: program["graph_module"]["graph"]["nodes"][0].update(
            name=f"x\n{CODE.format(proof=proof)}")),
    ),
    "weights": lambda exported, _: (
        WEIGHTS,
        zipfile.ZipFile(exported).read(WEIGHTS).replace(b'"use_pickle": false', b'"use_pickle": true'),
    ),
    "no_graph": lambda *_: (GRAPH, b"[]"),
    "no_json": lambda *_: (GRAPH, b"{"),
}  # fmt: skip


@pytest.mark.parametrize("where", TAMPERED)
def test_a_tampered_program_is_refused_and_executes_nothing(
    exported: Path, tmp_path: Path, where: str
) -> None:
    proof = tmp_path / "executed"
    entry, content = TAMPERED[where](exported, proof)
    assert content != zipfile.ZipFile(exported).read(entry)
    with pytest.raises(UntrustedProgramError):
        open_program(changed(exported, tmp_path / "model.pt2", entry, content))
    assert not proof.exists()


@pytest.mark.parametrize(
    "entry", [GRAPH, "model/data/aotinductor/model/x.so", "model/data/constants/custom_objs_0"]
)
def test_an_archive_with_more_entries_is_refused(exported: Path, tmp_path: Path, entry: str) -> None:
    with pytest.raises(UntrustedProgramError, match=r"entries of one name|it holds"):
        open_program(changed(exported, tmp_path / "model.pt2", entry, b"x", more=True))


@pytest.mark.parametrize("part", [0.0, 0.3, 0.97])
def test_a_file_that_was_cut_short_is_refused(exported: Path, tmp_path: Path, part: float) -> None:
    content = exported.read_bytes()
    (tmp_path / "model.pt2").write_bytes(content[: int(part * len(content))])
    with pytest.raises(UntrustedProgramError):
        open_program(tmp_path / "model.pt2")
