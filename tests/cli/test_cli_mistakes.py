"""Mistakes that users make, one a row: what was done, the command, and what they are told.

Every mistake ends in one line on standard error and a code, never in a traceback, and leaves the
workspace as it was.
"""

import gzip
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from mistakes_workspace import (
    BUNDLE,
    CACHE,
    CODEBOOK,
    EXPERIMENT,
    Step,
    annotations,
    cut,
    damaged_weights,
    disk_of,
    drop,
    encode_by_hashing,
    everything,
    flip,
    jsonl,
    labelled_posts,
    make_workspace,
    no_champion,
    nothing,
    opened_store,
    other_encoder,
    put,
    read_only,
    real_encoder,
    steps,
    swap,
    typed,
)

from narraframe.cli import run
from narraframe.workflows.init import init

SETTINGS, X = "narraframe.toml", "experiments/x.toml"
SCORE = "score new.jsonl -o out.csv --model models:/topics@champion"
EVALUATE = "evaluate --model models:/topics@champion --labelled"
TRAIN = "train --experiment experiments/topics.toml"
TRAIN_X = f"train --experiment {X}"
REPORT = "report data/posts.parquet -o out.html"
DUMB = jsonl({"id": 1, "text": "", "media": "photo"}, {"id": 2, "text": "", "media": "photo"})
BROKEN = jsonl({"id": 1, "text": "A fine day in the fields."}) + '{"id": 2, "te\n'
TWICE = jsonl({"id": 1, "text": "The first of two."}, {"id": 1, "text": "The second post."})
PLAIN = jsonl({"id": 1, "text": "No labels here."}, {"id": 2, "text": "Nor are any here."})
STRANGE = jsonl({"id": 1, "text": "Of another topic.", "labels": ["farmin", "sport"]})
PACKED = gzip.compress(jsonl(*labelled_posts()).encode())


def experiment(old: str, new: str) -> Step:
    """Write an experiment in which one passage is another."""
    assert old in EXPERIMENT
    return put(X, EXPERIMENT.replace(old, new, 1))


def labelled(**changes: object) -> Step:
    """Write posts of which each has these values."""
    return put("made.jsonl", jsonl(*({**post, **changes} for post in labelled_posts())))


def demo_was_here(patch: pytest.MonkeyPatch) -> None:
    """Lay out what an earlier demo left."""
    init(Path("demo"), model="sample")


