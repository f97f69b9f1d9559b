"""Texts made of templates, to learn what corpora have too little of.

As in Ribeiro et al. (2020), Beyond Accuracy: Behavioral Testing of NLP Models with CheckList, where they test. A file
has lists of templates by label, and lists of words below `[words]`; `{name}` in a template stands for a word of that
list.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import TypeAdapter, ValidationError

from training.errors import InputError

SHIPPED = Path(__file__).parent / "configs" / "templates"
_SLOT = re.compile(r"\{(\w+)\}")
_EACH = 60
"""How often a template is filled: one of few words gives the same text more than once."""
Kind = TypeVar("Kind")
_LISTS = TypeAdapter(dict[str, list[str]])


def find(shipped: Path, root: Path, name: str) -> Path:
    """The file of that name that is shipped, or stands below `root`."""
    return shipped / name if (shipped / name).is_file() else root / name


def read_as(kind: TypeAdapter[Kind], path: Path, what: str) -> Kind:
    """What is in a TOML file of `what`. Raises InputError when there is no such file, or it is none of the kind."""
    try:
        return checked_as(kind, tomllib.loads(path.read_text(encoding="utf-8-sig")), path)
    except OSError as error:
        raise InputError(f"cannot read the {what} {path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} is not a TOML file: {error}") from error


def checked_as(kind: TypeAdapter[Kind], values: Any, path: Path) -> Kind:
    """Values of a file, if they are of the kind. Raises InputError."""
    try:
        return kind.validate_python(values)
    except ValidationError as error:
        fault = error.errors()[0]
        raise InputError(f"{path}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from error


def filled(root: Path, name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The texts of a file that is shipped, or stands below `root`: each with its label and its number, the same each
    time.

    Raises InputError when there is no such file, or it is none of templates.
    """
    path = find(SHIPPED, root, name)
    lists = read_as(TypeAdapter(dict[str, Any]), path, "templates")
    words = checked_as(_LISTS, lists.pop("words", {}), path)
    templates = checked_as(_LISTS, lists, path)
    if braced := [word for listed in words.values() for word in listed if "{" in word]:
        raise InputError(f"{path}: {braced[0]!r} stands among the words, which are not filled in: make it a template")
    rng = np.random.default_rng(0)
    texts = ((form, label) for label, forms in templates.items() for form in forms for _ in range(_EACH))
    for number, (form, label) in enumerate(texts, start=1):
        parts = _SLOT.split(form)  # Every other one is a list's name.
        if missing := {part for part in parts[1::2] if not words.get(part)}:
            raise InputError(f"{path}: {form!r} wants words of {', '.join(sorted(missing))}: list them below [words]")
        parts[1::2] = [str(rng.choice(words[part])) for part in parts[1::2]]
        yield number, {"text": "".join(parts), "label": label}
