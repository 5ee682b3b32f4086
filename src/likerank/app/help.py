"""Help of the commands, from conf/ and the comments in it; imports neither Hydra nor anything heavy."""

import os
import re
import shutil
import textwrap
from collections.abc import Iterator
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Final, NamedTuple

import yaml

from likerank.errors import LikerankError

CONF: Final = Path(__file__).parents[1] / "conf"
"""The configuration: conf/ of a checkout by a symbolic link, a copy in an installed package."""

_HYDRA: Final = """\
Hydra: -m sweeps over KEY=1,2,3; --cfg job prints the configuration; -sc install=bash sets up completion;
       --config-dir FOLDER or hydra.searchpath=[file://FOLDER] adds your own options; also: --hydra-help."""
_ENVIRONMENT: Final = re.compile(r"\$\{oc\.env:(\w+),(\w+)\}")
_COMMENT: Final = re.compile(r" *# (.*)")


class Key(NamedTuple):
    """A configuration key.

    Attributes:
        name: As in an override, such as `trainer.max_epochs`.
        value: Its default as the YAML file has it; `???` where the user must give one.
        comment: The comment beside it; empty without one.
        owners: The options of its group that have it, where the default option has not.
    """

    name: str
    value: str
    comment: str
    owners: tuple[str, ...] = ()


class Group(NamedTuple):
    """A configuration group, such as `network`: the keys are those of all options, of the default first."""

    name: str
    default: str  # `null` for none
    options: dict[str, str]  # with the description of each
    keys: list[Key]
    made: list[str]


class CommandHelp(NamedTuple):
    """A command's own keys and groups in the order of its YAML file, then those that all commands share.

    `made` names the nodes that an object is made of, by `_target_`: their further keys are its arguments.
    """

    about: str
    keys: list[Key]
    groups: list[Group]
    made: list[str]

    def all_keys(self) -> list[Key]:
        """Returns the keys of the command and of its groups."""
        return [*self.keys, *(key for group in self.groups for key in group.keys)]

    def known(self) -> list[str]:
        """Returns the names of all groups and keys."""
        return [*(group.name for group in self.groups), *(key.name for key in self.all_keys())]


def conf_folders() -> list[Path]:
    """Returns the folders of configuration in the order of the search.

    They are the one that LIKERANK_CONF names, likerank's own, and `conf` below the working folder.
    """
    named, working = os.environ.get("LIKERANK_CONF"), Path("conf").absolute()
    if named and not Path(named).is_dir():
        raise LikerankError(f"The environment variable LIKERANK_CONF names {named}, which is not a folder.")
    below = [working] if working.is_dir() and not working.samefile(CONF) else []
    return [*([Path(named).absolute()] if named else []), CONF, *below]


def read_help(command: str) -> CommandHelp:
    """Reads a command's YAML file and those that it includes."""
    text = (CONF / f"{command}.yaml").read_text()
    keys, groups = [key for key in _keys(text) if not key.name.startswith("hydra.")], list[Group]()
    shared: list[CommandHelp] = []
    for item in (yaml.safe_load(text) or {}).get("defaults", []):
        if isinstance(item, str):
            shared += [read_help(item)] if item != "_self_" else []
            continue
        ((name, default),) = item.items()
        if re.fullmatch(r"\w+", name):
            groups.append(_group(name, _from_environment(str(default or "null"))))
    of_all = [group for each in shared for group in each.groups]
    keys += (key for each in shared for key in each.keys)
    # An option that sets keys of elsewhere, as an experiment does, does not show them a second time.
    shown: set[str] = set()
    for some in (keys, *(group.keys for group in of_all + groups)):
        some[:] = [key for key in some if key.name not in shown]
        shown |= {key.name for key in some}
    made = [*_made(text), *(node for group in of_all + groups for node in group.made)]
    return CommandHelp(_about(text), keys, groups + of_all, made)


def help_text(command: str, program: str) -> str:
    """Returns the help of a command, such as `train`, that is called as the program `likerank train`."""
    help_ = read_help(command)
    width = min(shutil.get_terminal_size((110, 24)).columns, 120)
    lines = [f"{program} KEY=VALUE ...", "", *textwrap.wrap(help_.about, width), ""]
    choices = [
        (f"{name}={default}", ", ".join(option for option in options if option != default))
        for name, default, options, *_ in help_.groups
    ]
    lines += ["Choices, and their other options:", *_rows(choices, width), "", "Keys:"]
    lines += _key_rows(help_.keys, width)
    for group in help_.groups:
        lines += ["", f"Choice {group.name}:"]
        lines += _rows([(f"{group.name}={name}", about) for name, about in group.options.items()], width)
        lines += _key_rows(group.keys, width)
    return "\n".join([*lines, "", _HYDRA])


