from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from index_board import items, raw_vectors

from app.domain.errors import ArtifactRefused
from app.domain.item import Item
from app.index import clusters, snapshot, structures, whitening
from app.index.faiss_space import FaissSpace
from app.index.structures import Limits
from app.registry.store import Store


@pytest.mark.parametrize("limits", [Limits(), Limits(100, 10_000), Limits(100, 200)])
def test_what_is_read_answers_as_what_was_written(tmp_path: Path, limits: Limits) -> None:
    made = snapshot.build("encoder", items(600), raw_vectors(600).astype(np.float16), limits)
    made.write(tmp_path)
    read = snapshot.read(tmp_path)
    rows = np.arange(600, dtype=np.int32)
    spaces = [FaissSpace(one) for one in (made, read)]
    for space in spaces:
        space.claim(made.item_ids, rows, made.fingerprints)
    queries = spaces[0].project(raw_vectors(10, seed=3))
    for left, right in zip(spaces[0].search(queries, 20), spaces[1].search(queries, 20), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-6)
    np.testing.assert_array_equal(spaces[0].vectors(rows), spaces[1].vectors(rows))
    np.testing.assert_array_equal(spaces[0].clusters(rows), spaces[1].clusters(rows))
    assert [space.cluster_label(0) for space in spaces] == [made.labels[0]] * 2
    assert read.encoder == "encoder"


def test_workers_map_the_vectors_and_do_not_copy_them(tmp_path: Path) -> None:
    snapshot.build("encoder", items(600), raw_vectors(600).astype(np.float16)).write(tmp_path)
    vectors = snapshot.read(tmp_path).vectors
    assert not vectors.flags.writeable
    assert not vectors.flags.owndata


def test_a_published_snapshot_with_one_flipped_bit_is_refused(tmp_path: Path) -> None:
    made = snapshot.build("encoder", items(50), raw_vectors(50).astype(np.float16))
    store = Store(tmp_path)
    manifest = store.publish("space", made.write, {})
    path = store.open(manifest) / "index.faiss"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    snapshot.read(path.parent)  # FAISS itself sees nothing
    with pytest.raises(ArtifactRefused):
        store.open(manifest)


def test_the_same_catalogue_gives_the_same_space() -> None:
    raw = raw_vectors(300).astype(np.float16)
    first, second = (snapshot.build("encoder", items(300), raw) for _ in range(2))
    np.testing.assert_array_equal(first.vectors, second.vectors)
    np.testing.assert_array_equal(first.numbers, second.numbers)
    assert first.labels == second.labels


@pytest.mark.parametrize("n", [1, 2, 7, 30])
def test_a_tiny_catalogue_has_a_space(n: int) -> None:
    made = snapshot.build("encoder", items(n), raw_vectors(n).astype(np.float16))
    assert np.isfinite(made.vectors).all()
    assert len(made.labels) == min(n, 8)
    assert (made.numbers >= 0).all()


def test_items_with_one_text_are_one_text_for_the_clusters() -> None:
    raw = np.repeat(raw_vectors(5), 100, axis=0).astype(np.float16)
    made = snapshot.build("encoder", items(500), raw)
    assert len(made.labels) == 5
    assert len(set(made.numbers)) == 5


def test_structures_follow_the_size() -> None:
    sizes = (1, 50_000, 50_001, 500_000, 500_001)
    kinds = [structures.kind_for(n, Limits()) for n in sizes]
    assert kinds == ["exact", "exact", "ivf", "ivf", "rabitq"]


def test_the_number_of_clusters_grows_with_the_root() -> None:
    assert [clusters.n_clusters(n) for n in (0, 5, 100, 12_000, 1_000_000)] == [0, 5, 8, 77, 256]


def test_half_whitening_takes_the_root_of_the_spread_and_the_common_part() -> None:
    rng = np.random.default_rng(0)
    raw = (rng.normal(size=(50_000, 4)) * [8, 4, 2, 1] + 20).astype(np.float32)
    white = whitening.fit(raw)
    spread = ((raw - white.mean) @ white.matrix).std(axis=0)
    np.testing.assert_allclose(spread / spread[3], np.sqrt([8, 4, 2, 1]), rtol=0.02)
    assert abs(white.apply(raw).mean()) < 0.01


def test_one_item_is_left_about_as_it_is() -> None:
    raw = raw_vectors(1, width=384)
    np.testing.assert_allclose(whitening.fit(raw).apply(raw), raw, atol=1e-3)


@given(st.integers(1, 40))
def test_whitened_vectors_are_unit_vectors_or_nothing(n: int) -> None:
    raw = raw_vectors(n)
    raw[0, 0] = np.nan
    white = whitening.fit(raw_vectors(n)).apply(raw)
    assert np.isnan(white[0]).all()
    np.testing.assert_allclose(np.linalg.norm(white[1:], axis=1), 1, atol=1e-5)


def test_equal_embeddings_have_equal_fingerprints_and_others_do_not() -> None:
    raw = raw_vectors(1000).astype(np.float16)
    prints = snapshot.fingerprints(raw)
    np.testing.assert_array_equal(prints, snapshot.fingerprints(raw.copy()))
    assert len(set(prints)) == 1000
    assert (prints > 0).all()


def test_items_keep_their_places_in_the_snapshot() -> None:
    made = snapshot.build("encoder", [Item("b"), Item("a")], raw_vectors(2).astype(np.float16))
    assert made.item_ids == ["b", "a"]
