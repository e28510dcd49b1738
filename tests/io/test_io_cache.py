"""The embedding cache: exact, shared by writers, and whole after a crash or damage."""

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.errors import EncoderError, NarraframeError
from narraframe.io import cache as cache_module
from narraframe.io.cache import EmbeddingCache
from narraframe.io.segments import DamagedError, open_segment

NAME = "fake@0123456789ab"


def key(i):
    return hashlib.sha256(str(i).encode()).hexdigest()


def keys(*numbers):
    return [key(i) for i in numbers]


def vectors(*numbers, dimension=8):
    """The vector of i, different for each i."""
    rows = [np.random.default_rng(i).normal(size=dimension) for i in numbers]
    return np.array(rows, dtype=np.float32).reshape(len(numbers), dimension)


def filled(folder, *numbers):
    cache = EmbeddingCache(folder, NAME)
    cache.put(keys(*numbers), vectors(*numbers))
    return cache


def segments(folder):
    return sorted(folder.rglob("*.vectors"))


def run(code, *arguments, **options):
    """Start a process that has the helpers above."""
    prelude = (
        "import hashlib, sys, numpy as np\n"
        "from pathlib import Path\n"
        "from narraframe.io.cache import EmbeddingCache\n"
        "key = lambda i: hashlib.sha256(str(i).encode()).hexdigest()\n"
        "def vectors(*n, dimension=8):\n"
        "    rows = [np.random.default_rng(i).normal(size=dimension) for i in n]\n"
        "    return np.array(rows, dtype=np.float32)\n"
    )
    command = [sys.executable, "-c", prelude + textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)


# --- what goes in comes out ----------------------------------------------------------------------


def test_stored_vectors_come_back_exactly_also_in_a_later_run(tmp_path):
    for cache in (filled(tmp_path, 1, 2, 3), EmbeddingCache(tmp_path, NAME)):
        found = cache.get(keys(3, 1))
        assert set(found) == set(keys(3, 1))
        assert (found[key(3)] == vectors(3)[0]).all()
        assert (found[key(1)] == vectors(1)[0]).all()
        assert cache.faults == ()


def test_only_what_is_stored_is_returned(tmp_path):
    assert set(filled(tmp_path, 1, 2).get(keys(1, 9))) == {key(1)}


def test_an_empty_cache_returns_nothing_and_makes_no_folder(tmp_path):
    cache = EmbeddingCache(tmp_path / "cache", NAME)
    assert cache.get(keys(1)) == {}
    assert cache.get([]) == {}
    cache.put([], np.zeros((0, 8), dtype=np.float32))
    assert list(tmp_path.iterdir()) == []


def test_a_returned_vector_can_be_changed_without_harm_to_the_cache(tmp_path):
    cache = filled(tmp_path, 1)
    cache.get(keys(1))[key(1)][:] = 0
    assert (cache.get(keys(1))[key(1)] == vectors(1)[0]).all()


@given(st.lists(st.lists(st.integers(0, 30), max_size=6), max_size=6), st.sets(st.integers(0, 30)))
def test_the_cache_agrees_with_a_dictionary(tmp_path_factory, batches, wanted):
    folder = tmp_path_factory.mktemp("cache")
    cache, oracle = EmbeddingCache(folder, NAME), {}
    for batch in batches:
        cache.put(keys(*batch), vectors(*batch))
        oracle.update(zip(keys(*batch), vectors(*batch), strict=True))
    for one in (cache, EmbeddingCache(folder, NAME)):
        found = one.get(keys(*wanted))
        assert set(found) == set(keys(*wanted)) & set(oracle)
        assert all((vector == oracle[k]).all() for k, vector in found.items())


def test_keys_that_end_or_begin_with_zero_bytes_are_kept_apart(tmp_path):
    odd = ["00" * 32, "00" * 31 + "01", "01" + "00" * 31, "01" + "00" * 30 + "01"]
    cache = EmbeddingCache(tmp_path, NAME)
    cache.put(odd, vectors(0, 1, 2, 3))
    found = EmbeddingCache(tmp_path, NAME).get(odd)
    assert all((found[k] == vectors(i)[0]).all() for i, k in enumerate(odd))


def test_a_key_that_is_no_sha256_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="a key must be a sha256 in hex"):
        EmbeddingCache(tmp_path, NAME).put(["abc"], vectors(1))


def test_keys_and_vectors_must_be_as_many(tmp_path):
    with pytest.raises(ValueError, match=r"2 keys but vectors of shape \(1, 8\)"):
        EmbeddingCache(tmp_path, NAME).put(keys(1, 2), vectors(1))


# --- one encoder, one folder ---------------------------------------------------------------------


def test_encoders_do_not_see_each_others_vectors(tmp_path):
    filled(tmp_path, 1)
    assert EmbeddingCache(tmp_path, "org/fake@0123456789ab").get(keys(1)) == {}
    assert EmbeddingCache(tmp_path, "fake@ba9876543210").get(keys(1)) == {}


