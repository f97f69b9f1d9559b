"""What the numbers of a study say, in words that follow from them alone, and whether theory and literature agree."""

from collections.abc import Iterator

import numpy as np

from training.cells import cell_class
from training.study.config import DrawnTask
from training.study.outcomes import NOTHING, Outcomes, difference, interval
from training.study.plots import TEXT_QUALITY, unclipped
from training.study.sequences import SEQUENCES

_FIRM = 200
"""The length at which the plain network is known to fail the adding problem, and an LSTM to solve it."""
_LOST = 1e-3
"""A gradient of which less is left is said to be lost."""
_GROWN = 1.05
"""A gradient of which more is left is said to have grown."""
_CHANCE = {"adding": "always 1: 0.167", "copy": "guessing: 12.5", "next_number": "at least 99 are wanted"}
"""What to hold a score against."""
_FEW = 5
"""Seeds; of fewer, an interval is so wide that it shows little."""


def findings(o: Outcomes) -> dict[str, list[str]]:
    """Under headings, a sentence or two on each question that the study has results for."""
    parts = {
        "What they remember": (_adding, _copying, _forget_bias),
        "What is left of a gradient": (_flow, _why, _clipping),
        "Texts, and the variants of the LSTM": (_ranks, _variants, _pace),
        "Numbers beyond those learnt from, and a network that learns only what reads it": (_beyond, _reservoir),
    }
    said = {heading: [sentence for part in some for sentence in part(o)] for heading, some in parts.items()}
    return {heading: sentences for heading, sentences in said.items() if sentences}


def _agrees(agreed: bool, source: str, otherwise: str) -> str:
    return f"as {source} has it" if agreed else f"**not** as {source} has it, {otherwise}"


def _adding(o: Outcomes) -> Iterator[str]:
    rnn, relu, lstm = o.plain("rnn"), o.plain("rnn_relu"), o.plain("lstm")
    for task in o.of_kind("adding"):
        for length in o.lengths(task):
            there = [name for name in (rnn, relu, lstm) if name and o.of(task, length, name)]
            told = [_solving(o, task, length, name) for name in there]
            if length == _FIRM and {rnn, lstm} <= set(there):
                agreed = o.fails(task, length, rnn or "") and o.solves(task, length, lstm or "")
                theory = "theory (Hochreiter & Schmidhuber 1997)"
                told.append(_agrees(agreed, theory, "by which the plain network fails and LSTM does not"))
            if length == _FIRM and relu in there:
                told.append(_identity(o, task, length, relu or ""))
            if told:
                yield f"Adding ({_named(o, task, length)}): {'; '.join(told)}."


def _identity(o: Outcomes, task: str, length: int, relu: str) -> str:
    """Whether the rectified network can what it was proposed for."""
    said = f"`{relu}`, begun as the identity, "
    if len(o.broken(task, length, relu)) == len(o.of(task, length, relu)):
        return said + (
            "**not** as Le et al. (2015) has it, who solve it with such a network: here it broke each time, so that "
            "what it can remember was not seen"
        )
    return said + _agrees(o.solves(task, length, relu), "Le et al. (2015)", "who solve it with such a network")


def _solving(o: Outcomes, task: str, length: int, name: str) -> str:
    """In how many seeds a member solves a task, and after how many updates, or how far from it the others are."""
    said = f"`{name}` solves {o.solved(task, length, name)}{_after(o, task, length, name)}"
    broken, quality = o.broken(task, length, name), o.quality(task, length, name)
    if quality and not o.solves(task, length, name):
        one = o.config.tasks[task]
        said += f" ({SEQUENCES[one.kind].quality} {interval(quality)}; {_CHANCE[one.kind]})"
    return said + (f" (broke {len(broken)} times, at update {', '.join(map(str, broken))})" if broken else "")


def _after(o: Outcomes, task: str, length: int, name: str) -> str:
    mean, half = interval(o.pace(task, length, name))
    spread = f" ± {half:,.0f}" if np.isfinite(half) else ""
    return f" after {mean:,.0f}{spread} updates" if np.isfinite(mean) else ""


