"""Training of SASRec: optimizer of item vectors, sampled negatives, and initial vectors."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from model_export.algorithms.sasrec.data import strongest_dimensions
from model_export.algorithms.sasrec.sampled_softmax import Negatives
from tests.unit.model_export.networks import SMALL
from tests.unit.model_export.shops import interactions

torch = pytest.importorskip("torch", reason="make setup WITH=neural installs it")

from model_export.algorithms.sasrec.embedding_optimizer import BETAS, ItemVectors  # noqa: E402  needs torch
from model_export.algorithms.sasrec.sampled_softmax import SampledSoftmax  # noqa: E402
from model_export.algorithms.sasrec.training import HALVES, Batch, Network, _loss  # noqa: E402

BATCHES = ([1, 2], [2, 3], [1], [3], [2, 1])
"""Items of consecutive steps, without the fourth item."""


def test_item_vector_steps_equal_sparse_adam():
    torch.manual_seed(0)
    embedding = torch.nn.Embedding(5, 3, sparse=True)
    vectors = ItemVectors(embedding.weight.detach().clone())
    optimizer = torch.optim.SparseAdam(embedding.parameters(), lr=0.1, betas=BETAS)

    for items in BATCHES:
        touched = torch.tensor(sorted(items))
        optimizer.zero_grad()
        loss = embedding(touched).square().sum()
        loss.backward()
        optimizer.step()
        taken = vectors.of(touched)
        (gradient,) = torch.autograd.grad(taken.square().sum(), taken)
        vectors.step(touched, gradient, learning_rate=0.1, kept=0.9)

    torch.testing.assert_close(vectors.vectors, embedding.weight.detach())


def test_lazy_averages_of_item_vectors_equal_full_updates():
    torch.manual_seed(0)
    vectors = ItemVectors(torch.randn(5, 3))
    expected = vectors.vectors.clone()

    for step, items in enumerate(BATCHES, start=1):
        kept = min(0.9, step / (step + 1))
        touched = torch.tensor(sorted(items))
        vectors.step(touched, torch.randn(len(items), 3), learning_rate=0.1, kept=kept)
        expected = expected * kept + vectors.vectors * (1 - kept)

    torch.testing.assert_close(vectors.averaged(), expected)


def test_negatives_are_corrected_by_their_relative_probability():
    negatives = Negatives(interactions([[1, 1, 1, 2]], items=4), count=2, popular=0.5)

    # The probabilities are 0.5 * 1/4 + 0.5 * 3/4 for item 1, 0.5 * 1/4 + 0.5 * 1/4 for item 2, and 0.5 * 1/4 for items
    # 3 and 4.
    expected = [math.log(4 * 0.5), math.log(4 * 0.25), math.log(4 * 0.125), math.log(4 * 0.125)]
    np.testing.assert_allclose(negatives.corrections[1:], expected, rtol=1e-6)
    rng = np.random.default_rng(0)
    drawn = np.concatenate([negatives.draw(rng) for _ in range(5_000)])
    np.testing.assert_allclose(np.bincount(drawn, minlength=5) / 10_000, [0, 0.5, 0.25, 0.125, 0.125], atol=0.02)


def test_uniform_negatives_have_no_correction():
    assert (Negatives(interactions([[1, 1, 2]], items=3), count=2, popular=0.0).corrections == 0).all()


def test_small_catalogue_is_used_completely_as_negatives():
    negatives = Negatives(interactions([[1, 1, 2]], items=3), count=3, popular=0.5)

    assert negatives.draw(np.random.default_rng(0)).tolist() == [1, 2, 3]
    assert (negatives.corrections == 0).all()


def test_loss_and_gradients_equal_those_of_torch():
    torch.manual_seed(0)
    targets, others, weights = torch.arange(300) % 50, torch.arange(40), torch.rand(300)
    hidden, positives, negatives = (torch.randn(rows, 8, requires_grad=True) for rows in (300, 300, 40))
    corrections = torch.randn(40)

    loss = SampledSoftmax.apply(hidden, positives, negatives, corrections, (targets, others), weights)

    logits = (hidden @ negatives.T - corrections).masked_fill(targets[:, None] == others, -1e9)
    logits = torch.cat([(hidden * positives).sum(1, keepdim=True), logits], dim=1)
    expected = torch.nn.functional.cross_entropy(logits, torch.zeros(300, dtype=torch.long), reduction="none")
    expected = (expected * weights).sum()
    torch.testing.assert_close(loss, expected)
    leaves = hidden, positives, negatives
    torch.testing.assert_close(torch.autograd.grad(2 * loss, leaves), torch.autograd.grad(2 * expected, leaves))


def test_gradients_of_halves_add_up_to_those_of_the_batch():
    torch.manual_seed(0)
    network, vectors = Network(dataclasses.replace(SMALL, dropout=0.0)), torch.randn(10, 8, requires_grad=True)
    batch = Batch(
        inputs=torch.randint(10, (5, 4)), targets=torch.randint(10, (5, 4)), negatives=torch.arange(10),
        weights=torch.rand(5, 4), corrections=torch.zeros(10),
    )  # fmt: skip

    def gradients(rows):
        loss = _loss(network, vectors, batch, rows=rows, random=torch.Generator())
        return torch.autograd.grad(loss, [vectors, *network.parameters()])

    halves = [first + second for first, second in zip(*map(gradients, HALVES), strict=True)]
    torch.testing.assert_close(halves, list(gradients(slice(None))))


def test_strongest_dimensions_are_the_largest_absolute_eigenvalues():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(30, 30)) * (rng.random((30, 30)) < 0.3)
    matrix = values + values.T

    sparse: Any = sp.csr_array(matrix, dtype=np.float32)
    vectors, strength = strongest_dimensions(sparse, 5, rng)

    exact = np.sort(np.abs(np.linalg.eigvalsh(matrix)))[::-1][:5]
    np.testing.assert_allclose(strength, exact, rtol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(matrix @ vectors, axis=0), exact, rtol=1e-2)
