"""A small report with known counts, built by hand, for the tests of this room."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from narraframe.records import (
    Codebook,
    Estimate,
    Facet,
    Label,
    LabelQuality,
    Post,
    Quality,
    Scores,
    Themes,
    ThemeSummary,
)
from narraframe.report.inputs import ReportInput

NAN = float("nan")
MADE_AT = datetime(2026, 11, 21, 18, 40, tzinfo=UTC)
UNDEFINED = Estimate(NAN, NAN, NAN, 0)
HOSTILE = (
    "<script>window.pwned=1</script></script><img src=x onerror=window.pwned=1> "
    "&lt;b&gt; {{ 7*7 }} \u2028 \u2029 \u202egpj.exe\u202c \x00\x1b[31m <!-- ]]> \ud800"
)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def posts() -> tuple[Post, ...]:
    """Six posts: p2 copies p1 in a later month, p5 has no date, p6 no channel; no post in April."""
    opened, copied, closed, song, late = map(
        moment, ("2024-02-03", "2024-03-01", "2024-03-31T23:59:59", "2024-05-01", "2024-05-09")
    )
    return (
        Post(post_id="p1", text="Port opens", created_at=opened, channel="North", lang="en"),
        Post(
            post_id="p2",
            text="Port opens!",
            created_at=copied,
            channel="South",
            lang="en",
            forwarded_from="North",
            duplicate_of="p1",
        ),
        Post(post_id="p3", text="Port closes", created_at=closed, channel="North", lang="en"),
        Post(post_id="p4", text="A song", created_at=song, channel="North", lang="en"),
        Post(post_id="p5", text="A film", channel="South", lang="uk"),
        Post(post_id="p6", text="", created_at=late),
    )


def codebook() -> Codebook:
    """Two facets; trade has the children ports and loans; loans has no probability in `scores`."""
    return Codebook(
        version="1.2.0",
        title="Small codebook",
        facets=(
            Facet("topic", "Topic", question="What is it about?"),
            Facet("tone", "Tone", choice="single"),
        ),
        labels=(
            Label("trade", "topic", "Trade", "Anything sold."),
            Label("trade.ports", "topic", "Ports", "Harbours.", parent="trade"),
            Label("trade.loans", "topic", "Loans", "Money lent.", parent="trade"),
            Label("warm", "tone", "Warm", "Kind words."),
            Label("cold", "tone", "Cold", "Unkind words."),
        ),
    )


def scores() -> Scores:
    """Rows in another order than the posts; p6 has a reason, p5 no row; cold is not a column."""
    ids = ("p4", "p6", "p3", "p2", "p1")
    decision = np.array(
        [
            [0, 0, 0, 1],
            [1, 1, 1, 1],  # p6: not scored, so these must not count
            [1, 1, 0, 0],
            [1, 1, 0, 1],
            [1, 1, 0, 1],
        ],
        dtype=bool,
    )
    probability = np.where(decision, 0.9, 0.1).astype(np.float32)
    probability[1] = probability[:, 2] = np.nan
    return Scores(
        post_ids=ids,
        label_ids=("trade", "trade.ports", "trade.loans", "warm"),
        probability=probability,
        decision=decision,
        abstained=np.zeros_like(decision),
        thresholds=np.array([0.5, 0.5, NAN, 0.4]),
        reasons=("", "no text", "", "", ""),
        model="small/3",
    )


def left_open() -> Scores:
    """Ports and warm of p1, and warm of p4, the only scored post of May, were left open."""
    abstained = np.zeros((5, 4), dtype=bool)
    abstained[4, [1, 3]] = abstained[0, 3] = True
    return replace(scores(), abstained=abstained)


def themes() -> Themes:
    """p1, p2 and p3 are theme 4; p4 is noise; p5 has no row; p6 is not on the map."""
    return Themes(
        post_ids=("p3", "p2", "p1", "p4", "p6"),
        theme=np.array([4, 4, 4, -1, -1], dtype=np.int32),
        membership=np.ones(5, dtype=np.float32),
        xy=np.array([[0, 0], [1, 1], [2, 0], [10, 5], [np.nan, np.nan]], dtype=np.float32),
    )


def summaries() -> tuple[ThemeSummary, ...]:
    return (
        ThemeSummary(
            theme=4,
            name="Ports",
            keywords=(("port", 0.8), ("opens", 0.2)),
            n_posts=3,
            n_groups=2,
            representative_post_ids=("p3", "gone"),
        ),
    )


def estimate(value: float) -> Estimate:
    return Estimate(value, value - 0.1, value + 0.05, 40)


def quality() -> Quality:
    good, bare = estimate(0.8), Estimate(0.5, NAN, NAN, 40)
    return Quality(
        how="Five folds, copies on one side",
        n_posts=40,
        n_groups=38,
        micro_f1=estimate(0.7),
        macro_f1=estimate(0.6),
        calibration_error=estimate(0.2),
        labels=(
            LabelQuality("trade", 40, 1234, 0.5, good, good, estimate(0.75), bare),
            LabelQuality(
                "trade.loans", 40, 0, NAN, UNDEFINED, UNDEFINED, UNDEFINED, UNDEFINED
            ),
        ),
        undefined=("trade.loans",),
    )  # fmt: skip


def whole() -> ReportInput:
    return ReportInput(
        title="Small report",
        posts=posts(),
        made_at=MADE_AT,
        themes=themes(),
        summaries=summaries(),
        theme_figures={"outlier_share": 0.4, "stability": NAN, "mean_size": 3.0},
        theme_warnings=("Six posts are few.",),
        codebook=codebook(),
        scores=scores(),
        quality=quality(),
        model={"Name": "small", "Version": "3", "Trained on": ""},
        reading={"Read": 1009, "Kept": 6, "Dropped: service message": 1003},
        source_note="two invented channels",
    )


def bare() -> ReportInput:
    return ReportInput(title="Nothing yet", posts=(), made_at=MADE_AT)


def unpack(packed: str) -> dict[str, list]:
    """The columns of a pack, read as its description says, byte by byte."""
    data = zlib.decompress(base64.b64decode(packed))
    length = int.from_bytes(data[:4], "little")
    columns = {}
    for one in json.loads(data[4 : 4 + length]):
        begin = 4 + length + one["start"]
        assert begin % 8 == 0
        piece = data[begin : begin + one["length"]]
        if one["type"] == "text":
            text, at, columns[one["name"]] = piece.decode().encode("utf-16-le"), 0, []
            for size in columns[f"{one['name']}.size"]:
                cut = text[at : at + 2 * max(size, 0)]
                columns[one["name"]].append(None if size < 0 else cut.decode("utf-16-le"))
                at += len(cut)
        else:
            columns[one["name"]] = np.frombuffer(piece, dtype=one["type"]).tolist()
    return columns
