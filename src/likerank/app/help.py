"""Help of the commands, from conf/ and the comments in it; imports neither Hydra nor anything heavy."""

import os
import re
import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import Final

import yaml

from likerank.errors import LikerankError

CONF: Final = Path(__file__).parents[1] / "conf"
"""The configuration: conf/ of a checkout by a symbolic link, a copy in an installed package."""

_HYDRA: Final = """\
Hydra: -m sweeps over KEY=1,2,3; --cfg job prints the configuration; -sc install=bash sets up completion;
       --config-dir FOLDER or hydra.searchpath=[file://FOLDER] adds your own options; also: --hydra-help."""
_ENVIRONMENT: Final = re.compile(r"\$\{oc\.env:(\w+),(\w+)\}")
_COMMENT: Final = re.compile(r" *# (.*)")


@dataclass(frozen=True)
class Key:
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


@dataclass(frozen=True)
class Group:
    """A configuration group, such as `network`.

    Attributes:
        name: The group's name.
        default: The option that is chosen by default; `null` for none.
        options: The description of each option.
        keys: The keys of all options, those of the default first.
    """

    name: str
    default: str
    options: dict[str, str]
    keys: list[Key]

    @property
    def others(self) -> list[str]:
        """The options beside the default."""
        return [option for option in self.options if option != self.default]


@dataclass
class CommandHelp:
    """A command's keys and groups, in the order of its YAML file.

    Attributes:
        about: The first comment of the file.
        keys: The command's own keys, then those that all commands share.
        groups: The command's own groups, then those that all commands share.
    """

    about: str
    keys: list[Key] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)

    def known(self) -> list[str]:
        """Returns the names of all keys and groups."""
        names = [group.name for group in self.groups]
        return names + [
            key.name for key in [*self.keys, *(key for group in self.groups for key in group.keys)]
        ]


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
    found = CommandHelp(_about(text), [key for key in _keys(text) if not key.name.startswith("hydra.")])
    shared: list[CommandHelp] = []
    for item in (yaml.safe_load(text) or {}).get("defaults", []):
        if isinstance(item, str):
            shared += [read_help(item)] if item != "_self_" else []
            continue
        ((name, default),) = item.items()
        if re.fullmatch(r"\w+", name):
            found.groups.append(_group(name, _from_environment(str(default or "null"))))
    own = found.groups
    for each in shared:
        found.keys += each.keys
        found.groups = found.groups + each.groups
    # An option that sets keys of elsewhere, as an experiment does, does not show them a second time.
    shown: set[str] = set()
    for keys in (found.keys, *(group.keys for group in found.groups[len(own) :] + own)):
        keys[:] = [key for key in keys if key.name not in shown]
        shown |= {key.name for key in keys}
    return found


def help_text(command: str, program: str) -> str:
    """Returns the help of a command.

    Args:
        command: The command, such as `train`.
        program: How it is called, such as `likerank train`.
    """
    help_ = read_help(command)
    width = min(shutil.get_terminal_size((110, 24)).columns, 120)
    lines = [f"{program} KEY=VALUE ...", "", *textwrap.wrap(help_.about, width), ""]
    choices = [(f"{group.name}={group.default}", ", ".join(group.others)) for group in help_.groups]
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
    rows = [
        (f"{key.name}={key.value}", f"{key.comment} ({', '.join(key.owners)})" if key.owners else key.comment)
        for key in keys
    ]
    return _rows(rows, width)


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
    texts = {file.stem: file.read_text() for file in files}
    texts = {option: texts[option] for option in sorted(texts)}
    found: dict[str, Key] = {}
    owners: dict[str, list[str]] = {}
    for option in sorted(texts, key=lambda option: option != default):
        for key in _keys(texts[option], "" if "# @package _global_" in texts[option] else f"{name}."):
            found.setdefault(key.name, key)
            owners.setdefault(key.name, []).append(option)
    keys = [
        key if default in owners[key.name] else replace(key, owners=tuple(owners[key.name]))
        for key in found.values()
    ]
    return Group(name, default, {option: _about(text) for option, text in texts.items()}, keys)


def _about(text: str) -> str:
    """Returns the first paragraph of the comment at a file's beginning."""
    lines = takewhile(lambda line: line.startswith("# "), text.splitlines())
    return " ".join(line[2:] for line in lines if not line.startswith("# @package"))


def _keys(text: str, prefix: str = "") -> Iterator[Key]:
    root = yaml.compose(text)
    if isinstance(root, yaml.MappingNode):
        yield from _keys_below(root, prefix, text)


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


def _from_environment(value: str) -> str:
    found = _ENVIRONMENT.fullmatch(value)
    return os.environ.get(found[1]) or found[2] if found else value