def test_an_encoder_name_with_a_slash_stays_inside_the_cache(tmp_path):
    cache = EmbeddingCache(tmp_path / "cache", "../org/fake@0123456789ab")
    cache.put(keys(1), vectors(1))
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_a_file_of_another_encoder_is_refused(tmp_path):
    filled(tmp_path, 1)
    other = EmbeddingCache(tmp_path, "other@0123456789ab")
    other.put(keys(2), vectors(2))
    [mine] = segments(tmp_path / NAME)
    mine.rename(other.folder / mine.name)
    with pytest.raises(EncoderError, match=r"another encoder than other@.*'fake@0123456789ab'"):
        EmbeddingCache(tmp_path, "other@0123456789ab")


def test_vectors_of_another_dimension_are_refused_and_not_written(tmp_path):
    cache = filled(tmp_path, 1)
    with pytest.raises(EncoderError, match=r"vectors have 5 dimensions, those stored .* have 8"):
        cache.put(keys(2), vectors(2, dimension=5))
    assert set(EmbeddingCache(tmp_path, NAME).get(keys(1, 2))) == {key(1)}


# --- several writers -----------------------------------------------------------------------------


def test_two_processes_writing_at_once_lose_nothing(tmp_path):
    code = """
        cache = EmbeddingCache(Path(sys.argv[1]), sys.argv[2])
        first = int(sys.argv[3])
        for start in range(first, first + 200):
            cache.put([key(start), key(start + 1)], vectors(start, start + 1))
    """
    # They overlap by half, and each merges segments several times on its way.
    writers = [run(code, tmp_path, NAME, first) for first in (0, 100)]
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    cache = EmbeddingCache(tmp_path, NAME)
    found = cache.get(keys(*range(301)))
    assert all((found[key(i)] == vectors(i)[0]).all() for i in range(301))
    assert cache.faults == ()
    assert len(segments(tmp_path)) <= 2 * 64


def test_a_reader_keeps_working_while_another_run_merges(tmp_path, monkeypatch):
    reader = filled(tmp_path, 1)
    monkeypatch.setattr(cache_module, "_MAX_SEGMENTS", 2)
    writer = EmbeddingCache(tmp_path, NAME)
    for i in range(2, 10):
        writer.put(keys(i), vectors(i))
    assert (reader.get(keys(1))[key(1)] == vectors(1)[0]).all()


def test_a_segment_that_vanishes_while_opening_is_looked_for_again(tmp_path, monkeypatch):
    filled(tmp_path, 1)
    [path] = segments(tmp_path)
    opened = []

    def merged_meanwhile(segment):
        opened.append(segment)
        if len(opened) == 1:
            path.rename(path.with_name("merged.vectors"))
        return open_segment(segment)

    monkeypatch.setattr(cache_module, "open_segment", merged_meanwhile)
    assert set(EmbeddingCache(tmp_path, NAME).get(keys(1))) == {key(1)}


def test_a_segment_that_another_run_merges_at_once_is_no_fault(tmp_path, monkeypatch):
    cache = filled(tmp_path, 1)

    def merged_at_once(segment):
        segment.rename(segment.with_name("merged.vectors"))
        return open_segment(segment)

    monkeypatch.setattr(cache_module, "open_segment", merged_at_once)
    cache.put(keys(2), vectors(2))
    monkeypatch.undo()
    assert set(EmbeddingCache(tmp_path, NAME).get(keys(1, 2))) == set(keys(1, 2))


# --- merging -------------------------------------------------------------------------------------


def test_many_small_segments_become_few_without_change_of_content(tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "_MAX_SEGMENTS", 8)
    monkeypatch.setattr(cache_module, "_BLOCK", 3)
    cache = EmbeddingCache(tmp_path, NAME)
    for i in range(100):
        cache.put(keys(i, i + 1), vectors(i, i + 1))
    assert len(segments(tmp_path)) <= 8
    for one in (cache, EmbeddingCache(tmp_path, NAME)):
        found = one.get(keys(*range(101)))
        assert all((found[key(i)] == vectors(i)[0]).all() for i in range(101))


def test_merging_does_not_pass_damage_on_as_sound(tmp_path, monkeypatch):
    filled(tmp_path, 1)
    [damaged] = segments(tmp_path)
    flip(damaged, -100)
    monkeypatch.setattr(cache_module, "_MAX_SEGMENTS", 2)
    cache = EmbeddingCache(tmp_path, NAME)
    for i in range(2, 10):
        cache.put(keys(i), vectors(i))
    assert set(cache.get(keys(*range(1, 10)))) == set(keys(*range(2, 10)))
    assert len(cache.faults) == 1


# --- crashes and damage --------------------------------------------------------------------------


