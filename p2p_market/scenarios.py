"""Scenario files as plain values: YAML in which every value is read as it is written.

Numbers and truth values are those of YAML 1.2: `1e3` is a number, `010` is ten, `yes` and `12:30`
are texts. A key that stands twice, a depth or a size that no scenario has, and what is not plain
data are errors, found before anything is built.
"""

import difflib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from p2p_market.errors import ScenarioError
from p2p_market.tracks import folder_beside, of_other_packages

LARGEST_BYTES: Final = 2**23
DEEPEST: Final = 12  # a scenario needs five
MOST_VALUES: Final = 10**6  # with what aliases repeat
LONGEST_NUMBER: Final = 40
MOST_BASES: Final = 10
ENDINGS: Final = (".yaml", ".yml")
FETCHED: Final = "fetched"  # folder of scenarios whose data are not shipped

_HERE = Path(__file__).resolve().parent
_FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same rules, ten times as fast
_TAG: Final = "tag:yaml.org,2002:"
_WORDS: Final = {
    "null": (r"~|null|Null|NULL|", "~nN\0"),
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    "float": (
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan",
        "-+.0123456789",
    ),
    "merge": (r"<<", "<"),
}
"""Plain words that are not texts and the letters they begin with, after YAML 1.2's core schema."""

_PLAIN: Final = {_TAG + name for name in (*_WORDS, "str", "seq", "map")}