def summary_of(command: str) -> str:
    """Returns the first sentence about a command."""
    return re.split(r"(?<=[.;]) ", _about((CONF / f"{command}.yaml").read_text()))[0].rstrip(".;")


def _key_rows(keys: list[Key], width: int) -> Iterator[str]:
    owned = {key.name: f" ({', '.join(key.owners)})" if key.owners else "" for key in keys}
    return _rows([(f"{key.name}={key.value}", key.comment + owned[key.name]) for key in keys], width)


def _rows(rows: list[tuple[str, str]], width: int, column: int = 38) -> Iterator[str]:
    for name, comment in rows:
        first, *rest = textwrap.wrap(comment, max(width - column, 30)) or [""]
        name = f"  {name.replace('=???', ' (required)')}"
        if len(name) >= column and first:
            yield name
            name = ""
        yield f"{name:{column}}{first}".rstrip()
        yield from (" " * column + line for line in rest)


def _group(name: str, default: str) -> Group:
    files = [file for folder in reversed(conf_folders()) for file in (folder / name).glob("*.yaml")]
    texts = dict(sorted({file.stem: _text(file) for file in files}.items()))
    found: dict[str, Key] = {}
    owners: dict[str, list[str]] = {}
    for option in sorted(texts, key=lambda option: option != default):
        for key in _keys(texts[option], "" if "# @package _global_" in texts[option] else f"{name}."):
            found.setdefault(key.name, key)
            owners.setdefault(key.name, []).append(option)
    keys = [
        key if default in owners[key.name] else key._replace(owners=tuple(owners[key.name]))
        for key in found.values()
    ]
    made = [node for text in texts.values() if "_target_" in text for node in _made(text, name)]
    return Group(name, default, {option: _about(text) for option, text in texts.items()}, keys, made)


def _text(file: Path) -> str:
    """Returns the text of a YAML file of conf/ or of the user's own."""
    try:
        text = file.read_text(encoding="utf-8")
        if not file.is_relative_to(CONF):
            _tree(text)
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise LikerankError(
            f"{file} is not valid YAML ({' '.join(str(error).split())}); correct it."
        ) from error
    return text


def _about(text: str) -> str:
    """Returns the first paragraph of the comment at a file's beginning."""
    lines = takewhile(lambda line: line.startswith("# "), text.splitlines())
    return " ".join(line[2:] for line in lines if not line.startswith("# @package"))


@cache
def _tree(text: str) -> yaml.Node | None:
    """Returns the nodes of a YAML text, which a process asks for several times."""
    return yaml.compose(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@cache
def _keys(text: str, prefix: str = "") -> tuple[Key, ...]:
    root = _tree(text)
    return tuple(_keys_below(root, prefix, text)) if isinstance(root, yaml.MappingNode) else ()


def _keys_below(node: yaml.MappingNode, prefix: str, text: str) -> Iterator[Key]:
    for name, value in node.value:
        if name.value == "defaults" or name.value.startswith("_"):
            continue
        if isinstance(value, yaml.MappingNode) and not value.flow_style:
            yield from _keys_below(value, f"{prefix}{name.value}.", text)
            continue
        comment = _COMMENT.match(text, value.end_mark.index)
        default = text[value.start_mark.index : value.end_mark.index]
        yield Key(prefix + name.value, default, comment[1] if comment else "")


def _made(text: str, prefix: str = "") -> Iterator[str]:
    """Yields the nodes that have a `_target_`."""
    waiting = [(prefix, _tree(text))]
    while waiting:
        key, node = waiting.pop()
        if isinstance(node, yaml.MappingNode):
            if any(name.value == "_target_" for name, _ in node.value):
                yield key
            waiting += [(f"{key}.{name.value}" if key else name.value, value) for name, value in node.value]


def _from_environment(value: str) -> str:
    found = _ENVIRONMENT.fullmatch(value)
    return os.environ.get(found[1]) or found[2] if found else value
