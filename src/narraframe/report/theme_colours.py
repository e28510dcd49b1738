"""Colours of themes on a drawn map: themes that touch get colours that differ most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

# Points of a theme that stand for all when distances are taken: more change nothing that is seen.
_SAMPLED = 60
# Stray points do not make two themes neighbours: so much of the distances may be shorter.
_STRAY = 0.02
# What a like colour costs however far away, beside 1 where themes touch.
_ANYWHERE = 0.1

Floats = NDArray[np.float64]


def theme_colours(
    points: Mapping[int, Floats], colours: Sequence[str], *, reach: float
) -> dict[int, str]:
    """Give each theme, in the order given, the colour least like those of the themes around it.

    A colour is used twice where there is none left, or what is left is too like the neighbours'.

    Parameters
    ----------
    points : mapping of int to float array of shape (n, 2)
        Places of each theme's posts, the theme that is to choose first first.
    colours : sequence of str
        "#rrggbb".
    reach : float
        Distance at which a neighbour matters about a third as much as one that touches.

    Returns
    -------
    dict of int to str
    """
    rng = np.random.default_rng(0)
    sampled = {
        theme: rng.permutation(own)[:_SAMPLED] if len(own) > _SAMPLED else own
        for theme, own in points.items()
    }
    likeness = _likeness(colours)
    given: dict[int, int] = {}
    for theme, own in sampled.items():
        clash = np.zeros(len(colours))
        for other, colour in given.items():
            near = float(np.exp(-_apart(own, sampled[other]) / reach))
            clash += (near + _ANYWHERE) * likeness[colour]
        given[theme] = int(np.argmin(clash.round(6)))
    return {theme: colours[colour] for theme, colour in given.items()}


def _apart(one: Floats, other: Floats) -> float:
    steps = one[:, None, :] - other[None, :, :]
    return float(np.quantile(np.hypot(steps[..., 0], steps[..., 1]), _STRAY))


def _likeness(colours: Sequence[str]) -> Floats:
    """Return how alike each two colours are (c, c): 1 = the same, near 0 = far apart."""
    seen = np.array([_oklab(colour) for colour in colours])
    apart = np.linalg.norm(seen[:, None] - seen[None, :], axis=-1)
    return np.asarray(np.exp(-apart / 0.1), dtype=np.float64)


def _oklab(colour: str) -> Floats:
    """Return a colour where distances are as they are seen.

    References
    ----------
    Ottosson (2020), A perceptual color space for image processing.
    """
    rgb = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    cones = np.cbrt(
        np.array(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ]
        )
        @ linear
    )
    lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return np.asarray(lab @ cones, dtype=np.float64)
