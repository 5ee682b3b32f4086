"""The fake Instagram as a command: serves synthetic accounts until Ctrl-C, for trying out Instaloader."""

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from threading import Event as Signal
from typing import Any, TypeVar

from omegaconf import DictConfig, OmegaConf

from fake_instagram import Event, FakeInstagram, FaultRule, Site
from likerank.errors import LikerankError

Rule = TypeVar("Rule", Event, FaultRule)


def serve(config: DictConfig) -> None:
    """Serves the configured site, prints how to reach it, and ends with Ctrl-C."""
    settings: Any = OmegaConf.to_container(config, resolve=True)
    site = Site(**settings["site"] | {"events": _rules(Event, "site.events", settings["site"]["events"])})
    fault_rules = _rules(FaultRule, "fault_rules", settings["fault_rules"])
    folder = Path(config.folder).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with FakeInstagram(site, fault_rules, config.port) as server:
        session = folder / f"session-{config.visitor}"
        server.write_session(config.visitor, session)
        names = [a.name_on(site.day) for a in site.accounts if a.exists_on(site.day)]
        (folder / "accounts.txt").write_text("# Synthetic accounts.\n" + "\n".join(names) + "\n")
        print(f"{len(names)} synthetic accounts on day {site.day}: {folder / 'accounts.txt'}")
        print("In another shell, to reach the fake Instagram instead of Instagram:")
        for name, value in server.environment.items():
            print(f"  export {name}={shlex.quote(value)}")
        print("Then, for example:")
        print(f"  instaloader {names[0]}")
        print(f"  instaloader --login {config.visitor} --sessionfile {shlex.quote(str(session))} {names[0]}")
        print("Ctrl-C ends it.", flush=True)
        with suppress(KeyboardInterrupt):
            Signal().wait()
        counts = Counter(request.kind for request in server.requests)
        print("\nServed", ", ".join(f"{n} {kind}" for kind, n in counts.most_common()) or "nothing")


def _rules(rule: type[Rule], key: str, settings: Iterable[Mapping[str, Any]]) -> list[Rule]:
    known = [field.name for field in fields(rule) if field.init]
    for setting in settings:
        if unknown := [name for name in setting if name not in known]:
            raise LikerankError(f"{key} has no key {unknown[0]}; its keys are {', '.join(known)}.")
    return [rule(**setting) for setting in settings]