def table_of_something_else(patch: pytest.MonkeyPatch) -> None:
    """Write a Parquet file that holds no posts."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"price": [1, 2], "shop": ["a", "b"]}), "made.parquet")


def vectors_of_another_length(patch: pytest.MonkeyPatch) -> None:
    """Let the cache hold vectors of the same encoder in 64 dimensions."""
    import numpy as np

    from narraframe.io.cache import EmbeddingCache

    drop("data/cache")(patch)
    cache = EmbeddingCache(Path("data/cache"), "hashing-256@1")
    cache.put(["0" * 64], np.ones((1, 64), dtype=np.float32))


def vectors_of_another_encoder(patch: pytest.MonkeyPatch) -> None:
    """Let the cache hold a file of another encoder under the name of this one."""
    vectors_of_another_length(patch)
    swapped = next(Path("data/cache").rglob("*.vectors"))
    data = swapped.read_bytes()
    assert b"hashing-256@1" in data[:200]
    header, rest = data.split(b"\n", 1)
    import hashlib

    header = header.replace(b"hashing-256@1", b"hashing-999@1")
    keys = header + b"\n" + rest[:32]
    vectors = rest[32 : 32 + 64 * 4]
    swapped.write_bytes(keys + vectors + hashlib.sha256(keys).digest() + data[-32:])


@dataclass(frozen=True)
class Mistake:
    """What the user did, the command that followed, and passages of the line that answers it.

    `disk` is the most bytes that a file can have.
    """

    what: str
    command: str
    says: tuple[str, ...]
    spoil: Step = nothing
    code: int = 1
    disk: int | None = None


MISTAKES = (
    # --- the posts ---------------------------------------------------------------------------
    Mistake(
        "a path that is wrong",
        "ingest nowhere.jsonl -o out.parquet",
        ("nowhere.jsonl: there is no such file. Check the path.",),
    ),
    Mistake(
        "a folder given as a file",
        "ingest labels -o out.parquet",
        ("labels: is a folder. Name the files in it, such as result.json.",),
    ),
    Mistake(
        "a column that is misspelt",
        "ingest labelled.jsonl --text txet -o out.parquet",
        ("labelled.jsonl: there is no column 'txet' for text", "did you mean 'text'? The columns"),
    ),
    Mistake(
        "a column that is misspelt in a CSV file",
        "ingest made.csv --text boddy -o out.parquet",
        ("made.csv: there is no column 'boddy' for text - did you mean 'body'? The columns are",),
        spoil=put("made.csv", "id,body\n1,hello there\n2,good day\n"),
    ),
    Mistake(
        "an empty file",
        "ingest made.jsonl -o out.parquet",
        ("made.jsonl: is empty. Check the export that should fill it.",),
        spoil=put("made.jsonl", ""),
    ),
    Mistake(
        "empty standard input",
        "ingest - -o out.parquet",
        ("-: is empty. Check",),
        spoil=typed(b""),
    ),
    Mistake(
        "an export without messages",
        "ingest result.json -o out.parquet",
        ("result.json: holds no post. Check that the export includes the messages.",),
        spoil=put("result.json", '{"name": "x", "type": "public_channel", "messages": []}'),
    ),
    Mistake(
        "a binary file",
        "ingest photo.bin -o out.parquet",
        ("photo.bin: is neither UTF-8 text nor a format that is read", "convert it: iconv"),
        spoil=put("photo.bin", bytes(range(128, 256)) * 30),
    ),
    Mistake(
        "a spreadsheet",
        "ingest sheet.xlsx -o out.parquet",
        ("sheet.xlsx: is a zip archive or a spreadsheet", "save the sheet as CSV."),
        spoil=put("sheet.xlsx", b"PK\x03\x04" + bytes(100)),
    ),
    Mistake(
        "a gzip file that is cut off at its beginning",
        "ingest posts.jsonl.gz -o out.parquet",
        ("posts.jsonl.gz: the gzip file is cut off, the rest is missing. Copy it again.",),
        spoil=put("posts.jsonl.gz", PACKED[:12]),
    ),
    Mistake(
        "a gzip file that is cut off, with --strict",
        "ingest posts.jsonl.gz -o out.parquet --strict",
        ("posts.jsonl.gz: line ", "invalid JSON", "Mend the record, or leave out --strict."),
        spoil=put("posts.jsonl.gz", PACKED[:-100]),
    ),
    Mistake(
        "a bad record, with --strict",
        "ingest made.jsonl -o out.parquet --strict",
        ("made.jsonl: line 2: invalid JSON", "Mend the record, or leave out --strict."),
        spoil=put("made.jsonl", BROKEN),
    ),
    Mistake(
        "a bad record in the midst of scoring, with --strict",
        SCORE.replace("new", "made") + " --strict",
        ("made.jsonl: line 2: invalid JSON", "Mend the record, or leave out --strict."),
        spoil=put("made.jsonl", BROKEN),
    ),
    Mistake(
        "an id used twice, with --strict",
        "ingest made.jsonl -o out.parquet --strict",
        ("made.jsonl: line 2: post_id '1' is taken by another post (made.jsonl: line 1)", "Mend"),
        spoil=put("made.jsonl", TWICE),
    ),
    Mistake(
        "records without a place for text",
        "ingest made.jsonl -o out.parquet",
        ("made.jsonl: holds no post: 2 records", "line 1: the record has no text", "--format"),
        spoil=put("made.jsonl", jsonl({"id": 1, "likes": 3}, {"id": 2, "likes": 0})),
    ),
    Mistake(
        "posts without text, to embed",
        "embed made.jsonl",
        ("no post has text to embed (got '2 posts')", "name the text column by --text."),
        spoil=put("made.jsonl", jsonl({"id": 1, "text": ""}, {"id": 2, "text": " "})),
    ),
    Mistake(
        "media-only posts, to find themes in",
        "themes made.jsonl -o out",
        ("no post has text to embed", "Media-only posts cannot be embedded"),
        spoil=put("made.jsonl", DUMB),
    ),
    Mistake(
        "a table that is not of posts",
        "themes made.parquet -o out",
        ("made.parquet: no column has a usual name for the text", "(--text): price, shop."),
        spoil=table_of_something_else,
    ),
    Mistake(
        "a table of posts that is cut off",
        "embed data/posts.parquet",
        ("posts.parquet: is no Parquet table that can be read, or is cut off", "copy it again."),
        spoil=cut("data/posts.parquet", 1000),
    ),
    Mistake(
        "the wrong format named",
        "ingest labelled.jsonl --format parquet -o out.parquet",
        ("labelled.jsonl: is no Parquet table", "Write or copy it again."),
    ),
    # --- the command line --------------------------------------------------------------------
    Mistake(
        "a command that does not exist",
        "scroe new.jsonl",
        ("No such command 'scroe'. Did you mean 'score'? See: narraframe --help",),
        code=2,
    ),
    Mistake(
        "an option that does not exist",
        "ingest labelled.jsonl --ouput out.parquet",
        ("No such option '--ouput'", "--output", "See: narraframe ingest --help"),
        code=2,
    ),
    Mistake(
        "an output that is not named",
        "ingest labelled.jsonl",
        ("Missing option '-o' / '--output'. See: narraframe ingest --help",),
        code=2,
    ),
    Mistake(
        "a format that does not exist",
        "ingest labelled.jsonl --format xml -o out.parquet",
        ("'--format': 'xml' is not one of", "See: narraframe ingest --help"),
        code=2,
    ),
    Mistake(
        "a negative number for an option",
        "codebook from-labels labelled.jsonl -o out.toml --minimum -1",
        ("'--minimum': -1 is not in the range x>=1. See: narraframe codebook from-labels",),
        code=2,
    ),
    Mistake(
        "a version below one",
        "promote topics --version 0",
        ("'--version': 0 is not in the range x>=1. See: narraframe promote --help",),
        code=2,
    ),
    Mistake(
        "an experiment and labelled posts at once",
        f"{TRAIN} --labelled labelled.jsonl --name x",
        ("pass either --experiment or --labelled. See: train --help",),
        code=2,
    ),
    Mistake(
        "neither an experiment nor labelled posts",
        "train",
        ("pass either --experiment or --labelled. See: train --help",),
        code=2,
    ),
    Mistake(
        "labelled posts without a name for the model",
        "train --labelled labelled.jsonl",
        ("--labelled and --name go together. See: train --help",),
        code=2,
    ),
    Mistake(
        "one label a post of an experiment, by the option",
        "train --experiment experiments/narratives.toml --one-label",
        ("--one-label goes with --labelled. In an experiment: one_label = true in [data].",),
        code=2,
    ),
    *(
        Mistake(
            f"a name for a model that is none: {name}",
            f"train --labelled labelled.jsonl --name {shlex.quote(name)}",
            ("--name: is no name for a model", f"(got {name!r})", 'Choose one such as "narra'),
            code=2,
        )
        for name in ("../x", "a/b", "topics@champion", "..", "-x", "a b", "models:/x")
    ),
    *(
        Mistake(
            f"an experiment that names its model {name!r}",
            TRAIN_X,
            (f"{X}: 'model' must be letters, digits, '.', '-' and '_'", f"not '{name}'. Mend"),
            spoil=experiment('"topics"', f'"{name}"'),
        )
        for name in ("../x", "a/b", "a@b", "")
    ),
    # --- the workspace and its settings ------------------------------------------------------
    Mistake(
        "a workspace that does not exist",
        "embed labelled.jsonl --workspace gone",
        ("--workspace gone: there is no such folder. Make one with: narraframe init gone",),
    ),
    Mistake(
        "init where a workspace is",
        "init .",
        (".: is a workspace already. Choose another folder, or edit the files that are there.",),
    ),
    Mistake(
        "init below a file",
        "init new.jsonl/study",
        ("new.jsonl/study: cannot be written: Not a directory.", "choose a folder"),
    ),
    Mistake(
        "the demo a second time",
        "demo demo",
        ("demo: is there already. Pass --force to run the demo in it again.",),
        spoil=demo_was_here,
    ),
    Mistake(
        "the demo, with force, in a workspace of one's own",
        "demo . --force",
        (".: is a workspace of yours, which the demo would write over. Choose another folder.",),
    ),
    Mistake(
        "settings that are no TOML",
        "embed labelled.jsonl",
        ("narraframe.toml: is not TOML: Expected ']'", "line 1", "Mend it there."),
        spoil=put(SETTINGS, "[encoder\n"),
    ),
    Mistake(
        "settings in another encoding",
        "doctor",
        ("narraframe.toml: is not UTF-8 text. Save it as UTF-8.",),
        spoil=put(SETTINGS, b"\xff\xfe["),
    ),
    Mistake(
        "a key of the settings that is misspelt",
        "themes labelled.jsonl -o out",
        ("unknown key 'themes.neighbors', did you mean 'themes.neighbours'? Mend the file.",),
        spoil=put(SETTINGS, "[themes]\nneighbors = 9\n"),
    ),
    Mistake(
        "values of the wrong type, all told at once",
        "themes labelled.jsonl -o out",
        ("'themes.neighbours' must be a whole number, not 1.5; 'themes.seed' must be a whole",),
        spoil=put(SETTINGS, '[themes]\nseed = "1"\nneighbours = 1.5\n'),
    ),
    Mistake(
        "numbers that are too small",
        "themes labelled.jsonl -o out",
        (
            "'themes.neighbours' must be 2 or more, not -3",
            "'themes.min_cluster_size' must be 0, or 2 or more, not 1",
            "'themes.seed' must be from 0 to 4294967295, not -1",
        ),
        spoil=put(SETTINGS, "[themes]\nseed = -1\nneighbours = -3\nmin_cluster_size = 1\n"),
    ),
    # --- the experiment ----------------------------------------------------------------------
    Mistake(
        "an experiment that does not exist",
        TRAIN_X,
        (f"{X}: there is no such file. Check the path.",),
    ),
    Mistake(
        "a folder given as an experiment",
        "train --experiment experiments",
        ("experiments: cannot be read: Is a directory. Name a TOML file.",),
    ),
    Mistake(
        "an experiment that is no TOML",
        TRAIN_X,
        (f"{X}: is not TOML: Invalid value", "Mend it there."),
        spoil=put(X, "purpose = "),
    ),
    Mistake(
        "a key of the experiment that is misspelt",
        TRAIN_X,
        (f"{X}: unknown key 'sead', did you mean 'seed'? Mend the file.",),
        spoil=experiment("seed = 0", "sead = 0"),
    ),
    Mistake(
        "a seed of the wrong type",
        TRAIN_X,
        (f"{X}: 'seed' must be a whole number, not 'zero'. Mend the file.",),
        spoil=experiment("seed = 0", 'seed = "zero"'),
    ),
    Mistake(
        "features that do not exist",
        TRAIN_X,
        ("'heads.features' must be different ones of embedding, sentences, words, characters, ",),
        spoil=experiment('"words"', '"magic"'),
    ),
    Mistake(
        "a consensus that does not exist",
        TRAIN_X,
        ("'data.consensus' must be one of 'majority', 'any', 'dawid-skene', not 'all'.",),
        spoil=experiment('"majority"', '"all"'),
    ),
    Mistake(
        "too few folds, and a negative number",
        TRAIN_X,
        ("'split.folds' must be 2 or more, not 1; 'split.resamples' must be 0 or more, not -1.",),
        spoil=experiment("folds = 3\nresamples = 20", "folds = 1\nresamples = -1"),
    ),
    Mistake(
        "an experiment on posts that do not exist",
        TRAIN_X,
        ("gone.jsonl: there is no such file. Check the path.",),
        spoil=experiment("labelled.jsonl", "gone.jsonl"),
    ),
    # --- codebook and annotations ------------------------------------------------------------
    Mistake(
        "no codebook",
        TRAIN,
        ("codebook.toml: there is no codebook. Write one, or make one with: narraframe",),
        spoil=drop("labels/codebook.toml"),
    ),
    Mistake(
        "a codebook that contradicts itself",
        "codebook check",
        (
            "label 'voting': the id is used twice",
            "label 'voting': there is no facet 'topik', did you mean 'topic'? Mend the codebook.",
        ),
        spoil=put(
            "labels/codebook.toml",
            CODEBOOK + '[[labels]]\nid = "voting"\nfacet = "topik"\nname = "Voting"\n',
        ),
    ),
    Mistake(
        "a label that is not in the codebook",
        TRAIN,
        (
            'a.csv line 3: label_id "votin" is not in codebook 1.0.0. Did you mean "voting"?',
            "Correct the annotations, or use the codebook they were made with.",
        ),
        spoil=put("labels/annotations/a.csv", annotations(name="votin")),
    ),
    Mistake(
        "annotations without a column",
        "codebook check",
        ("a.csv: columns label_id, value are missing", "Annotations have the columns post_id,"),
        spoil=put("labels/annotations/a.csv", "post_id,annotator\np00,ann\n"),
    ),
    Mistake(
        "an annotation that is neither 0 nor 1",
        "codebook check",
        ("a.csv line 2: value must be 0 or 1, not 'yes'. Mend that line.",),
        spoil=put(
            "labels/annotations/a.csv", "post_id,annotator,label_id,value\np00,ann,voting,yes\n"
        ),
    ),
    Mistake(
        "annotations that do not exist",
        TRAIN,
        ("labels/annotations: there are no annotations. Put a *.csv of annotations there.",),
        spoil=drop("labels/annotations"),
    ),
    Mistake(
        "a provenance that is no TOML",
        "codebook check",
        ("a.provenance.toml: cannot be read", "Restore it, or remove it."),
        spoil=put("labels/annotations/a.provenance.toml", "[[["),
    ),
    Mistake(
        "annotations of other posts",
        TRAIN,
        ("no annotated post is among the posts", "24 annotated, 24 posts", "They meet by post_id."),
        spoil=put("labels/annotations/a.csv", annotations(prefix="z")),
    ),
    # --- training ----------------------------------------------------------------------------
    Mistake(
        "labelled posts that have no labels",
        "train --labelled made.jsonl --name x",
        ("no post carries a label", "name another column by --labels."),
        spoil=put("made.jsonl", PLAIN),
    ),
    Mistake(
        "one label for all posts",
        "train --labelled made.jsonl --name x",
        (
            "none of 1 labels can be trained",
            "no negatives",
            "each needs at least 2 posts with it, as",
        ),
        spoil=labelled(labels=["same"]),
    ),
    Mistake(
        "the same text in all posts",
        "train --labelled made.jsonl --name x",
        ("too few distinct posts to measure a model", "1 groups of near-copies", "Label more"),
        spoil=labelled(text="the same text under every one of these posts, word by word"),
    ),
    Mistake(
        "two posts to train on",
        "train --labelled made.jsonl --name x",
        ("too few distinct posts to measure a model", "2 groups of near-copies", "Label more"),
        spoil=put("made.jsonl", jsonl(*labelled_posts()[:2])),
    ),
    Mistake(
        "media-only posts to train on",
        "train --labelled made.jsonl --name x",
        ("no annotated post has text (got '24 annotated posts')", "--text."),
        spoil=labelled(text="", media="photo"),
    ),
    Mistake(
        "a file where the model cards should be, found before the work",
        TRAIN,
        ("models/cards/topics.md: cannot be written:", "models/cards is a file, not a folder."),
        spoil=steps(drop("models/cards"), put("models/cards", "x")),
    ),
    Mistake(
        "a registry that is no TOML, found before the work",
        TRAIN,
        ("registry.toml: the registry of models cannot be read", "Restore it"),
        spoil=put("models/registry.toml", "[[["),
    ),
    # --- the model ---------------------------------------------------------------------------
    Mistake(
        "the address of a model that is malformed",
        SCORE.replace("models:/topics@champion", "topics"),
        ("topics: is not the address of a model. Write models:/NAME@champion",),
    ),
    Mistake(
        "a model that does not exist",
        SCORE.replace("topics", "topcs"),
        ("models:/topcs@champion: there is no such model", "Registered models: topics."),
    ),
    Mistake(
        "an alias that does not exist",
        SCORE.replace("champion", "winner"),
        ("models:/topics@winner: there is no such", "aliases @challenger, @champion."),
    ),
    Mistake(
        "a version that does not exist",
        "promote topics --version 7",
        ("models:/topics/7: there is no such model", "topics has versions 1 and aliases"),
    ),
    Mistake(
        "no model yet",
        SCORE,
        ("models:/topics@champion: there is no model yet", "Train one with: narraframe train."),
        spoil=drop("models/store"),
    ),
    Mistake(
        "a store whose database is damaged",
        SCORE,
        ("mlflow.db: the model store is damaged", "Restore it from a copy, or move it away"),
        spoil=put("models/store/mlflow.db", b"no database" * 500),
    ),
    Mistake(
        "a store without its artefacts",
        SCORE,
        ("models/store: the registered model's files are gone", "Restore the store's artifacts"),
        spoil=drop("models/store/artifacts/models"),
    ),
    Mistake(
        "a model in which one byte flipped",
        SCORE,
        ("bundle: is damaged: Bad CRC-32", "Train the model again."),
        spoil=flip(f"{BUNDLE}/parts.skops"),
    ),
    Mistake(
        "a model of which a file is missing",
        SCORE,
        ("bundle: quality.json is missing: this is no narraframe model. Train one with",),
        spoil=drop(f"{BUNDLE}/quality.json"),
    ),
    Mistake(
        "a model whose codebook was altered",
        SCORE,
        ("its codebook.toml is not the one it was trained with (got '9.0.0')", "train again."),
        spoil=swap(f"{BUNDLE}/codebook.toml", '"1.0.0"', '"9.0.0"'),
    ),
    Mistake(
        "a model that was trained with another encoder",
        SCORE,
        ("topics/1: the encoder at hand is hashing-64@1", "trained with hashing-256@1. Install"),
        spoil=other_encoder,
    ),
    # --- encoder and cache -------------------------------------------------------------------
    Mistake(
        "an encoder that nobody knows",
        "embed labelled.jsonl",
        ("the encoder is not on this machine", "(got 'no-such-encoder')", "Check its name and"),
        spoil=steps(put(SETTINGS, '[encoder]\nname = "no-such-encoder"\n'), real_encoder),
    ),
    Mistake(
        "a folder of an encoder that does not exist",
        "embed labelled.jsonl",
        ("there is no such encoder folder (got './gone'). Check the path.",),
        spoil=steps(put(SETTINGS, '[encoder]\nname = "./gone"\n'), real_encoder),
    ),
    Mistake(
        "an encoder whose weights are damaged",
        "embed labelled.jsonl",
        ("installed/model: the weights are not those published as all-MiniLM-L6-v2", "Install"),
        spoil=steps(real_encoder, damaged_weights),
    ),
    Mistake(
        "vectors of another encoder in the cache",
        "embed labelled.jsonl",
        ("stored vectors come from another encoder than hashing-256@1", "Remove that file"),
        spoil=vectors_of_another_encoder,
    ),
    Mistake(
        "vectors of another length in the cache",
        "embed labelled.jsonl",
        ("vectors have 256 dimensions, those stored of hashing-256@1 have 64. Use another cache",),
        spoil=vectors_of_another_length,
    ),
    # --- evaluating --------------------------------------------------------------------------
    Mistake(
        "evaluating on the posts of the training",
        f"{EVALUATE} labelled.jsonl",
        ("labelled.jsonl: no labelled post is left", "24 of them copies of training posts", "Pass"),
    ),
    Mistake(
        "evaluating on labels that the codebook does not know",
        f"{EVALUATE} made.jsonl",
        ("2 labels of the posts are not in the model's codebook 1.0.0", "did you mean 'farming'?"),
        spoil=put("made.jsonl", STRANGE),
    ),
    Mistake(
        "evaluating without labels",
        f"{EVALUATE} made.jsonl",
        ("made.jsonl: no labelled post is left to measure on", "0 labelled", "Pass posts with"),
        spoil=put("made.jsonl", PLAIN),
    ),
    Mistake(
        "an ending that evaluate does not know",
        f"{EVALUATE} new.jsonl -o out.txt",
        ("out.txt: the ending names no format. End it in .csv or .json.",),
        code=2,
    ),
    # --- reporting ---------------------------------------------------------------------------
    Mistake(
        "themes of other posts",
        "report new.jsonl --themes data/themes -o out.html",
        ("data/themes: 24 posts of these themes are not among the posts", "Run narraframe themes"),
    ),
    Mistake(
        "a folder that holds no themes",
        f"{REPORT} --themes labels",
        ("labels/themes.parquet: there is no such table. Run the stage that writes it first.",),
    ),
    Mistake(
        "scores that are no table",
        f"{REPORT} --scores new.jsonl",
        ("new.jsonl: is not a Parquet table. Pass a file that narraframe wrote.",),
    ),
    Mistake(
        "a table of something else as scores",
        f"{REPORT} --scores data/posts.parquet",
        ("data/posts.parquet: column 'label_id' is missing", "Run the stage that writes it again."),
    ),
    Mistake(
        "scores in which one byte flipped",
        f"{REPORT} --scores scores.parquet",
        ("scores.parquet: is", "Run the stage that writes it again."),
        spoil=lambda patch: _flip_at("scores.parquet", 50),
    ),
    Mistake(
        "an account of ingest that was edited",
        REPORT,
        ("data/posts.account.json: is not the account of an ingest", "Run narraframe ingest again"),
        spoil=put("data/posts.account.json", "{posts: 3}"),
    ),
    # --- the output --------------------------------------------------------------------------
    *(
        Mistake(
            f"an output of {command.split()[0]} that exists",
            command,
            (": exists already. Pass --force to replace it, or choose another -o.",),
        )
        for command in (
            "ingest labelled.jsonl -o data/posts.parquet",
            "embed labelled.jsonl -o scores.parquet",
            "themes labelled.jsonl -o data/themes",
            "codebook from-labels labelled.jsonl -o labels/codebook.toml",
            SCORE.replace("out.csv", "scores.parquet"),
        )
    ),
    Mistake(
        "an ending that score does not know",
        SCORE.replace("out.csv", "out.xlsx"),
        ("out.xlsx: the ending names no format. End it in .parquet, .csv",),
        code=2,
    ),
    Mistake(
        "an ending that ingest does not write",
        "ingest labelled.jsonl -o out.csv",
        ("out.csv: the ending names no format. End it in .parquet.",),
        code=2,
    ),
    Mistake(
        "a file in the place of the output's folder",
        "ingest labelled.jsonl -o new.jsonl/out.parquet",
        ("new.jsonl/out.parquet: cannot be written:", "is a file, not a folder. Choose a place"),
    ),
    Mistake(
        "a file in the place of the output's folder, found before scoring",
        SCORE.replace("out.csv", "new.jsonl/out.csv"),
        ("new.jsonl/out.csv: cannot be written:", "is a file, not a folder. Choose a place"),
    ),
    Mistake(
        "a folder that a file would replace",
        SCORE.replace("out.csv", "data.csv") + " --force",
        ("data.csv: is a folder. Name a file",),
        spoil=put("data.csv/precious", "x"),
    ),
    Mistake(
        "a folder that themes would replace",
        "themes labelled.jsonl -o labels --force",
        ("labels: holds more than themes, and would be replaced as a whole", "Choose another -o."),
    ),
    Mistake(
        "a file that themes would replace",
        "themes labelled.jsonl -o new.jsonl --force",
        ("new.jsonl: is a file, not a folder. Choose another -o.",),
    ),
    Mistake(
        "an output that is the input",
        "score data/posts.parquet -o data/posts.parquet --force --model models:/topics@champion",
        ("data/posts.parquet: is read and written at once. Choose another -o.",),
    ),
    Mistake(
        "a device as output",
        "ingest labelled.jsonl -o null.parquet --force",
        ("null.parquet: is no ordinary file. Choose another -o.",),
        spoil=lambda patch: Path("null.parquet").symlink_to(os.devnull),
    ),
    Mistake(
        "a name that is too long",
        f"ingest labelled.jsonl -o {'x' * 300}.parquet",
        (".parquet: cannot be written: File name too long.",),
    ),
    Mistake(
        "a folder that is read-only",
        "ingest labelled.jsonl -o new/out.parquet",
        ("new/out.parquet: cannot be written: Read-only file system.", "choose a folder that you"),
        spoil=read_only,
    ),
    Mistake(
        "a disk that is full, at ingest",
        "ingest labelled.jsonl -o new/out.parquet",
        ("new/out.parquet: cannot be written: File too large. Free some space",),
        disk=300,
    ),
    Mistake(
        "a disk that is full, at scoring",
        SCORE,
        ("out.csv: cannot be written: File too large. Free some space",),
        spoil=steps(opened_store, lambda patch: run(["embed", "new.jsonl"])),
        disk=100,
    ),
    Mistake(
        "a disk that is full, at the report",
        REPORT,
        ("out.html: cannot be written: File too large. Free some space",),
        disk=1000,
    ),
    Mistake(
        "a disk that is full, at the cache",
        "embed new.jsonl",
        ("hashing-256@1: the embedding cache cannot be written: File too large. Free space",),
        disk=1000,
    ),
    Mistake(
        "a disk that is full, at registering",
        TRAIN,
        ("models/store: cannot be written: File too large. Free some space",),
        spoil=opened_store,
        disk=1000,
    ),
    Mistake(
        "a disk that is full, at promoting",
        "promote topics",
        ("mlflow.db: the model store cannot be read or written", "Free some space"),
        spoil=steps(opened_store, no_champion),
        disk=100,
    ),
)
HARMLESS = (
    Mistake(
        "a cache in which one byte flipped",
        "embed labelled.jsonl",
        (".vectors: its vectors do not match their checksum; it is no longer used",),
        spoil=flip(CACHE),
    ),
    Mistake(
        "a cache that is cut off, at scoring",
        SCORE.replace("new", "labelled"),
        (".vectors: it is cut short or too long", "24 of 24 posts are copies or near-copies"),
        spoil=cut(CACHE),
    ),
    Mistake(
        "a cache that is cut off, at evaluating",
        f"{EVALUATE} new.jsonl",
        (".vectors: it is cut short or too long; it is no longer used",),
        spoil=cut(CACHE),
    ),
    Mistake(
        "a gzip file that is cut off in its midst",
        "ingest posts.jsonl.gz -o out.parquet",
        ("posts.jsonl.gz: line ", "end: the gzip file is cut off, the rest is missing"),
        spoil=put("posts.jsonl.gz", PACKED[:-100]),
    ),
    Mistake(
        "a bad record among the posts of the training",
        "train --labelled labelled.jsonl --labelled made.jsonl --name x",
        ("made.jsonl: line 2: invalid JSON",),
        spoil=put("made.jsonl", BROKEN),
    ),
    Mistake(
        "an id used twice, at ingest",
        "ingest made.jsonl -o out.parquet",
        ("made.jsonl: line 2: post_id '1' is taken by another post (made.jsonl: line 1)",),
        spoil=put("made.jsonl", TWICE),
    ),
    Mistake(
        "an id used twice, at scoring",
        SCORE.replace("new", "made"),
        ("made.jsonl: line 2: post_id '1' is taken by an earlier post",),
        spoil=put("made.jsonl", TWICE),
    ),
)
IN_A_PROCESS_OF_ITS_OWN = (
    "a path that is wrong",
    "a command that does not exist",
    "settings that are no TOML",
    "a column that is misspelt",
)


def _flip_at(path: str, place: int) -> None:
    data = bytearray(Path(path).read_bytes())
    data[place] ^= 0xFF
    Path(path).write_bytes(data)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mistakes") / "workspace"
    make_workspace(folder)
    return folder


@pytest.fixture
def workspace(template, tmp_path, monkeypatch):
    folder = Path(shutil.copytree(template, tmp_path / "workspace"))
    monkeypatch.chdir(folder)
    encode_by_hashing(monkeypatch)
    return folder


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.what)
def test_a_mistake_is_told_in_one_line_and_leaves_nothing(mistake, workspace, monkeypatch, capsys):
    mistake.spoil(monkeypatch)
    before = everything()
    capsys.readouterr()
    with disk_of(mistake.disk):
        code = run(shlex.split(mistake.command))
    told = capsys.readouterr()
    assert_one_line(told.err, mistake)
    assert (code, told.out) == (mistake.code, "")
    assert everything() == before


@pytest.mark.parametrize("mistake", HARMLESS, ids=lambda mistake: mistake.what)
def test_a_mistake_that_does_no_harm_is_told_and_the_work_goes_on(
    mistake, workspace, monkeypatch, capsys
):
    mistake.spoil(monkeypatch)
    assert run(shlex.split(mistake.command)) == 0
    told = capsys.readouterr()
    assert all(line.startswith("warning: ") for line in told.err.splitlines())
    for passage in mistake.says:
        assert passage in told.err
    assert told.out


@pytest.mark.parametrize("what", IN_A_PROCESS_OF_ITS_OWN)
def test_a_mistake_is_told_alike_in_a_process_of_its_own(what, workspace, monkeypatch):
    (mistake,) = (mistake for mistake in MISTAKES if mistake.what == what)
    mistake.spoil(monkeypatch)
    before = everything()
    done = in_a_process(mistake.command, stdout=subprocess.PIPE)
    assert_one_line(done.stderr, mistake)
    assert (done.returncode, done.stdout) == (mistake.code, "")
    assert everything() == before


def test_a_full_device_as_standard_output_is_told(workspace):
    with Path("/dev/full").open("w") as full:
        done = in_a_process("codebook check", stdout=full)
    assert done.returncode == 1
    assert done.stderr.startswith("error: No space left on device. Is there space left")
    assert done.stderr.count("\n") == 1


def test_a_reader_that_has_seen_enough_is_no_error(workspace):
    read, write = os.pipe()
    os.close(read)
    done = in_a_process("codebook check", stdout=write)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def assert_one_line(err: str, mistake: Mistake) -> None:
    (line,) = err.splitlines()
    assert re.fullmatch(r"error: .+[^.][.?] [A-Z].+", line), "a fault, then what to do about it"
    for passage in mistake.says:
        assert passage in line
    assert "Traceback" not in err
    assert "fault of narraframe" not in err


def in_a_process(command: str, *, stdout: object) -> subprocess.CompletedProcess[str]:
    program = "from narraframe.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *shlex.split(command)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
