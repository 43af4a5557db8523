"""SSIMULACRA 2 as a loss: the metric's weighted sum of 108 terms, differentiable.

After J. Sneyers, cloudinary/ssimulacra2, 2022. Both pictures go to XYB (cube roots of linear light) at six scales, each
half of the one before. At each scale three maps say how they differ: SSIM, edges that only the copy has (ringing), and
edges that it lacks (blur). The mean and the 4-norm of each map, for each of three planes, make 3 x 6 x 3 x 2 terms. The
metric's score is a falling polynomial of their weighted sum, which is what we minimise.

Borders are mirrored on all sides. The metric pads with zeros above and below, which would blind it to the edges of
crops.
"""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIGMA, RADIUS = 1.5, 5  # of the Gaussian window, in pixels
SMALLEST = 8  # pixels a side; the metric stops at smaller scales
C2 = 0.0009  # SSIM's, keeps the denominator away from 0
OPSIN = (  # linear RGB -> responses of the three kinds of cones, before the cube root
    (0.30, 0.622, 0.078),
    (0.23, 0.692, 0.078),
    (0.24342268924547819, 0.20476744424496821, 0.5518098665095536),
)
OPSIN_BIAS = 0.0037930732552754493
FLOOR = 1e-20  # added to the mean of fourth powers: the slope of a fourth root is infinite at 0

# WEIGHTS[scale][plane] = (norm 1: SSIM, ringing, blur; norm 4: SSIM, ringing, blur). Planes: 0 X, 1 Y, 2 B - Y.
# The metric's other weights sum to 0.02 and are left out with their planes, among them all of the sixth scale.
WEIGHTS: tuple[dict[int, tuple[float, ...]], ...] = (
    {1: (0.0, 0.0, 0.0, 7.466890328078848, 0.0, 17.445833984131262)},
    {
        0: (0.0, 0.0, 0.0, 1.1041726426657346, 0.0, 0.0),
        1: (0.0, 0.0, 0.0, 6.683678146179332, 0.0, 1.027889937768264),
    },
    {
        0: (0.0, 0.0, 0.0, 1.8422455520539298, 11.441172603757666, 0.0),
        1: (225.20515300849274, 0.0, 0.0, 19.213238186143016, 0.0, 0.0),
    },
    {
        0: (0.0, 0.0, 0.0, 1.8787594979546387, 10.94906990605142, 0.0),
        1: (176.39317598450694, 0.0, 0.0, 24.43300999870476, 0.28520802612117757, 0.0),
        2: (0.0, 0.0, 0.0, 8.826982764996862, 23.19243343998926, 0.0),
    },
    {
        0: (0.0, 0.9677937080626833, 0.0, 0.0, 0.9981766977854967, 0.0),
        1: (0.0, 0.0, 0.0, 34.77906344483772, 44.835625328877896, 0.0),
        2: (95.1080498811086, 0.9863978034400682, 0.9834382792465353, 0.0, 171.2667255897307, 0.9807858872435379),
    },
)


class SSIMULACRA2(nn.Module):
    """The weighted sum (B,) for a picture x and its copy y, 0 where they are equal.

    ``forward(x, y)``: RGB (B, 3, H, W) in [0, 1], sides of 16 or more.
    """

    opsin: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("opsin", torch.tensor(OPSIN)[:, :, None, None], persistent=False)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        x, y = linear_light(x), linear_light(y)
        total = x.new_zeros(len(x))
        for scale, weights in enumerate(WEIGHTS):
            if min(x.shape[2:]) < SMALLEST:
                break
            if scale:
                x, y = halved(x), halved(y)
            planes = list(weights)
            terms = difference(self.xyb(x)[:, planes], self.xyb(y)[:, planes])  # (B, planes, 6)
            total = total + (terms * x.new_tensor([weights[plane] for plane in planes])).sum((1, 2))
        return total

    def xyb(self, linear: Tensor) -> Tensor:
        """Convert linear RGB to X, Y and B - Y, scaled and shifted to be positive, (B, 3, H, W)."""
        cones = F.conv2d(linear, self.opsin).clamp(min=0.0) + OPSIN_BIAS
        long, medium, short = (cones.pow(1 / 3) - OPSIN_BIAS ** (1 / 3)).unbind(1)
        y = 0.5 * (long + medium)
        return torch.stack([14.0 * 0.5 * (long - medium) + 0.42, y + 0.01, short - y + 0.55], 1)


def score(total: Tensor) -> Tensor:
    """Return the score of a weighted sum: 100 for equal pictures, 90 and more if nobody sees a difference."""
    s = total * 0.9562382616834844
    s = 2.326765642916932 * s - 0.020884521182843837 * s**2 + 6.248496625763138e-05 * s**3
    return 100.0 - 10.0 * s.clamp(min=0.0) ** 0.6276336467831387


def linear_light(x: Tensor) -> Tensor:
    """Convert sRGB in [0, 1] to linear RGB (IEC 61966-2-1).

    Values outside of [0, 1] are clipped, with a gradient that brings them back.
    """
    x = x + (x.clamp(0.0, 1.0) - x).detach()
    return torch.where(x <= 0.04045, x / 12.92, ((x.clamp(min=0.04) + 0.055) / 1.055) ** 2.4)


def halved(x: Tensor) -> Tensor:
    """Return means of 2x2 pixels; where a side is odd, means of what is there."""
    return F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)


def difference(x: Tensor, y: Tensor) -> Tensor:
    """Return means and then 4-norms of SSIM, ringing and blur, (B, P, 6), of two pictures' planes (B, P, H, W)."""
    mean_x, mean_y = blur(x), blur(y)
    var_x, var_y = blur(x * x) - mean_x * mean_x, blur(y * y) - mean_y * mean_y
    covariance = blur(x * y) - mean_x * mean_y
    similarity = (1.0 - (mean_x - mean_y) ** 2) * (2.0 * covariance + C2) / (var_x + var_y + C2)
    edges = (1.0 + (y - mean_y).abs()) / (1.0 + (x - mean_x).abs()) - 1.0
    maps = torch.stack([F.relu(1.0 - similarity), F.relu(edges), F.relu(-edges)], 2)  # (B, P, 3, H, W)
    return torch.cat([maps.mean((3, 4)), (maps.pow(4).mean((3, 4)) + FLOOR) ** 0.25], 2)


def blur(x: Tensor) -> Tensor:
    """Apply the Gaussian window with mirrored borders.

    As products with two band matrices: twice as fast as convolutions on a CPU.
    """
    rows, columns = (band(side, x.device) for side in x.shape[2:])
    return rows @ x @ columns.t()


@cache
def band(side: int, device: torch.device) -> Tensor:
    """Return the window as a matrix (side, side): row i blurs to pixel i. Mirrored with the edge's pixel repeated."""
    offsets = torch.arange(-RADIUS, RADIUS + 1)
    window = torch.exp(-0.5 * (offsets / SIGMA) ** 2)
    rows = torch.arange(side)[:, None].expand(-1, len(offsets))
    columns = (rows + offsets) % (2 * side)
    columns = torch.where(columns < side, columns, 2 * side - 1 - columns)
    matrix = torch.zeros(side, side)
    matrix.index_put_((rows, columns), (window / window.sum()).expand_as(rows), accumulate=True)
    return matrix.to(device)
