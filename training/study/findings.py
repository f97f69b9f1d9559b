"""What the numbers of a study say, in words that follow from them alone, and whether theory and literature agree."""

from collections.abc import Iterator

import numpy as np

from training.study.config import DrawnTask
from training.study.outcomes import NOTHING, Outcomes, difference, interval
from training.study.plots import TEXT_QUALITY, unclipped

_FIRM = 200
"""The length at which the plain network is known to fail the adding problem, and an LSTM to solve it."""
_LOST = 1e-3
"""A gradient of which less is left is said to be lost."""
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
            told = [f"`{name}` solves {_solved(o, task, length, name)}" for name in there]
            if length == _FIRM and {rnn, lstm} <= set(there):
                agreed = o.fails(task, length, rnn or "") and o.solves(task, length, lstm or "")
                theory = "theory (Hochreiter & Schmidhuber 1997)"
                told.append(_agrees(agreed, theory, "by which the plain network fails and LSTM does not"))
            if length == _FIRM and relu in there:
                agreed = o.solves(task, length, relu or "")
                told.append(
                    f"`{relu}`, begun as the identity, "
                    + _agrees(agreed, "Le et al. (2015)", "who solve it with such a network")
                )
            if told:
                yield f"Adding ({_named(o, task, length)}): {'; '.join(told)}."


def _solved(o: Outcomes, task: str, length: int, name: str) -> str:
    return f"{o.solved(task, length, name)} (mean squared error {interval(o.quality(task, length, name))})"


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
        (plain, *_), (gated, *_) = (o.of(task, 0, name) for name in (rnn, lstm))
        yield (
            f"**Not** what gates are praised for, {task}: `{rnn}` is {gap} ahead of `{lstm}`. For as many parameters "
            f"it has {plain['hidden']} units, and `{lstm}` {gated['hidden']}; {gated['updates']:,} updates are few; "
            "and pooling and attention are short cuts to what it would have to remember."
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
                told = ", ".join(f"`{one}` solves {_solved(o, task, length, one)}" for one in there)
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
                steps = max(int(o.flow(task, length, name, when)[0][-1]) for name in left)
                lost = _names([name for name, shares in left.items() if max(shares) < _LOST])
                yield (
                    f"Gradient flow ({_named(o, task, length)}), {said}: {steps} steps before the last, there is left: "
                    f"{listed} of it. Less than a thousandth: {lost or 'none'}."
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
                + _agrees(agreed, theory, "by which the plain network loses it and LSTM does not")
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


def _clipping(o: Outcomes) -> Iterator[str]:
    for task in o.tasks:
        length = o.lengths(task)[-1]
        for pair in unclipped(o, task):
            told = []
            for name in pair:
                found = o.of(task, length, name)
                worst = max((n for r in found for _, n in r["norms"]), default=float("nan"))
                broken = [f"{r['diverged']['norm']} at update {r['updates']}" for r in found if r["diverged"]]
                told.append(
                    f"`{name}`: largest norm {worst:.3g}, broken {len(broken)} of {len(found)}"
                    + (f" (by a norm of {', '.join(broken)})" if broken else "")
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
    for task in o.of_kind(*TEXT_QUALITY):
        paces = {name: max(o.values(task, 0, name, "tokens_per_second"), default=0.0) for name in o.members(task)}
        reference = paces.pop(lstm or "", 0.0)
        if reference and paces:
            ratios = {name: pace / reference for name, pace in paces.items()}
            listed = ", ".join(f"`{name}` {ratio:.2g}" for name, ratio in ratios.items())
            yield f"Training tokens a second, {task}, as multiples of `{lstm}`'s: {listed}."


def _names(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _power(share: float) -> str:
    if share >= _LOST:
        return f"{share:.2g}"
    return f"10^{np.log10(share):.0f}" + (" or less" if share < 2 * NOTHING else "")
