"""An exported program of torch, checked before it is opened: weights as plain bytes, and arithmetic.

`torch.export.load` trusts its file: it unpickles inputs and constants, evaluates expressions and guards as
Python, and calls any function that the graph names below `torch`, such as `torch.os.system`. A model comes
from MLflow's artifacts, where others may write, so that all that is not known to be harmless is refused.
"""

import json
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Final

import torch
from torch import nn

_GRAPH: Final = "models/model.json"
_INPUTS: Final = "data/sample_inputs/model.pt"
_ENTRY: Final = re.compile(
    r"data/weights/(weight_\d+|model_weights_config\.json)"
    r"|data/constants/(tensor_\d+|model_constants_config\.json)"
    rf"|{re.escape(_GRAPH)}|{re.escape(_INPUTS)}|archive_format|archive_version|byteorder|\.data/\w+"
)
_OPERATION: Final = re.compile(
    r"torch\.ops\.(aten|prims|torchvision)\.\w+\.\w+"
    r"|_operator\.(add|sub|mul|truediv|floordiv|mod|neg|pow|eq|ne|lt|le|gt|ge|and_|or_|getitem)"
    r"|torch\.sym_(int|float|max|min|not|sum|ite|sqrt)|math\.(ceil|floor|trunc)"
)
_EXPRESSION: Final = re.compile(
    r"(Symbol\('[suz]\d+'(, \w+=True)*\)"
    r"|(Add|Mul|Pow|Max|Min|Mod|PythonMod|FloorDiv|CeilDiv|CleanDiv|Integer)\("
    r"|\d{1,12}|[-+*/(), ])*"
)
_WORD: Final = re.compile(r"[\w.+:-]*")
_NOT_EXECUTED: Final = {"stack_trace", "nn_module_stack", "torch_fn", "from_node"}
_OBJECTS: Final = {"as_operator", "as_custom_obj", "as_graph", "custom_obj", "as_opaque_obj"}
_CONTAINERS: Final = {None, "builtins.tuple", "builtins.list", "builtins.dict"}


class UntrustedProgramError(ValueError):
    """A file that may execute more than arithmetic, or is no exported program."""


def open_program(file: Path) -> nn.Module:
    """Opens an exported program, on the CPU, if nothing in it can execute code.

    Args:
        file: What `torch.export.save` wrote, 2.8 or newer.

    Raises:
        UntrustedProgramError: If something in the file is not known to be harmless.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            _check(archive, file.stat().st_size)
    except UntrustedProgramError:
        raise
    except (zipfile.BadZipFile, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UntrustedProgramError(f"{file.name} is damaged") from error
    return torch.export.load(file).module()


def _check(archive: zipfile.ZipFile, size: int) -> None:
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    folder = names[0].partition("/")[0] if names else ""
    if len(set(names)) < len(names):
        raise UntrustedProgramError("it has two entries of one name")
    if sum(entry.file_size for entry in entries) > size:
        raise UntrustedProgramError("its entries are longer than the file")
    for name in names:
        root, _, entry = name.partition("/")
        if root != folder or not _ENTRY.fullmatch(entry):
            raise UntrustedProgramError(f"it holds {name!r}")
        if entry.endswith("_config.json"):
            _check_tensors(json.loads(archive.read(name)))
    _check_graph(json.loads(archive.read(f"{folder}/{_GRAPH}")))
    if (inputs := f"{folder}/{_INPUTS}") in names:
        try:
            torch.load(BytesIO(archive.read(inputs)), weights_only=True)
        except (UnpicklingError, RuntimeError, EOFError) as error:
            raise UntrustedProgramError("its sample inputs are no tensors") from error


def _check_tensors(config: Any) -> None:  # noqa: ANN401
    for payload in config["config"].values():
        if payload["use_pickle"] is not False or not re.fullmatch(
            r"(weight|tensor)_\d+", payload["path_name"]
        ):
            raise UntrustedProgramError("it holds pickled objects")


def _check_graph(program: Any) -> None:  # noqa: ANN401
    if program.get("guards_code") or program["graph_module"].get("treespec_namedtuple_fields"):
        raise UntrustedProgramError("it holds guards or types of its own")
    for key, text in _texts(program, ""):
        if key in ("in_spec", "out_spec"):
            _check_containers(json.loads(text)[1])
            continue
        allowed = {"target": _OPERATION, "expr_str": _EXPRESSION}.get(key, _WORD)
        if len(text) > 1000 or not allowed.fullmatch(text):
            raise UntrustedProgramError(f"its {key} is {text[:80]!r}")


def _texts(node: Any, key: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    """Yields each text with the key that it stands below; keys, too, are texts."""
    if isinstance(node, str):
        yield key, node
    elif isinstance(node, list):
        for child in node:
            yield from _texts(child, key)
    elif isinstance(node, dict):
        for name, child in node.items():
            if name in _OBJECTS and child:
                raise UntrustedProgramError(f"it holds an object ({name})")
            if key == "metadata" and name in _NOT_EXECUTED:
                continue
            yield "name", name
            yield from _texts(child, name)


def _check_containers(spec: Any) -> None:  # noqa: ANN401
    if spec["type"] not in _CONTAINERS or not (
        spec["context"] is None or spec["context"].startswith(("null", "["))
    ):
        raise UntrustedProgramError(f"it takes or returns a {spec['type']}")
    for child in spec["children_spec"]:
        _check_containers(child)
