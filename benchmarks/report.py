"""`python -m benchmarks.report`: the tables of `benchmarks/results/`, printed, and put into the README."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measuring import RESULTS, ROOT

Results = Sequence[dict[str, Any]]
Case = tuple[str, dict[str, Any]]
"""The heading of a column, and what its results have."""


def table(corner: str, results: Results, cases: Sequence[Case], cell: Callable[[dict[str, Any]], str]) -> str:
    """A row for each contender, a column for each case, of Markdown; empty where a contender was not measured."""
    names = dict.fromkeys(result["contender"] for result in results)
    rows = [[corner, *(heading for heading, _ in cases)], ["---"] * (len(cases) + 1)]
    for name in names:
        mine = [result for result in results if result["contender"] == name]
        found = [[r for r in mine if all(r[key] == value for key, value in case.items())] for _, case in cases]
        rows.append([name, *(cell(r[0]) if r else "" for r in found)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def times(unit: str) -> Callable[[dict[str, Any]], str]:
    """How many times ours a contender's figure is; of ours, the figure itself."""

    def cell(result: dict[str, Any]) -> str:
        if result["contender"].startswith("Hoiquy"):
            return f"{result[unit]:.3g} ms"
        ratio = result["times_ours"]
        return f"{ratio:.1f}" if ratio >= 1 else f"{ratio:.2f}"

    return cell


def engine(record: dict[str, Any]) -> str:
    """The translators, and how near ours comes to the floors."""
    results = record["results"]
    keys = dict.fromkeys((result["beam"], result["batch"]) for result in results)
    cases = [(f"beam {beam}, {rows}" if beam > 1 else str(rows), {"beam": beam, "batch": rows}) for beam, rows in keys]
    floors = ", ".join(
        f"{found['share']:.0%} at {rows.replace('_', ' ')}"
        for rows, found in record["floor"].items()
        if "batch" in rows
    )
    return (
        table("sentences in a batch", results, cases, times("ms_a_sentence"))
        + "\n\nA decoder step is as fast as what bounds it, reading the weights or multiplying by them, to this share: "
        + f"{floors}."
    )


def sentiment(record: dict[str, Any]) -> str:
    """The classifiers."""
    keys = dict.fromkeys((result["batch"], result["tokens"]) for result in record["results"])
    cases = [
        (f"{tokens}, batch {rows}" if rows > 1 else str(tokens), {"batch": rows, "tokens": tokens})
        for rows, tokens in keys
    ]
    return table("tokens in a text", record["results"], cases, times("ms_a_text"))


def service(record: dict[str, Any]) -> str:
    """Requests a second, and how long one in a hundred waits or longer."""
    cases = [
        (f"{n} clients" if n > 1 else "1 client", {"clients": n})
        for n in dict.fromkeys(r["clients"] for r in record["results"])
    ]
    rates = table(
        "requests a second; p50, p99 in ms",
        record["results"],
        cases,
        lambda r: f"{r['requests_a_second']:.3g}; {r['p50_ms']:.0f}, {r['p99_ms']:.0f}",
    )
    upkeep = "; ".join(
        f"{kept['contender']}: {kept['seconds_to_first_answer']:.1f} s, {kept['mb_at_first']} MB, {kept['mb_after']} MB"
        for kept in record["upkeep"]
    )
    return f"{rates}\n\nFrom the start to the first answer, memory then, and after all these requests: {upkeep}."


def training_speed(record: dict[str, Any]) -> str:
    """Target tokens a second."""
    return table(
        "training",
        record["results"],
        [("target tokens a second", {})],
        lambda result: str(result["target_tokens_a_second"]),
    )


PARTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "engine": engine,
    "sentiment": sentiment,
    "service": service,
    "training_speed": training_speed,
}


def report(folder: Path = RESULTS) -> dict[str, str]:
    """Benchmark -> its table, and where, when and on what it was made: what the README has of it."""
    found = {}
    for name, tell in PARTS.items():
        record = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        made = (
            f"(`benchmarks/results/{name}.json`: {record['machine']}, load {record['load']}, commit {record['commit']})"
        )
        found[name] = f"{tell(record)}\n\n{made}"
    return found


def put(readme: str, name: str, part: str) -> str:
    """The README with this part in place of its own: from the first line, but for its cells, to the last one.

    Raises ValueError when the README has no such part.
    """
    corner = re.escape(part.split("|", 2)[1])
    old = re.compile(rf"^\|{corner}\|.*?^\(`benchmarks/results/{name}\.json`[^\n]*", re.MULTILINE | re.DOTALL)
    if not old.search(readme):
        raise ValueError(f"the README has no table of {name} that begins with |{corner}|")
    return old.sub(lambda _: part, readme)


def main() -> None:
    """Print, and write the README."""
    path = ROOT / "README.md"
    readme = path.read_text(encoding="utf-8")
    for name, part in report().items():
        print(part, end="\n\n")
        readme = put(readme, name, part)
    path.write_text(readme, encoding="utf-8")


if __name__ == "__main__":
    main()
