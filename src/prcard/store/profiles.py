"""Where profiles are found: built in by name, or a user's own file; each with its older versions beside it.

`NAME.toml` is the version of today, `NAME@2025-01-01.toml` one that applied from that day until the next began.
"""

from __future__ import annotations

from datetime import date
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prcard.acceptance.profile import MAX_PROFILE_CHARS, Profile, parse_profile
from prcard.errors import ProfileError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["MAX_VERSIONS", "load_profile", "profile_names", "profile_text", "profile_versions"]

MAX_VERSIONS: Final = 100
_ENDING: Final = ".toml"


def profile_names() -> list[str]:
    """Names of the built-in profiles."""
    names = (entry.name.removesuffix(_ENDING) for entry in _built_in().iterdir() if entry.name.endswith(_ENDING))
    return sorted(name for name in names if "@" not in name)


def load_profile(name: str, on: date | None = None) -> Profile:
    """Loads a profile.

    Args:
        name: Name of a built-in profile, or the path of a file that ends in `.toml`.
        on: The day in China whose version is wanted; None for the one of today. Where none is as old as that, the
            oldest is given: its `applies_from` tells.

    Raises:
        ProfileError: there is no such profile (lists those there are), it cannot be read, or it is malformed.
    """
    newest = _parse(_home(name))
    if on is None or date.fromisoformat(newest.applies_from) <= on:
        return newest
    versions = [newest, *profile_versions(name)]
    suiting = [version for version in versions if version.applies_from <= on.isoformat()]
    return max(suiting, key=_begin) if suiting else min(versions, key=_begin)


def profile_versions(name: str) -> list[Profile]:
    """Loads the older versions of a profile, the oldest first.

    Raises:
        ProfileError: as `load_profile`; also when a file's name and its `applies_from` differ, or it is another one.
    """
    home = _home(name)
    prefix = f"{home.name.removesuffix(_ENDING)}@"
    folder = home.parent if isinstance(home, Path) else _built_in()
    older = [entry for entry in folder.iterdir() if entry.name.startswith(prefix) and entry.name.endswith(_ENDING)]
    if len(older) > MAX_VERSIONS:
        raise ProfileError(f"profile: {home.name}: expected at most {MAX_VERSIONS} older versions, found more")
    versions = []
    for entry in sorted(older, key=lambda entry: entry.name):
        version = _parse(entry)
        day = entry.name.removeprefix(prefix).removesuffix(_ENDING)
        if version.applies_from != day or version.name != _parse(home).name:
            raise ProfileError(
                f"profile: {entry.name}: expected an older version of {home.name} from {day}, found one of "
                f"{version.name!r} from {version.applies_from}; rename it or correct it"
            )
        versions.append(version)
    return versions


def profile_text(name: str) -> str:
    """Gives the text of a profile as it stands in its file.

    Raises:
        ProfileError: there is no such profile, or it cannot be read.
    """
    return _read(_home(name))


def _begin(profile: Profile) -> str:
    return profile.applies_from


def _built_in() -> Traversable:
    return resources.files("prcard.acceptance") / "profiles"


def _home(name: str) -> Traversable:
    if name.endswith(_ENDING):
        return Path(name)
    known = profile_names()
    if name not in known:
        raise ProfileError(
            f"profile: expected one of {', '.join(known)} or a .toml file, found {name[:40]!r}; correct it"
        )
    return _built_in() / f"{name}{_ENDING}"


def _parse(entry: Traversable) -> Profile:
    return parse_profile(_read(entry))


def _read(entry: Traversable) -> str:
    try:
        with entry.open(encoding="utf-8") as file:
            return file.read(MAX_PROFILE_CHARS + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ProfileError(
            f"profile: {entry.name}: expected a file that can be read, found: {reason}; check it"
        ) from error