class _Loader(_FAST):  # type: ignore[misc]
    """The safe loader with the words of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (as yaml reads it)


for _name, (_pattern, _first) in _WORDS.items():
    _Loader.add_implicit_resolver(
        _TAG + _name,
        re.compile(rf"^(?:{_pattern})$"),
        ["" if letter == "\0" else letter for letter in _first],
    )


@dataclass(frozen=True, slots=True)
class Content:
    """What a file says, with the keys of its bases, and where its own words stand."""

    values: dict[str, Any]
    root: yaml.Node

    def line(self, loc: tuple[int | str, ...]) -> int | None:
        """Line of a value, or of the nearest one around it; None for what a base says."""
        node, line = self.root, None
        for part in loc:
            inside = dict(_children(node)).get(part)
            if inside is None:
                break
            node = inside
            line = node.start_mark.line + 1
        return line


def _children(node: yaml.Node) -> list[tuple[int | str, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        return [(key.value, value) for key, value in node.value]
    return list(enumerate(node.value)) if isinstance(node, yaml.SequenceNode) else []


def scenario_folder() -> Path:
    """Where the shipped scenario files are: inside the wheel, or in a checkout."""
    packaged = _HERE / "configs" / "scenarios"
    return packaged if packaged.is_dir() else _HERE.parent / "configs" / "scenarios"


def scenario_ids() -> list[str]:
    """Ids of the shipped scenarios, sorted; the folder is the list."""
    return sorted(path.stem for path in scenario_folder().glob("*.yaml"))


def fetched_ids() -> list[str]:
    """Ids of shipped scenarios that play once their data are fetched; no list shows them.

    They stand in a folder of their own, so that what lists, loads or plays every scenario needs
    nothing from outside.
    """
    return sorted(path.stem for path in (scenario_folder() / FETCHED).glob("*.yaml"))


def other_scenarios() -> dict[str, Path]:
    """Id -> file of the scenarios that other packages ship, in `scenarios` beside their tracks."""
    folders = (folder_beside(name, "scenarios") for name in of_other_packages())
    files = [path for folder in folders if folder for path in sorted(folder.glob("*.yaml"))]
    return {path.stem: path for path in files}


def known_ids() -> list[str]:
    """Ids of all shipped scenarios, those of other packages last."""
    return [*scenario_ids(), *other_scenarios()]


def shipped_path(scenario_id: str) -> Path | None:
    """The file that was shipped under an id, here or by another package; None if there is none."""
    for ids, folder in ((scenario_ids, ""), (fetched_ids, FETCHED)):
        if scenario_id in ids():
            return scenario_folder() / folder / f"{scenario_id}.yaml"
    return other_scenarios().get(scenario_id)


def path_of(id_or_path: str | Path, folder: Path | None = None) -> Path:
    """File of a shipped id, or of a name that ends in .yaml or .yml.

    Args:
        id_or_path: what a user or a file calls it.
        folder: where relative names begin; the working folder by default.

    Raises:
        ScenarioError: if there is no such id or file.
    """
    text = str(id_or_path)
    if not text.endswith(ENDINGS):
        if (shipped := shipped_path(text)) is not None:
            return shipped
        hint = "; a file of your own ends in .yaml" if Path(text).name != text else ""
        likely = [*known_ids(), *fetched_ids()]
        if close := difflib.get_close_matches(text[:200], likely, n=1, cutoff=0.7):
            raise ScenarioError(f"no scenario {text[:200]!r}; did you mean {close[0]}?{hint}")
        raise ScenarioError(f"no scenario {text[:200]!r}; known: {', '.join(known_ids())}{hint}")
    path = (folder or Path()) / text
    try:
        if path.is_file():
            return path
        reason = "is not a file" if path.exists() else "there is no such file"
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    raise ScenarioError(f"{text[:200]}: {reason} ({str(path.absolute())[:300]})")


def text_of(path: Path) -> str:
    """The text of a scenario file.

    Raises:
        ScenarioError: if it cannot be read, is too large, or is not UTF-8.
    """
    try:
        if (size := path.stat().st_size) > LARGEST_BYTES:
            raise ScenarioError(f"{path}: {size} bytes; a scenario has {LARGEST_BYTES} at most")
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ScenarioError(
            f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8 text"
        ) from error


def read(text: str, name: str, folder: Path | None = None, chain: tuple[Path, ...] = ()) -> Content:
    """What the text of a scenario file says, with the keys of the file that it extends.

    Args:
        text: of the file.
        name: of the file, for errors.
        folder: in which relative names of bases begin.
        chain: the files that extend this one and itself, outermost first.

    Raises:
        ScenarioError: if the text or that of a base is not plain YAML with keys and values.
    """
    root = _compose(text, name)
    try:
        values = _Loader("").construct_document(root)
    except yaml.YAMLError as error:
        raise ScenarioError(f"{name}{_flaw(error)}") from error
    if "extends" not in values:
        return Content(values, root)
    base, content = values.pop("extends"), Content(values, root)
    where = f"{name}: line {content.line(('extends',))}: extends"
    if not isinstance(base, str):
        raise ScenarioError(f"{where} must be one scenario id or file, not {str(base)[:60]!r}")
    try:
        path = path_of(base, folder)
    except ScenarioError as error:
        raise ScenarioError(f"{where}: {error}") from error
    files = " -> ".join(one.name for one in (*chain, path))
    if path.resolve() in chain:
        raise ScenarioError(f"{where}: the files extend each other in a circle: {files}")
    if len(chain) > MOST_BASES:
        raise ScenarioError(
            f"{where}: a chain of more than {MOST_BASES} bases; put some into one file: {files}"
        )
    longer = (*chain, path.resolve())
    below = read(text_of(path), path.name, path.parent, longer)
    return Content(below.values | values, root)


def _compose(text: str, name: str) -> yaml.Node:
    """The tree of a file, after looking at its depth, its size and its keys."""
    try:
        depth = 0
        for event in yaml.parse(text, Loader=_FAST):  # a parser without recursion
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST and event.start_mark is not None:
                line = event.start_mark.line + 1
                raise ScenarioError(f"{name}: line {line}: nested deeper than {DEEPEST} levels")
        root = _Loader(text).get_single_node()
    except yaml.YAMLError as error:
        raise ScenarioError(f"{name}{_flaw(error)}") from error
    if root is None:
        raise ScenarioError(f"{name}: the file is empty; begin with `extends: classic-v0`")
    if not isinstance(root, yaml.MappingNode):
        raise ScenarioError(f"{name}: holds no keys with values; begin with `extends: classic-v0`")
    _weigh(root, name, 1, {})
    return root


def _weigh(node: yaml.Node, name: str, depth: int, sizes: dict[int, int]) -> int:
    """How many values a node stands for, aliases repeated; looks at its tag, keys and numbers."""
    here = f"{name}: line {node.start_mark.line + 1}"
    if id(node) in sizes:
        return sizes[id(node)]
    if depth > DEEPEST:
        raise ScenarioError(f"{here}: nested deeper than {DEEPEST} levels")
    if node.tag not in _PLAIN:
        raise ScenarioError(f"{here}: {node.tag!r} is not plain data; write text, number or list")
    if isinstance(node, yaml.ScalarNode):
        if len(node.value) > LONGEST_NUMBER and node.tag in (_TAG + "int", _TAG + "float"):
            raise ScenarioError(f"{here}: a number of {len(node.value)} digits; write fewer")
        return 1
    if isinstance(node, yaml.MappingNode):
        _insist_on_single_keys(node, name)
    inside = [child for _, child in _children(node)]
    sizes[id(node)] = size = 1 + sum(_weigh(one, name, depth + 1, sizes) for one in inside)
    if size > MOST_VALUES:
        raise ScenarioError(f"{here}: more than {MOST_VALUES} values; make the file smaller")
    return size


def _insist_on_single_keys(node: yaml.MappingNode, name: str) -> None:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise ScenarioError(f"{name}: line {line}: a key must be a word, not a list")
        if key.value in lines:
            raise ScenarioError(
                f"{name}: lines {lines[key.value]} and {line}: the key {key.value[:60]!r} occurs "
                "twice; remove one"
            )
        lines[key.value] = line


def _flaw(error: yaml.YAMLError) -> str:
    """Line and reason of what the YAML parser found, to be put after the file's name."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    line = "" if mark is None else f": line {mark.line + 1}"
    reason = " ".join(str(problem or error).split())
    hint = "; indent with spaces" if "tab" in reason.split() or "'\\t'" in reason else ""
    return f"{line}: not valid YAML: {reason}{hint}"