def _named(o: Outcomes, task: str, length: int) -> str:
    """A task of drawn sequences, its length, and the rate at which it is learnt."""
    one = o.config.tasks[task]
    rate = f", rate {one.fit.rate:g}" if isinstance(one, DrawnTask) else ""
    return f"`{task}`, length {length}{rate}"


def _copying(o: Outcomes) -> Iterator[str]:
    for task in o.of_kind("copy"):
        for length in o.lengths(task):
            members = o.members(task)
            able = [name for name in members if o.solves(task, length, name)]
            unable = [name for name in members if o.fails(task, length, name)]
            some = [f"`{m}` {o.solved(task, length, m)}" for m in members if m not in (*able, *unable)]
            yield (
                f"Copy, {length} blanks: solved in every seed by {_names(able) or 'none'}; in some by "
                f"{', '.join(some) or 'none'}; in none by {_names(unable) or 'none'}."
            )


def _forget_bias(o: Outcomes) -> Iterator[str]:
    with_bias, without = o.plain("lstm"), o.plain("lstm_f0")
    if not with_bias or not without:
        return
    for task in o.of_kind("adding", "copy"):
        told, better, worse = [], [], []
        for length in o.lengths(task):
            pair = [o.values(task, length, name, "solved") for name in (with_bias, without)]
            if not all(pair):
                continue
            first, second = (f"{o.solved(task, length, m)}{_after(o, task, length, m)}" for m in (with_bias, without))
            told.append(f"length {length}: {first}, and {second}")
            kept, lost = map(sum, pair)
            better += [str(length)] * (kept > lost)
            worse += [str(length)] * (kept < lost)
        if told:
            verdict = [f"With the bias more seeds solve it at length {', '.join(better)}."] if better else []
            verdict += [f"Without it more seeds do at length {', '.join(worse)}."] if worse else []
            yield (
                f"Forget bias 1 and 0 (`{with_bias}`, `{without}`), {task} solved: {'; '.join(told)}. "
                f"{' '.join(verdict) or 'As many seeds do either way.'}"
            )


def _ranks(o: Outcomes) -> Iterator[str]:
    for task in o.of_kind(*TEXT_QUALITY):
        found = {name: o.quality(task, 0, name) for name in o.members(task)}
        order = sorted((name for name in found if found[name]), key=lambda name: -interval(found[name]).mean)
        if len(order) > 1:
            listed = ", ".join(f"`{name}` {interval(found[name])}" for name in order)
            near = [name for name in order[1:] if difference(found[name], found[order[0]]).is_noise]
            yield (
                f"Ranks, {task} ({TEXT_QUALITY[o.config.tasks[task].kind]}): {listed}. Within noise of the first: "
                f"{_names(near) or 'none'}."
            )
        yield from _plain_ahead(o, task)


def _plain_ahead(o: Outcomes, task: str) -> Iterator[str]:
    """Where the plain network reads texts better than an LSTM: which is not what gates are praised for."""
    rnn, lstm = (o.plain(cell) or "" for cell in ("rnn", "lstm"))
    gap = difference(o.quality(task, 0, rnn), o.quality(task, 0, lstm))
    if np.isfinite(gap.half) and not gap.is_noise and gap.mean > 0:
        gated = [name for name in map(o.plain, ("gru", "peephole", "coupled")) if name in o.members(task)]
        near = [n for n in gated if difference(o.quality(task, 0, n or ""), o.quality(task, 0, rnn)).is_noise]
        (plain, *_), (gates, *_) = (o.of(task, 0, name) for name in (rnn, lstm))
        yield (
            f"**Not** what gates are praised for, {task}: `{rnn}` is {gap} ahead of `{lstm}`; gated, and not to be "
            f"told apart from `{rnn}`: {_names([n for n in near if n]) or 'none'}. What is behind it was not tried. "
            f"It may be that {gates['updates']:,} updates are few, that `{rnn}` has {plain['hidden']} units for its "
            f"parameters and `{lstm}` {gates['hidden']}, and that what would have to be remembered is to be had by "
            "the short cut of attention or pooling."
        )