def flip(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def test_a_writer_killed_at_any_moment_leaves_all_it_had_stored(tmp_path):
    code = """
        cache = EmbeddingCache(Path(sys.argv[1]), sys.argv[2])
        for i in range(100_000):
            cache.put([key(i)], vectors(i, dimension=50_000))
            print(i, flush=True)
    """
    for round_ in range(3):
        folder = tmp_path / str(round_)
        writer = run(code, folder, NAME)
        assert writer.stdout.readline() == "0\n"
        time.sleep(0.02 + 0.03 * round_)
        writer.send_signal(signal.SIGKILL)
        acknowledged = [0, *map(int, writer.communicate(timeout=30)[0].split())]
        cache = EmbeddingCache(folder, NAME)
        found = cache.get(keys(*acknowledged))
        assert all((found[key(i)] == vectors(i, dimension=50_000)[0]).all() for i in acknowledged)
        assert cache.faults == ()
        cache.put(keys(-1), vectors(7, dimension=50_000))


def test_a_half_written_file_is_ignored_and_later_removed(tmp_path):
    folder = filled(tmp_path, 1).folder
    [whole] = segments(tmp_path)
    half = folder / "abandoned.vectors.tmp"
    half.write_bytes(whole.read_bytes()[:200])
    assert EmbeddingCache(tmp_path, NAME).faults == ()
    assert half.exists()
    os.utime(half, (0, 0))
    assert EmbeddingCache(tmp_path, NAME).faults == ()
    assert not half.exists()


@given(data=st.data())
def test_a_segment_cut_anywhere_is_set_aside_and_rebuilt(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("cache")
    filled(folder, 1, 2)
    [path] = segments(folder)
    content = path.read_bytes()
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    cache = EmbeddingCache(folder, NAME)
    assert cache.get(keys(1, 2)) == {}
    assert len(cache.faults) == 1
    assert not path.exists()
    assert path.with_name(path.name + ".damaged").exists()
    cache.put(keys(1, 2), vectors(1, 2))
    again = EmbeddingCache(folder, NAME)
    assert set(again.get(keys(1, 2))) == set(keys(1, 2))
    assert again.faults == ()


@given(data=st.data())
def test_a_flipped_bit_anywhere_never_returns_a_wrong_vector(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("cache")
    filled(folder, 1, 2)
    [path] = segments(folder)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    cache = EmbeddingCache(folder, NAME)
    assert cache.get(keys(1, 2)) == {}
    assert len(cache.faults) == 1
    assert path.name in cache.faults[0]
    assert not path.exists()


def test_other_segments_are_not_touched_by_a_damaged_one(tmp_path):
    filled(tmp_path, 1)
    [damaged] = segments(tmp_path)
    filled(tmp_path, 1, 2)
    flip(damaged, -100)
    cache = EmbeddingCache(tmp_path, NAME)
    found = cache.get(keys(1, 2))
    assert set(found) == set(keys(1, 2))
    assert (found[key(1)] == vectors(1)[0]).all()


@pytest.mark.parametrize("content", [b"", b"\n", b"[]\n", b"{}\n", b"not a segment"])
def test_a_foreign_file_is_damaged(tmp_path, content):
    path = tmp_path / "a.vectors"
    path.write_bytes(content)
    with pytest.raises(DamagedError, match="its header cannot be read"):
        open_segment(path)


# --- a disk that refuses -------------------------------------------------------------------------


def test_a_full_disk_is_a_clear_error_and_loses_nothing(tmp_path):
    filled(tmp_path, 1)
    code = """
        import resource
        from narraframe.errors import NarraframeError
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))
        cache = EmbeddingCache(Path(sys.argv[1]), sys.argv[2])
        try:
            cache.put([key(i) for i in range(100)], vectors(*range(100)))
        except NarraframeError as error:
            print(error)
    """
    writer = run(code, tmp_path, NAME)
    message = writer.communicate(timeout=30)[0]
    assert "the embedding cache cannot be written: File too large. Free space, or name" in message
    cache = EmbeddingCache(tmp_path, NAME)
    assert set(cache.get(keys(*range(100)))) == {key(1)}
    assert cache.faults == ()
    assert [path.suffix for path in cache.folder.iterdir()] == [".vectors"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everywhere")
def test_a_cache_that_may_not_be_read_is_not_taken_for_an_empty_one(tmp_path):
    folder = filled(tmp_path, 1).folder
    folder.chmod(0)
    try:
        with pytest.raises(NarraframeError, match=r"cannot be read: .*another cache folder"):
            EmbeddingCache(tmp_path, NAME)
    finally:
        folder.chmod(0o755)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_cache_can_be_read(tmp_path):
    folder = filled(tmp_path, 1).folder
    folder.chmod(0o555)
    try:
        cache = EmbeddingCache(tmp_path, NAME)
        assert set(cache.get(keys(1))) == {key(1)}
        with pytest.raises(NarraframeError, match=r"cannot be written: .*another cache folder"):
            cache.put(keys(2), vectors(2))
    finally:
        folder.chmod(0o755)


def test_a_cache_folder_that_is_a_file_is_a_clear_error(tmp_path):
    (tmp_path / "cache").write_text("")
    with pytest.raises(NarraframeError, match=r"cannot be read: .*name another cache folder"):
        EmbeddingCache(tmp_path / "cache", NAME)
