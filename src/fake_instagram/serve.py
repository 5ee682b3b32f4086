"""The stand-in for Instagram as a command: serves made accounts until Ctrl-C, for Instaloader to try on."""

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from threading import Event as Signal
from typing import Any, TypeVar

from omegaconf import DictConfig, OmegaConf

from fake_instagram import Event, Refusal, Site, StandIn
from likerank.errors import LikerankError

Rule = TypeVar("Rule", Event, Refusal)


def stand_in(config: DictConfig) -> None:
    """Serves the configured site, says how to get there, and ends with Ctrl-C."""
    settings: Any = OmegaConf.to_container(config, resolve=True)
    site = Site(**settings["site"] | {"events": _made(Event, settings["site"]["events"])})
    folder = Path(config.folder).absolute()
    with StandIn(site, _made(Refusal, settings["refusals"]), folder, config.port) as server:
        session = folder / f"session-{config.visitor}"
        server.write_session(config.visitor, session)
        names = [a.name_on(site.day) for a in site.accounts if a.exists_on(site.day)]
        (folder / "accounts.txt").write_text("# Made accounts of the stand-in.\n" + "\n".join(names) + "\n")
        print(f"{len(names)} made accounts on day {site.day}: {folder / 'accounts.txt'}")
        print("In another shell, to meet the stand-in instead of Instagram:")
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


def _made(rule: type[Rule], settings: Iterable[Mapping[str, Any]]) -> list[Rule]:
    known = [field.name for field in fields(rule) if field.init]
    for setting in settings:
        if unknown := [key for key in setting if key not in known]:
            name = rule.__name__.lower()
            raise LikerankError(f"A stand-in's {name} has no {unknown[0]}; it has {', '.join(known)}.")
    return [rule(**setting) for setting in settings]