def _variants(o: Outcomes) -> Iterator[str]:
    lstm = o.plain("lstm")
    for cell in ("peephole", "coupled"):
        name, said, noise, seeds = o.plain(cell), [], [], []
        for task in o.of_kind(*TEXT_QUALITY) if lstm and name else []:
            pair = [o.quality(task, 0, one or "") for one in (name, lstm)]
            gap = difference(*pair)
            if np.isfinite(gap.half):
                said.append(f"{task} {gap.mean:+.3g} ± {gap.half:.2g}")
                noise.append(gap.is_noise)
                seeds.append(min(map(len, pair)))
        if said:
            verdict = _agrees(all(noise), "Greff et al. (2017)", "by whom the variants differ from LSTM by noise alone")
            weak = f"; with {min(seeds)} seeds that is weak evidence, since less than what stands behind ± is not seen"
            yield (
                f"`{name}` less `{lstm}`: {'; '.join(said)}: {'within noise, ' * all(noise)}{verdict}"
                f"{weak * (all(noise) and min(seeds) < _FEW)}."
            )
        # Told apart: they had tasks of speech, writing and music, and none that is made to need memory alone.
        for task in o.of_kind("adding") if lstm and name else []:
            length = o.lengths(task)[-1]
            there = [one for one in (name, lstm) if one and o.of(task, length, one)]
            if len(there) > 1:
                told = "; ".join(_solving(o, task, length, one) for one in there)
                yield f"Adding ({_named(o, task, length)}), of which Greff et al. say nothing: {told}."


def _flow(o: Outcomes) -> Iterator[str]:
    for task in o.of_kind("adding", "copy"):
        length = o.lengths(task)[-1]
        for when, said in (("first", "at initialisation"), ("last", "after training")):
            cells = (o.textbook("rnn"), *map(o.plain, ("rnn", "rnn_relu", "gru", "lstm")))
            left = {name: _left(o, task, length, name, when) for name in cells if name}
            left = {name: shares for name, shares in left.items() if shares}
            if left:
                listed = ", ".join(f"`{name}` {_ways(shares)}" for name, shares in left.items())
                grown = " (above 1: it has grown on its way)" if max(map(max, left.values())) > _GROWN else ""
                steps = max(int(o.flow(task, length, name, when)[0][-1]) for name in left)
                lost = _names([name for name, shares in left.items() if max(shares) < _LOST])
                yield (
                    f"Gradient flow ({_named(o, task, length)}), {said}: {steps} steps before the last, there is left: "
                    f"{listed} of it{grown}. Less than a thousandth: {lost or 'none'}."
                )


def _left(o: Outcomes, task: str, length: int, name: str, when: str) -> list[float]:
    """The shares of a gradient left at the first state: through h and, where there is a memory, along c."""
    shares = [o.flow(task, length, name, when, way)[1] for way in ("flow", "memory")]
    return [float(share[-1]) for share in shares if len(share)]


def _ways(shares: list[float]) -> str:
    through, *along = map(_power, shares)
    return through + "".join(f" (along c {share})" for share in along)


