"""What the numbers of a study say, in words that follow from them alone, and whether theory and literature agree."""

from collections.abc import Iterator

import numpy as np

from training.study.outcomes import Outcomes, difference, interval
from training.study.plots import unclipped

_FIRM = 200
"""The length at which the plain network is known to fail the adding problem, and an LSTM to solve it."""
_LOST = 1e-3
"""A gradient of which less is left is said to be lost."""


def findings(o: Outcomes) -> list[str]:
    """A sentence or two on each question that the study has results for."""
    parts = (_adding, _copying, _forget_bias, _variants, _flow, _clipping, _beyond, _reservoir, _pace)
    return [sentence for part in parts for sentence in part(o)]


def _agrees(agreed: bool, source: str, otherwise: str) -> str:
    return f"as {source} has it" if agreed else f"**not** as {source} has it, {otherwise}"


def _adding(o: Outcomes) -> Iterator[str]:
    rnn, lstm = o.plain("rnn"), o.plain("lstm")
    for task in o.of_kind("adding"):
        lengths = [n for n in o.lengths(task) if rnn and lstm and o.of(task, n, rnn) and o.of(task, n, lstm)]
        for length in lengths:
            said = (
                f"Adding, length {length}: `{rnn}` solves {o.solved(task, length, rnn or '')} (mean squared error "
                f"{interval(o.quality(task, length, rnn or ''))}), `{lstm}` {o.solved(task, length, lstm or '')} "
                f"({interval(o.quality(task, length, lstm or ''))})"
            )
            if length >= _FIRM:
                agreed = o.fails(task, length, rnn or "") and o.solves(task, length, lstm or "")
                said += ": " + _agrees(
                    agreed,
                    "theory (Hochreiter & Schmidhuber 1997)",
                    "by which the plain network fails and LSTM does not",
                )
            yield said + "."
        relu = o.plain("rnn_relu")
        if lengths and relu and o.of(task, lengths[-1], relu):
            yield (
                f"Adding, length {lengths[-1]}: begun as the identity (Le et al. 2015), the rectified plain network "
                f"solves {o.solved(task, lengths[-1], relu)} (mean squared error "
                f"{interval(o.quality(task, lengths[-1], relu))})."
            )


def _copying(o: Outcomes) -> Iterator[str]:
    for task in o.of_kind("copy"):
        for length in o.lengths(task):
            members = o.members(task)
            able = [name for name in members if o.solves(task, length, name)]
            unable = [name for name in members if o.fails(task, length, name)]
            yield (
                f"Copy, {length} blanks: {_names(able) or 'none'} in every seed, {_names(unable) or 'none'} in no seed "
                f"say 99 % of the symbols right."
            )


def _forget_bias(o: Outcomes) -> Iterator[str]:
    with_bias, without = o.plain("lstm"), o.plain("lstm_f0")
    if not with_bias or not without:
        return
    for task in o.of_kind("adding", "copy"):
        for length in o.lengths(task):
            pair = [o.values(task, length, name, "updates") for name in (with_bias, without)]
            if not all(pair):
                continue
            told = [
                f"`{name}` solves {o.solved(task, length, name)} and stops after {interval(updates)} updates"
                for name, updates in zip((with_bias, without), pair, strict=True)
            ]
            yield f"Forget bias 1 and 0, {task}, length {length}: {'; '.join(told)}."


def _variants(o: Outcomes) -> Iterator[str]:
    lstm = o.plain("lstm")
    for cell in ("peephole", "coupled"):
        name, said, noise = o.plain(cell), [], []
        for task in o.of_kind("sentiment", "translation", "adding") if lstm and name else []:
            length = o.lengths(task)[-1]
            gap = difference(o.quality(task, length, name or ""), o.quality(task, length, lstm or ""))
            if np.isfinite(gap.half):
                said.append(f"{task} {gap.mean:+.3g} ± {gap.half:.2g}")
                noise.append(gap.is_noise)
        if said:
            verdict = _agrees(all(noise), "Greff et al. (2017)", "by whom the variants differ from LSTM by noise alone")
            yield f"`{name}` less `{lstm}`: {'; '.join(said)}: {'within noise, ' * all(noise)}{verdict}."


