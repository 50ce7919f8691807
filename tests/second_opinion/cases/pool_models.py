# SPDX-License-Identifier: Apache-2.0
"""Models and geometries that max_pool and avg_pool share."""

from ..builder import single
from ..lks_file import Model

# x: shape; k, s: kernel, stride; p: top bottom left right; clamp: y_min, y_max; run: the batch of the run.
GEOMETRY = (
    dict(x=(1, 4, 4, 3), k=(2, 2), s=(2, 2), run=3),
    dict(x=(1, 5, 6, 4), k=(3, 3), p=(1, 1, 1, 1), run=2),
    dict(x=(2, 5, 5, 1), k=(3, 3), s=(2, 2), p=(0, 1, 0, 1)),
    dict(x=(1, 1, 1, 15), k=(1, 1), run=4),
    dict(x=(1, 7, 7, 17), k=(7, 7), run=2),
    dict(x=(1, 3, 3, 2), k=(5, 4), p=(4, 4, 3, 3)),
    dict(x=(1, 2, 2, 16), k=(3, 5), p=(2, 1, 3, 4), s=(1, 2), clamp=(-50, 50)),
    dict(x=(1, 6, 9, 2), k=(2, 3), s=(3, 4), run=5),
    dict(x=(1, 6, 6, 3), k=(3, 3), p=(2, 0, 0, 2), clamp=(0, 127)),
    dict(x=(1, 3, 3, 2), k=(2, 2), s=(65535, 65535), p=(1, 1, 1, 1), clamp=(-128, -1)),
    dict(x=(1, 25, 5, 4), k=(25, 5), run=2),
    dict(x=(1, 4, 4, 2), k=(2, 2), p=(1, 1, 1, 1), clamp=(9, 9)),
)


def pool(kind: str, x, k, s=(1, 1), p=(0, 0, 0, 0), clamp=(-128, 127), **rounding) -> Model:
    oh = (x[1] + p[0] + p[1] - k[0]) // s[0] + 1
    ow = (x[2] + p[2] + p[3] - k[1]) // s[1] + 1
    return single(kind, x, (x[0], oh, ow, x[3]), kernel_h=k[0], kernel_w=k[1], stride_h=s[0], stride_w=s[1],
                  pad_top=p[0], pad_bottom=p[1], pad_left=p[2], pad_right=p[3],
                  y_min=clamp[0], y_max=clamp[1], **rounding)


def geometry(config: dict) -> dict:
    """The arguments of `pool` in a config."""
    return {key: value for key, value in config.items() if key != "run"}
