"""A small PatchTST: what a sequence of steps before an event adds to the random walk's odds.

Nie, Nguyen, Sinthong & Kalagnanam (2023), "A time series is worth 64 words": a channel is cut into
patches, each a token; every channel passes the same encoder by itself. Here the tokens of a channel
are averaged, the channels put side by side, and one linear head adds to ln p_null. The head begins
at zero, so training begins at the random walk.

Parameters and gradients are float32, what is published float64. Initial values and the order of
batches come from NumPy's generator, and JAX computes on one CPU thread: the same inputs give the
same bytes on the same kind of processor.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from es_physics.research.fitted import Fitted
from es_physics.research.rows import Floats, Rows, log_p, softmax

if TYPE_CHECKING:
    from types import ModuleType

CHANNELS, STEPS = 4, 40
PATCH, STRIDE = 8, 4
PATCHES = (STEPS - PATCH) // STRIDE + 1
LAYERS, HEADS, WIDTH = 2, 4, 64
HIDDEN = 2 * WIDTH
LEARNING_RATE, WEIGHT_DECAY = 1e-3, 0.01
BATCH, EPOCHS, SEED = 256, 20, 7

Parameters = Any
"""A tree of float32 arrays, as JAX maps over it."""


@dataclass(frozen=True)
class ChannelScale:
    """Median and interquartile range of each channel's known training values, float64[4]."""

    median: Floats
    iqr: Floats

    @classmethod
    def of(cls, sequences: Floats) -> ChannelScale:
        """Of float64[n, 4, 40]; a channel that is unknown or never varies becomes 0."""
        channels = sequences.transpose(1, 0, 2).reshape(CHANNELS, -1)
        known = [channel[~np.isnan(channel)] for channel in channels]
        quartiles = [np.quantile(x, [0.25, 0.5, 0.75]) if x.size else np.zeros(3) for x in known]
        low, median, high = np.array(quartiles).T
        return cls(median, high - low)

    def scaled(self, sequences: Floats) -> NDArray[np.float32]:
        """float32[n, 4, 40]: less the median, over the IQR; what is unknown is 0."""
        divisor = np.where(self.iqr > 0, self.iqr, np.inf)[:, None]
        values = (sequences - self.median[:, None]) / divisor
        return np.nan_to_num(values, nan=0.0).astype(np.float32)


@dataclass(frozen=True)
class PatchTST(Fitted):
    """A fitted model."""

    scale: ChannelScale
    parameters: Parameters

    @classmethod
    def fit(cls, train: Rows) -> PatchTST:
        """Minimise the weighted log loss by AdamW (Loshchilov & Hutter 2019).

        Batches are drawn without replacement in every epoch, and nothing stops early.
        """
        jax, optax = _packages()
        scale = ChannelScale.of(_sequences(train))
        x = scale.scaled(_sequences(train))
        log_null = log_p(train.p_null).astype(np.float32)
        weight = (train.weight / train.weight.mean()).astype(np.float32)
        rng = np.random.default_rng(SEED)
        parameters = initial_parameters(rng, len(train.classes))
        state = optax.adamw(LEARNING_RATE, weight_decay=WEIGHT_DECAY).init(parameters)
        step = _training_step()
        for _ in range(EPOCHS):
            order = rng.permutation(len(train))
            for begin in range(0, len(train), BATCH):
                rows = order[begin : begin + BATCH]
                # The last batch is filled up with events of no weight: one shape, compiled once.
                lacking = BATCH - len(rows)
                filled = np.pad(rows, (0, lacking))
                batch = (x[filled], log_null[filled], train.y[filled])
                of_batch = np.pad(weight[rows], (0, lacking)) / np.float32(len(rows))
                parameters, state = step(parameters, state, *batch, of_batch)
        return cls(scale, jax.device_get(parameters))

    def predict(self, rows: Rows) -> Floats:
        """[n, k]"""
        x = self.scale.scaled(_sequences(rows))
        added = np.zeros(rows.p_null.shape)
        for begin in range(0, len(x), BATCH):
            part = x[begin : begin + BATCH]
            filled = np.pad(part, ((0, BATCH - len(part)), (0, 0), (0, 0)))
            added[begin : begin + BATCH] = _compiled_logits()(self.parameters, filled)[: len(part)]
        return softmax(log_p(rows.p_null) + added)


def _sequences(rows: Rows) -> Floats:
    if rows.sequences is None:
        raise ValueError("a model of sequences was given rows without them")
    return rows.sequences


