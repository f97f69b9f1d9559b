"""The order of imports: inference imports nothing of ours; training and service import inference, never each other."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

PACKAGES = ("inference", "training", "service")
ALLOWED = {"inference": {"inference"}, "training": {"training", "inference"}, "service": {"service", "inference"}}
FORBIDDEN = {
    "inference": {"torch", "flask", "datasets", "onnx", "pydantic", "lightning_fabric"},
    "training": {"flask", "gunicorn"},
    "service": {"torch", "datasets", "onnx", "lightning_fabric", "sacrebleu"},
}
PICKLES = {"pickle", "dill", "joblib", "shelve", "marshal", "cloudpickle"}
FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def imports(path: Path) -> set[str]:
    """The first names of all modules that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_flow_one_way(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    found = imports(path)
    assert found & set(PACKAGES) <= ALLOWED[package]
    assert not found & FORBIDDEN[package]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_is_pickled_and_imports_stand_at_the_top(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not imports(path) & PICKLES
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert not [n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)], f"{path}: {node.name}"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "torch":
            assert node.attr not in ("load", "save"), f"{path} pickles by torch.{node.attr}"


def test_no_module_hides_a_library() -> None:
    libraries = {
        "datasets",
        "tokenizers",
        "tokenize",
        "onnx",
        "torch",
        "flask",
        "typing",
        "types",
        "code",
        "statistics",
    }
    assert not {path.stem for path in FILES} & libraries


def test_the_service_loads_no_torch() -> None:
    code = "import service.app, sys; print([m for m in ('torch', 'datasets', 'onnx') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