def _why(o: Outcomes) -> Iterator[str]:
    """What theory says of the two networks' flow, and why the plain one's is no worse before it has learnt."""
    rnn, lstm, textbook = o.plain("rnn"), o.plain("lstm"), o.textbook("rnn")
    for task in o.of_kind("adding", "copy") if rnn and lstm else []:
        length = o.lengths(task)[-1]
        first, last = ([_left(o, task, length, name or "", when) for name in (rnn, lstm)] for when in ("first", "last"))
        if all(last):
            agreed = max(last[0]) < _LOST <= max(last[1])
            theory = "theory (Hochreiter & Schmidhuber 1997; Pascanu et al. 2013)"
            yield (
                f"Flow after training ({_named(o, task, length)}): of `{rnn}`'s gradient {_ways(last[0])} is left, of "
                f"`{lstm}`'s {_ways(last[1])}: "
                + _agrees(
                    agreed, theory, f"by which the plain network loses it and LSTM does not{_solving_too(o, task, rnn)}"
                )
                + "."
            )
        if all(first) and first[0][0] >= first[1][0]:
            share = _left(o, task, length, textbook or "", "first")
            yield (
                f"Before training ({_named(o, task, length)}), `{rnn}` keeps as much as `{lstm}` or more: its U is "
                "orthogonal at first (training/cells.py), which turns a gradient and does not shrink it, so that only "
                "the slope of tanh takes from it; a gate is half open at first, or little more, and takes its share at "
                "each step"
                + (f". Begun as textbooks do, `{textbook}` has {_power(share[0])} left" if share else "")
                + "."
            )


def _solving_too(o: Outcomes, task: str, rnn: str | None) -> str:
    """That a network whose gradient is not lost has learnt, if so."""
    length = o.lengths(task)[-1]
    return f": but here `{rnn}` solves {o.solved(task, length, rnn)}" if rnn and o.pace(task, length, rnn) else ""


def _clipping(o: Outcomes) -> Iterator[str]:
    for task in o.tasks:
        for pair in unclipped(o, task):
            told = [
                (f"length {length}: " if length else "") + ", against ".join(_course(o, task, length, m) for m in pair)
                for length in o.lengths(task)
            ]
            yield f"Clipping, {task}, with it (`{pair[0]}`) and without (`{pair[1]}`): {'; '.join(told)}."
    if any(unclipped(o, task) for task in o.tasks):
        yield (
            "Clipping matters less here than under plain gradient descent: Adam (Kingma & Ba 2015), which trains all "
            "of these, divides by the size of past gradients, so that a large one makes no large step."
        )


def _course(o: Outcomes, task: str, length: int, name: str) -> str:
    """How the training of a member went."""
    found, broken = o.of(task, length, name), o.broken(task, length, name)
    largest = max((n for r in found for _, n in r["norms"]), default=float("nan"))
    said = []
    if o.values(task, length, name, "solved"):
        said.append(f"solved {o.solved(task, length, name)}{_after(o, task, length, name)}")
    if broken:
        said.append(f"broke {len(broken)} of {len(found)} (at update {', '.join(map(str, broken))})")
    return ", ".join([*said, f"largest norm {largest:.3g}"])


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
            kind = o.config.tasks[task].kind
            what = SEQUENCES[kind].quality if kind in SEQUENCES else TEXT_QUALITY[kind]
            chance = f" ({_CHANCE[kind]})" if kind in _CHANCE else ""
            yield (
                f"Echo state network, {task}{at}: {what} {interval(o.quality(task, length, name or ''))}{chance}, with "
                f"{trained:,} of {whole:,} parameters trained."
            )


def _pace(o: Outcomes) -> Iterator[str]:
    lstm = o.plain("lstm")
    for task in o.of_kind(*TEXT_QUALITY):
        paces = {name: max(o.values(task, 0, name, "tokens_per_second"), default=0.0) for name in o.members(task)}
        reference = paces.pop(lstm or "", 0.0)
        if reference and paces:
            ratios = {name: pace / reference for name, pace in paces.items()}
            listed = ", ".join(f"`{name}` {ratio:.2g}" for name, ratio in ratios.items())
            stepping = [m for m in o.members(task) if cell_class(o.config.members[m].cell).fused is None]
            note = f" {_names(stepping)} go step by step in Python, the others in torch's kernels." if stepping else ""
            yield f"Training tokens a second, {task}, as multiples of `{lstm}`'s: {listed}.{note}"


def _names(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _power(share: float) -> str:
    if share >= _LOST:
        return f"{share:.2g}"
    digit, power = f"{share:.0e}".split("e")
    return f"{digit}·10^{int(power)}" + (" or less" if share < 2 * NOTHING else "")