def _flow(o: Outcomes) -> Iterator[str]:
    for task in o.of_kind("adding", "copy"):
        length = o.lengths(task)[-1]
        for when, said in (("first", "at initialisation"), ("last", "after training")):
            left = {}
            for name in filter(None, map(o.plain, ("rnn", "rnn_relu", "gru", "lstm"))):
                distance, share = o.flow(task, length, name, when)
                if len(share):
                    left[name] = (int(distance[-1]), float(share[-1]))
            if left:
                listed = ", ".join(f"`{name}` {_power(share)}" for name, (_, share) in left.items())
                steps = next(iter(left.values()))[0]
                lost = _names([name for name, (_, share) in left.items() if share < _LOST])
                yield (
                    f"Gradient flow, {task}, length {length}, {said}: {steps} steps before the last, there is left: "
                    f"{listed} of it. Less than a thousandth: {lost or 'none'}."
                )


def _clipping(o: Outcomes) -> Iterator[str]:
    for task in o.tasks:
        length = o.lengths(task)[-1]
        for pair in unclipped(o, task):
            told = []
            for name in pair:
                found = o.of(task, length, name)
                worst = max((n for r in found for _, n in r["norms"]), default=float("nan"))
                broken = sum(bool(r["diverged"]) for r in found)
                told.append(
                    f"`{name}`: largest norm {worst:.3g}, broken {broken} of {len(found)}"
                    + (f", solved {o.solved(task, length, name)}" if o.values(task, length, name, "solved") else "")
                )
            where = f", length {length}" if length else ""
            yield f"Clipping, {task}{where}: {'; '.join(told)}."


def _beyond(o: Outcomes) -> Iterator[str]:
    for task in o.of_kind("next_number"):
        length = o.lengths(task)[-1]
        inside, far, able = [], [], []
        for name in o.members(task):
            errors = [r["errors"] for r in o.of(task, length, name)]
            inside.append(np.mean([e[low] for e in errors for low in ("0", "50")]))
            far.append(np.mean([e[low] for e in errors for low in ("200", "250")]))
            if far[-1] < 0.5:
                able.append(name)
        yield (
            f"Next number: within the range that is learnt from the answers are {min(inside):.2g} to {max(inside):.2g} "
            f"off in the mean; a hundred beyond it {min(far):.2g} to {max(far):.2g}. There, still right when rounded: "
            f"{_names(able) or 'none'}."
        )


def _reservoir(o: Outcomes) -> Iterator[str]:
    name = next((name for name, m in o.config.members.items() if m.cell == "esn"), None)
    for task in o.tasks if name else []:
        length = o.lengths(task)[-1]
        found = o.of(task, length, name or "")
        if found:
            trained, whole = found[0]["trained"], found[0]["parameters"]
            at = f", length {length}" if length else ""
            yield (
                f"Echo state network, {task}{at}: {interval(o.quality(task, length, name or ''))}, with {trained:,} of "
                f"{whole:,} parameters trained."
            )


def _pace(o: Outcomes) -> Iterator[str]:
    lstm = o.plain("lstm")
    for task in o.of_kind("sentiment", "translation"):
        reference = interval(o.values(task, 0, lstm or "", "tokens_per_second")).mean
        ratios = {
            name: interval(o.values(task, 0, name, "tokens_per_second")).mean / reference
            for name in o.members(task)
            if name != lstm
        }
        if lstm and ratios:
            listed = ", ".join(f"`{name}` {ratio:.2g}" for name, ratio in ratios.items())
            yield f"Training tokens a second, {task}, as multiples of `{lstm}`'s: {listed}."


def _names(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _power(share: float) -> str:
    return f"{share:.2g}" if share >= _LOST else f"10^{np.log10(share):.0f}"
