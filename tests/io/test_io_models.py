import json
import math
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skops.io

from narraframe.errors import ModelError
from narraframe.io.codebook import codebook_sha256
from narraframe.io.drift_reference import write_drift_reference
from narraframe.io.models import (
    Bundle,
    ModelRecord,
    load_bundle,
    quality_from_json,
    quality_json,
    save_bundle,
)
from narraframe.records import (
    Codebook,
    DriftReference,
    Estimate,
    Facet,
    Label,
    LabelQuality,
    Quality,
)

NAN = math.nan
BOOK = Codebook(
    "1.0.0",
    "Frames «тест»",
    (Facet("frame", "Frame"),),
    (Label("economic", "frame", "Economic"), Label("other", "frame", "Other", parent="economic")),
)
KNOWN = Estimate(0.5, 0.25, 0.75, 12)
UNKNOWN = Estimate(NAN, NAN, NAN, 0)
QUALITY = Quality(
    how="nested 5-fold cross-validation",
    n_posts=30,
    n_groups=25,
    micro_f1=KNOWN,
    macro_f1=Estimate(0.4, NAN, NAN, 12),
    calibration_error=KNOWN,
    labels=(
        LabelQuality("economic", 30, 9, 0.3, KNOWN, KNOWN, KNOWN, KNOWN),
        LabelQuality("other", 30, 0, NAN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
    ),
    undefined=("other",),
)


class Stranger:
    """A type of one's own, as an attacker would bring one."""

    def __init__(self):
        self.command = "remove everything"


def bundle() -> Bundle:
    return Bundle(
        record=ModelRecord(
            name="topics",
            encoder="mini@1",
            encoder_source="mini",
            codebook_version=BOOK.version,
            codebook_sha256=codebook_sha256(BOOK),
            languages=("en", "uk"),
            any_language=False,
            strange_languages=(),
            notes=("a note",),
            n_posts=30,
            n_groups=25,
            trained_at="2026-01-02T03:04:05+00:00",
            narraframe_version="0.1.0",
            experiment={"purpose": "Чому?", "seed": 0, "heads": {"features": "both"}},
        ),
        codebook=BOOK,
        parts={
            "label_ids": ["economic", "other"],
            "coefficients": np.arange(6, dtype=np.float32).reshape(3, 2),
            "thresholds": np.array([0.3, NAN]),
            "terms": [np.frombuffer(b"war\npeace", dtype=np.uint8)],
            "choices": [{"leaves": [0], "is_open": True}],
        },
        quality=QUALITY,
        seen=np.array([[7, 1], [3, 2], [7, 1]], dtype=np.uint64),
    )


@pytest.fixture
def folder(tmp_path):
    save_bundle(tmp_path / "bundle", bundle())
    return tmp_path / "bundle"


def equal(one: object, other: object) -> bool:
    """Compare records in which nan equals nan."""
    return repr(one) == repr(other)


def test_a_model_comes_back_as_it_was(folder):
    back = load_bundle(folder)
    assert back.record == bundle().record
    assert back.codebook == BOOK
    assert equal(back.quality, QUALITY)
    assert back.parts["label_ids"] == ["economic", "other"]
    assert back.parts["choices"] == [{"leaves": [0], "is_open": True}]
    np.testing.assert_array_equal(back.parts["coefficients"], bundle().parts["coefficients"])
    np.testing.assert_array_equal(back.parts["thresholds"], [0.3, NAN])
    assert bytes(back.parts["terms"][0]) == b"war\npeace"


def test_what_was_seen_is_kept_once_and_sorted(folder):
    np.testing.assert_array_equal(load_bundle(folder).seen, [[3, 2], [7, 1]])


def test_undefined_figures_are_null_in_the_file_and_nan_in_the_record():
    text = quality_json(QUALITY)
    assert "NaN" not in text
    assert json.loads(text)["labels"][1]["threshold"] is None
    back = quality_from_json(text)
    assert math.isnan(back.labels[1].threshold)
    assert math.isnan(back.labels[1].f1.value)
    assert math.isnan(back.macro_f1.low)
    assert (back.labels[1].f1.n, back.undefined) == (0, ("other",))


def test_quality_that_is_all_defined_comes_back_equal():
    defined = replace(QUALITY, macro_f1=KNOWN, labels=QUALITY.labels[:1], undefined=())
    assert quality_from_json(quality_json(defined)) == defined


def test_a_model_holds_no_pickle(folder):
    assert sorted(path.name for path in folder.iterdir()) == [
        "codebook.toml",
        "model.json",
        "parts.skops",
        "quality.json",
        "seen.npy",
        "sha256.json",
    ]
    with zipfile.ZipFile(folder / "parts.skops") as archive:
        assert not [name for name in archive.namelist() if name.endswith((".pkl", ".pickle"))]


NAMES = [
    "codebook.toml",
    "model.json",
    "parts.skops",
    "quality.json",
    "seen.npy",
    "sha256.json",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_part_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(ModelError, match=f"{name} is missing: this is no narraframe model"):
        load_bundle(folder)


def test_a_folder_that_is_not_there_is_no_model(tmp_path):
    with pytest.raises(ModelError, match=r"model\.json is missing.*narraframe train"):
        load_bundle(tmp_path / "none")


@pytest.mark.parametrize("damage", ["empty", "cut", "noise"])
@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_part_is_a_damaged_model(folder, name, damage):
    whole = (folder / name).read_bytes()
    cut = whole[: len(whole) // 3]
    (folder / name).write_bytes({"empty": b"", "cut": cut, "noise": b"\xff\x00{[" * 40}[damage])
    with pytest.raises(ModelError, match=r"bundle: is damaged|not the one it was trained with"):
        load_bundle(folder)


def test_a_record_of_another_kind_is_a_damaged_model(folder):
    data = json.loads((folder / "model.json").read_text())
    del data["encoder"]
    (folder / "model.json").write_text(json.dumps(data))
    with pytest.raises(ModelError, match=r"is damaged.*encoder"):
        load_bundle(folder)


def test_parts_of_a_type_that_is_not_trusted_are_refused_by_its_name(folder):
    skops.io.dump({"label_ids": ["economic"], "extra": Stranger()}, folder / "parts.skops")
    with pytest.raises(ModelError, match=r"types that are not trusted.*Stranger"):
        load_bundle(folder)


def test_a_function_among_the_parts_is_refused(folder):
    skops.io.dump({"run": Path.unlink}, folder / "parts.skops")
    with pytest.raises(ModelError, match=r"types that are not trusted.*unlink"):
        load_bundle(folder)


def test_pickled_arrays_are_never_loaded(folder):
    np.save(folder / "seen.npy", np.array([Stranger()], dtype=object), allow_pickle=True)
    with pytest.raises(ModelError, match=r"is damaged.*allow_pickle=False"):
        load_bundle(folder)


def test_a_codebook_that_was_altered_is_refused(folder):
    path = folder / "codebook.toml"
    path.write_text(path.read_text("utf-8").replace('"Economic"', '"Economy"'), "utf-8")
    with pytest.raises(ModelError, match=r"codebook\.toml is not the one it was trained with"):
        load_bundle(folder)


def test_a_comment_in_the_codebook_alters_nothing(folder):
    path = folder / "codebook.toml"
    path.write_text("# a note\n" + path.read_text("utf-8"), "utf-8")
    assert load_bundle(folder).codebook == BOOK


def test_a_codebook_that_contradicts_itself_is_a_damaged_model(folder):
    path = folder / "codebook.toml"
    path.write_text(path.read_text("utf-8").replace('parent = "economic"', 'parent = "none"'))
    with pytest.raises(ModelError, match=r"is damaged.*parent 'none'"):
        load_bundle(folder)


@pytest.mark.parametrize("name", ["quality.json", "seen.npy"])
def test_one_digit_changed_where_nothing_else_would_show_it_is_noticed(folder, name):
    path = folder / name
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ModelError, match="is damaged"):
        load_bundle(folder)


def test_the_digest_is_that_of_what_decides_the_scores(folder):
    loaded = load_bundle(folder)
    parts = dict(loaded.parts)
    assert replace(loaded, quality=replace(loaded.quality, n_posts=7)).digest == loaded.digest
    assert replace(loaded, parts=parts | {"more": [1.0]}).digest != loaded.digest
    assert len(loaded.digest) == 8


REFERENCE = DriftReference(
    encoder="mini@1",
    vectors=np.eye(3, 5, dtype=np.float32),
    languages=(("", 1), ("en", 2)),
    label_ids=("economic", "other"),
    n_decided=np.array([3, 2]),
    n_positive=np.array([1, 0]),
)


@pytest.fixture
def with_reference(tmp_path):
    save_bundle(tmp_path / "referring", replace(bundle(), reference=REFERENCE))
    return tmp_path / "referring"


def test_a_model_without_a_reference_of_its_training_posts_still_loads(folder):
    assert load_bundle(folder).reference is None


def test_the_reference_comes_back_and_changes_no_score(with_reference, folder):
    back = load_bundle(with_reference)
    assert equal(back.reference, REFERENCE)
    assert back.digest == load_bundle(folder).digest


def test_a_reference_holds_no_text_and_is_read_without_running_anything(with_reference):
    with np.load(with_reference / "reference.npz", allow_pickle=False) as arrays:
        assert {arrays[name].dtype.kind for name in arrays.files} <= set("fiU")


@pytest.mark.parametrize("damage", ["changed", "gone", "cut"])
def test_a_reference_that_is_not_the_one_of_the_training_is_told(with_reference, damage):
    path = with_reference / "reference.npz"
    if damage == "changed":
        write_drift_reference(with_reference, replace(REFERENCE, n_positive=np.array([2, 2])))
    elif damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ModelError, match="damaged"):
        load_bundle(with_reference)
