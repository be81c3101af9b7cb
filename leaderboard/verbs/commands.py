"""What the verbs of `p2p-market leaderboard` do; the command line itself is in the package."""

from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from leaderboard.gate.check import check
from leaderboard.package.casts import played_roles
from leaderboard.package.manifest import NAME
from leaderboard.package.package import from_bytes, pack_folder, read
from leaderboard.package.template import AUTHOR, SHORTEST, slug, write_template
from leaderboard.playing.play import resting
from leaderboard.season.boards import open_now
from leaderboard.season.season import of_all_seasons
from leaderboard.tracks import track_name
from leaderboard.verbs.given import expect
from leaderboard.visible import visible
from p2p_market.errors import PackageError, PolicyError
from p2p_market.files import write_bytes
from p2p_market.registry import load_scenario
from p2p_market.scenarios import known_ids


def init(folder: Path, kind: str, track: str) -> list[str]:
    """Write a template; lines to show."""
    paths = write_template(folder, kind, track)
    return [
        *written(folder, paths),
        f"put your own files in their place, then: p2p-market leaderboard run {quote(str(folder))}",
    ]


def written(folder: Path, paths: Sequence[Path]) -> list[str]:
    """What was written for a new package, and what it is called."""
    return [
        *(str(path) for path in paths),
        _called(folder),
    ]


def _called(folder: Path) -> str:
    """The name of a new package, and why it is not that of its folder where it is not."""
    name, own = slug(folder), folder.resolve().name
    if len(own) < SHORTEST:
        short = f"{visible(own)} is too short for a name ({SHORTEST} or more)"
        return f"{short}: the package is called {name}"
    return f"the package is called {name}, as {NAME} says: small letters, digits and '-'"


def pack(folder: Path, output: Path | None) -> list[str]:
    """Write the zip of a folder; lines to show.

    Raises:
        PackageError: if the folder does not make a package, or names a rule that there is not.
    """
    expect(folder, "draft")
    path = _packed(folder, output)
    return [str(path), f"check it: p2p-market leaderboard check {quote(str(path))}"]


def as_zip(path: Path) -> tuple[Path, list[str]]:
    """The zip of a package; a folder is packed first, which the lines to show say.

    Raises:
        PackageError: as `pack`.
    """
    expect(path, "zip", "draft")
    if not path.is_dir():
        return path, []
    packed = _packed(path, None)
    return packed, [f"packed: {packed}"]


def _packed(folder: Path, output: Path | None) -> Path:
    whole = folder.resolve()
    path = output or (folder if folder.name == whole.name else whole).with_name(f"{whole.name}.zip")
    try:
        data = pack_folder(folder)
        package = from_bytes(data)
        if package.manifest.policy.kind == "rules":
            check(package)
    except PackageError as error:
        if path.exists():
            raise PackageError(f"{error}. {path} is still what an earlier `pack` wrote") from None
        raise
    write_bytes(path, data)
    return path


def check_file(path: Path) -> list[str]:
    """What the gate says of a package that may play, in a zip or a folder; lines to show.

    Raises:
        PackageError: if it may not.
    """
    path, lines = as_zip(path)
    package = read(path)
    networks = check(package)
    lines += [
        f"{package.manifest.name} {package.manifest.version}, division "
        f"{package.manifest.division}, kind {package.manifest.policy.kind}",
        f"identity {package.identity}",
    ]
    if (plays := played_roles(package.manifest)) is not None:
        lines.append(f"plays the roles {', '.join(plays)}; every other role plays its rule")
    for name, network in networks.items():
        lines.append(
            f"{name}: {network.parameters} parameters, {network.nodes} nodes, "
            f"{network.state} numbers of state per row"
        )
    playable, refused, boards = [], list[str](), of_all_seasons()
    for scenario_id in known_ids():
        if track_name(scenario_id) != package.manifest.policy.track:
            continue
        try:
            rest = resting(package, networks, load_scenario(scenario_id))
            playable.append(f"{scenario_id} ({', '.join(rest)} at rest)" if rest else scenario_id)
        except PolicyError as error:
            aside = "" if scenario_id in boards else f"; {scenario_id} is no board of any season"
            refused.append(f"{error}{aside}")
    if not playable:
        none = f"no scenario of track {package.manifest.policy.track!r} is shipped"
        raise PackageError(min(refused or [none], key=len))  # the nearest lacks least
    lines += [f"plays in {', '.join(playable)}", *(f"does not play: {why}" for why in refused)]
    now = ", ".join(open_now())
    where = f"open: {now}" if now else "no season is open"
    if any(one.name == AUTHOR for one in package.manifest.authors):
        lines.append(
            f"its author is still {AUTHOR}; say in {NAME} who you are before you hand it in"
        )
    return [*lines, f"accepted. Next: p2p-market leaderboard run {quote(str(path))} ({where})"]
