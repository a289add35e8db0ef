"""Weights in fewer bits, as onnxruntime's kernels read them."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
BLOCK = 32
# Kernels without VNNI add two products of an unsigned and a signed byte in 16 bits, which overflow silently:
# 2 * 255 * 64 is the most that fits. With it the answer is the same on every CPU; measured on the embedded model,
# 127 levels cost five times the error of these.
LEVELS = 64
# Scales tried for a block in 4 bits, as shares of the one that makes its largest value -8.
_SHARES = (1.0, 1.05, 0.95, 0.9, 0.85, -1.1, -1.0, -0.92)
# Values looked at together.
_AT_ONCE = 2**20


class FourBits(NamedTuple):
    """Rows in 4 bits: packed (rows, blocks, BLOCK / 2) uint8, two values a byte with the lower one first, offset 8;
    scales (rows, blocks) float32."""

    packed: NDArray[np.uint8]
    scales: Floats


class EightBits(NamedTuple):
    """levels (in, out) int8 in [-LEVELS, LEVELS]; scales (out,) float32."""

    levels: NDArray[np.int8]
    scales: Floats


def four_bits(rows: Any) -> FourBits:
    """Each block of 32 neighbours of a row by the best of a few scales; rows: (n, width) float32.

    Symmetric, as in llama.cpp's Q4_0 and onnxruntime's own quantiser, whose only scale makes the value of largest
    magnitude -8. To let it overshoot a little, or to turn its sign, often serves the other 31 better: 11 % less squared
    error on normal weights, and on the embedded model 99.2 instead of 98.1 % of next tokens as in float32.
    """
    count, width = rows.shape
    blocks = -(-width // BLOCK)
    packed = np.empty((count, blocks, BLOCK // 2), np.uint8)
    scales = np.empty((count, blocks), np.float32)
    step = max(1, _AT_ONCE // max(blocks * BLOCK, 1))
    for start in range(0, count, step):
        some = rows[start : start + step]
        padded = np.zeros((len(some), blocks * BLOCK), np.float32)
        padded[:, :width] = some
        levels, scale = _best_levels(padded.reshape(len(some), blocks, BLOCK))
        packed[start : start + step] = levels[..., 0::2] | (levels[..., 1::2] << 4)
        scales[start : start + step] = scale
    return FourBits(packed, scales)


def _best_levels(values: Floats) -> tuple[NDArray[np.uint8], Floats]:
    """Levels (..., BLOCK) in 0 to 15 and scales (...,) of least squared error; values: (..., BLOCK).

    To levels q belongs the scale (v . q) / (q . q), with the squared error |v|^2 - (v . q)^2 / (q . q): as llama.cpp's
    make_qx_quants finds them.
    """
    largest = np.take_along_axis(values, np.abs(values).argmax(-1)[..., None], -1)[..., 0]
    levels = np.full(values.shape, 8, np.uint8)
    scales, most = np.zeros_like(largest), np.zeros_like(largest)
    for share in _SHARES:
        tried = largest * np.float32(share / -8)
        inverse = np.divide(1, tried, out=np.zeros_like(tried), where=tried != 0)
        rounded = np.rint(values * inverse[..., None]).clip(-8, 7)
        along = np.einsum("...i,...i", values, rounded)
        length = np.maximum(np.einsum("...i,...i", rounded, rounded), 1)
        gain = along * along / length
        better = gain > most
        np.copyto(levels, (rounded + 8).astype(np.uint8), where=better[..., None])
        scales, most = np.where(better, along / length, scales), np.where(better, gain, most)
    return levels, scales


def eight_bits(weight: Any) -> EightBits:
    """Each column by its largest magnitude; weight: (in, out) float32."""
    magnitude = np.maximum(np.abs(weight).max(axis=0), np.float32(1e-12))
    scales = (magnitude / np.float32(LEVELS)).astype(np.float32)
    return EightBits(np.rint(weight / scales).astype(np.int8), scales)
