"""Where profiles are found: built in by name, or a user's own file."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from prcard.acceptance.profile import MAX_PROFILE_CHARS, Profile, parse_profile
from prcard.errors import ProfileError

__all__ = ["load_profile", "profile_names"]


def profile_names() -> list[str]:
    """Names of the built-in profiles."""
    folder = resources.files("prcard.acceptance") / "profiles"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_profile(name: str) -> Profile:
    """Loads a profile.

    Args:
        name: Name of a built-in profile, or the path of a file that ends in `.toml`.

    Raises:
        ProfileError: there is no such profile (lists those there are), it cannot be read, or it is malformed.
    """
    if name.endswith(".toml"):
        return parse_profile(_read(Path(name)))
    known = profile_names()
    if name not in known:
        raise ProfileError(
            f"profile: expected one of {', '.join(known)} or a .toml file, found {name[:40]!r}; correct it"
        )
    return parse_profile(
        (resources.files("prcard.acceptance") / "profiles" / f"{name}.toml").read_text(encoding="utf-8")
    )


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(MAX_PROFILE_CHARS + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ProfileError(
            f"profile: {path.name}: expected a file that can be read, found: {reason}; check it"
        ) from error
