"""Old names of configuration keys, understood for one release, with a warning."""

import re
import sys
from collections.abc import Iterable, Mapping
from typing import Final

RENAMED: Final[Mapping[str, Mapping[str, str]]] = {
    "collect": {"ripen_days": "observation_days"},
    "compare": {"apart": "split_by"},
    "ingest": {"master_size": "image_size"},
    "serve_fake_instagram": {"refusals": "fault_rules"},
}
"""By command: the old key and its present name; a group's key is renamed with all below it."""

_OVERRIDE: Final = re.compile(r"([+~]*)([\w./]+)(.*)", re.DOTALL)


def with_present_names(command: str, overrides: Iterable[str]) -> list[str]:
    """Returns the overrides with each old key replaced by its present name; warns on standard error.

    Args:
        command: The command whose overrides they are, such as `collect`.
        overrides: As typed, options such as `-m` among them.
    """
    return [_renamed(override, RENAMED.get(command, {})) for override in overrides]


def _renamed(override: str, renamed: Mapping[str, str]) -> str:
    found = _OVERRIDE.fullmatch(override)
    if found is None:
        return override
    prefix, key, value = found.groups()
    for old, present in renamed.items():
        if key == old or key.startswith(f"{old}."):
            print(f"likerank: {old} is called {present} now; the old name ends with 0.3.", file=sys.stderr)
            return f"{prefix}{present}{key.removeprefix(old)}{value}"
    return override
