"""What training texts go through, anew each time that they are seen: so that a model copes with how people write."""

from dataclasses import dataclass, fields

import numpy as np

Pair = tuple[str, str]
_STOPS = ".!?…"


@dataclass(frozen=True)
class NoiseConfig:
    """Shares of the training rows, 0 to 1; 0 leaves the rows as they are."""

    lower: float = 0.0
    """Sources in small letters; what they are to become keeps its own."""
    unpunctuated: float = 0.0
    """Sources without the mark at their end; a translation loses its own too."""
    subword_dropout: float = 0.0
    """For BPE, the share of merges that are left out (BPE-dropout, Provilkov et al. 2020); for a unigram model, the
    smoothing of the distribution that segmentations are drawn from (Kudo 2018, section 3.3)."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if not 0 <= getattr(self, field.name) <= 1:
                raise ValueError(f"{field.name} is {getattr(self, field.name)}: give 0 to 1")


def disturb(config: NoiseConfig, row: Pair, rng: np.random.Generator) -> Pair:
    """A pair of source and translation, with the noise that `rng` draws for it."""
    source, target = row
    lower, unpunctuated = rng.random(2)
    if unpunctuated < config.unpunctuated and source.rstrip(_STOPS):
        source, target = source.rstrip(_STOPS), target.rstrip(_STOPS) or target
    if lower < config.lower:
        source = source.lower()
    return source, target