def initial_parameters(rng: np.random.Generator, classes: int) -> Parameters:
    """Weights uniform within 1/sqrt(inputs), biases 0, the head 0: float32."""

    def linear(inputs: int, outputs: int) -> dict[str, NDArray[np.float32]]:
        bound = 1 / np.sqrt(inputs)
        weights = rng.uniform(-bound, bound, (inputs, outputs)).astype(np.float32)
        return {"w": weights, "b": np.zeros(outputs, np.float32)}

    def norm() -> dict[str, NDArray[np.float32]]:
        return {"g": np.ones(WIDTH, np.float32), "b": np.zeros(WIDTH, np.float32)}

    def layer() -> dict[str, Any]:
        return {
            "qkv": linear(WIDTH, 3 * WIDTH),
            "out": linear(WIDTH, WIDTH),
            "up": linear(WIDTH, HIDDEN),
            "down": linear(HIDDEN, WIDTH),
            "norm_1": norm(),
            "norm_2": norm(),
        }

    return {
        "patch": linear(PATCH, WIDTH),
        "place": rng.normal(0, 0.02, (PATCHES, WIDTH)).astype(np.float32),
        "layers": [layer() for _ in range(LAYERS)],
        "norm": norm(),
        "head": {
            "w": np.zeros((CHANNELS * WIDTH, classes), np.float32),
            "b": np.zeros(classes, np.float32),
        },
    }


def logits(parameters: Parameters, x: Any) -> Any:
    """What is added to ln p_null, [n, k], of scaled sequences [n, 4, 40]."""
    jax, _ = _packages()
    tokens = _linear(parameters["patch"], _patches(x)) + parameters["place"]
    for layer in parameters["layers"]:
        tokens = tokens + _attention(layer, _normed(layer["norm_1"], tokens))
        hidden = jax.nn.gelu(_linear(layer["up"], _normed(layer["norm_2"], tokens)))
        tokens = tokens + _linear(layer["down"], hidden)
    pooled = _normed(parameters["norm"], tokens).mean(axis=1)
    return _linear(parameters["head"], pooled.reshape(-1, CHANNELS * WIDTH))


def _patches(x: Any) -> Any:
    """The patches of every channel by itself, [4 n, patches, 8], of [n, 4, 40]."""
    starts = np.arange(PATCHES)[:, None] * STRIDE + np.arange(PATCH)
    return x.reshape(-1, STEPS)[:, starts]


def _attention(layer: Parameters, tokens: Any) -> Any:
    """Scaled dot products between the patches of one channel; tokens [m, patches, width]."""
    jax, _ = _packages()
    split = _linear(layer["qkv"], tokens).reshape(*tokens.shape[:2], 3, HEADS, WIDTH // HEADS)
    q, k, v = (split[:, :, i] for i in range(3))
    scores = jax.numpy.einsum("mqhd,mkhd->mhqk", q, k) / np.float32(np.sqrt(WIDTH // HEADS))
    mixed = jax.numpy.einsum("mhqk,mkhd->mqhd", jax.nn.softmax(scores), v)
    return _linear(layer["out"], mixed.reshape(tokens.shape))


def _linear(of: Parameters, x: Any) -> Any:
    # As one flat product: XLA on a CPU takes three times as long over one more axis.
    flat = x.reshape(-1, x.shape[-1]) @ of["w"] + of["b"]
    return flat.reshape(*x.shape[:-1], -1)


def _normed(of: Parameters, x: Any) -> Any:
    jax, _ = _packages()
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    return centred * jax.lax.rsqrt(variance + np.float32(1e-5)) * of["g"] + of["b"]


@cache
def _packages() -> tuple[ModuleType, ModuleType]:
    """jax and optax. What decides on threads is read when jax first computes, and never again."""
    # Its compiler divides a sum among as many threads as there are processors.
    os.environ["PJRT_NPROC"] = "1"
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax
    import optax

    return jax, optax


@cache
def _training_step() -> Any:
    """One step of AdamW, compiled for batches of one shape."""
    jax, optax = _packages()
    optimizer = optax.adamw(LEARNING_RATE, weight_decay=WEIGHT_DECAY)

    def loss(parameters: Parameters, x: Any, log_null: Any, y: Any, weight: Any) -> Any:
        log_odds = jax.nn.log_softmax(log_null + logits(parameters, x))
        return -(weight * jax.numpy.take_along_axis(log_odds, y[:, None], axis=1)[:, 0]).sum()

    @jax.jit
    def step(parameters: Parameters, state: Any, *batch: Any) -> Any:
        gradients = jax.grad(loss)(parameters, *batch)
        updates, state = optimizer.update(gradients, state, parameters)
        return optax.apply_updates(parameters, updates), state

    return step


@cache
def _compiled_logits() -> Any:
    return _packages()[0].jit(logits)
