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
    """Each block of 32 neighbours of a row by its value of largest magnitude, which becomes -8; rows: (n, width).

    Symmetric, as in llama.cpp's Q4_0 and onnxruntime's MatMulNBits.
    """
    count, width = rows.shape
    blocks = -(-width // BLOCK)
    padded = np.zeros((count, blocks * BLOCK), np.float32)
    padded[:, :width] = rows
    apart = padded.reshape(count, blocks, BLOCK)
    largest = np.take_along_axis(apart, np.abs(apart).argmax(-1)[..., None], -1)
    scales = (largest / np.float32(-8)).astype(np.float32)
    inverse = np.divide(1, scales, out=np.zeros_like(scales), where=scales != 0)
    levels = (np.rint(apart * inverse) + 8).clip(0, 15).astype(np.uint8)
    return FourBits(levels[..., 0::2] | (levels[..., 1::2] << 4), scales[..., 0])


def eight_bits(weight: Any) -> EightBits:
    """Each column by its largest magnitude; weight: (in, out) float32."""
    magnitude = np.maximum(np.abs(weight).max(axis=0), np.float32(1e-12))
    scales = (magnitude / np.float32(LEVELS)).astype(np.float32)
    return EightBits(np.rint(weight / scales).astype(np.int8), scales)
