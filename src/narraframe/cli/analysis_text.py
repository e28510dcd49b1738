"""Trends, coverage and spread as the terminal shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from narraframe.cli.terminal import cut, flat, say, show_table, told_apart, width, wrapped

if TYPE_CHECKING:
    from narraframe.records import (
        Copied,
        Delays,
        Spread,
        ThemesAgainstLabels,
        Trend,
        Trends,
        Uncovered,
    )

_BARS = "▁▂▃▄▅▆▇█"
_MOST_LINES, _MOST_OF_A_KIND, _MOST_PAIRS, _MOST_VOICES, _MOST_CHANNELS = 20, 12, 12, 12, 6


def show_trends(found: Trends) -> None:
    """Print each label and theme: its share, its course, and its bursts."""
    from narraframe.records import SAMPLING_ONLY

    of = f" of {found.channel}" if found.channel else ""
    where = "channel" if found.by == "channel" else "date"
    say(
        f"{found.n_posts - found.n_unplaced:,} posts{of} by {found.by}, {found.periods[0]} to "
        f"{found.periods[-1]}; {found.n_unplaced:,} have no {where} and are left out"
        if found.by != "channel"
        else f"{found.n_posts - found.n_unplaced:,} posts in {len(found.periods):,} channels; "
        f"{found.n_unplaced:,} have no channel and are left out"
    )
    lines = _largest(found.lines)
    if found.by == "channel":
        _by_channel(found, lines)
    else:
        room = max(width() - 62, 20)
        names = _names(lines, 26)
        rows = [
            [
                names[line.key],
                f"{int(line.n.sum()):,}",
                _percent(line.whole.value),
                _interval(line.whole.low, line.whole.high),
                _course(line, room),
            ]
            for line in lines
        ]
        show_table(("", "posts", "share", "95 %", f"by {found.by}"), rows)
    if len(lines) < len(found.lines):
        say(f"  the largest {len(lines)} of {len(found.lines)} lines; all of them with -o")
    if found.by != "channel":
        _bursts(found)
    say(f"  {wrapped(SAMPLING_ONLY, indent=2)}")


def _largest(lines: Sequence[Trend]) -> list[Trend]:
    """Return the labels with the most distinct posts, then the themes."""
    shown: list[Trend] = []
    for kind in ("label", "theme"):
        own = [line for line in lines if line.kind == kind]
        own.sort(key=lambda line: -int(line.n_distinct.sum()))
        shown += own[:_MOST_OF_A_KIND]
    return shown


def _bursts(found: Trends) -> None:
    bursts = [(burst, line) for line in found.bursting for burst in line.bursts]
    say("bursts, the surest first:" if bursts else "no bursts")
    for burst, line in sorted(bursts, key=lambda pair: -pair[0].weight)[:_MOST_LINES]:
        when = burst.first if burst.first == burst.last else f"{burst.first} to {burst.last}"
        say(
            f"  {_named(line, 40)}: {when}, {burst.n:,} of {burst.of:,} distinct posts, "
            f"{burst.ratio:.1f} times its usual share (weight {burst.weight:.0f})"
        )
    common = [_named(line, 26) for line in found.lines if line.too_common]
    if common:
        say(f"  {wrapped('too common to have bursts: ' + ', '.join(common), indent=4)}")


def _by_channel(found: Trends, lines: Sequence[Trend]) -> None:
    shown = found.periods[:_MOST_CHANNELS]
    for j, name in enumerate(shown):
        say(cut(f"  {chr(ord('A') + j)} {flat(name)}", width()))
    names = _names(lines, 30)
    rows = [
        [names[line.key], *(_percent(line.shares[j].value) for j in range(len(shown)))]
        for line in lines
    ]
    show_table(("share of distinct posts", *(chr(ord("A") + j) for j in range(len(shown)))), rows)
    if len(shown) < len(found.periods):
        say(f"  the {len(shown)} largest of {len(found.periods)} channels; all of them with -o")


def show_coverage(
    cross: ThemesAgainstLabels, uncovered: Sequence[Uncovered], *, n_undated: int = 0
) -> None:
    """Print the labels and their themes, the mixed themes, and what no label covers."""
    say(
        f"{len(cross.themes)} themes against {len(cross.label_ids)} labels: themes settle "
        f"{_percent(cross.dependence)} of which label a labelled post carries"
    )
    of_label = cross.n.sum(axis=0)
    names = told_apart(dict(zip(cross.label_ids, cross.label_names, strict=True)), 34)
    rows = []
    for j in np.argsort(-of_label, kind="stable").tolist():
        top = np.argsort(-cross.n[:, j], kind="stable")[:3]
        shares = [
            f"T{cross.themes[i]} {_percent(float(cross.share_of_label[i, j]))}"
            for i in top.tolist()
            if cross.n[i, j]
        ]
        name = names[cross.label_ids[j]] + ("*" if cross.small_label[j] else "")
        posts = [f"{int(of_label[j]):,}", f"{int(cross.outside[j]):,}"]
        rows.append([name, *posts, _figure(float(cross.spread[j])), ", ".join(shares)])
    show_table(("label", "in themes", "in none", "spread", "most of it in"), rows)
    say(
        f"  spread: 0 = all in one theme, 1 = evenly over all; * = under {cross.few} distinct posts"
    )
    _mixed(cross)
    if unasked := [t for t, n in zip(cross.themes, cross.decided, strict=True) if not n.any()]:
        these = ", ".join(f"T{theme}" for theme in unasked)
        say(f"  {wrapped(f'no label was decided on any post of {these}: not judged', indent=2)}")
    if not uncovered:
        judged = "every theme" if not unasked else "every other theme"
        if len(unasked) < len(cross.themes):
            say(f"{judged} is covered by a label")
        return
    say("themes that no label covers:")
    for one in uncovered[:_MOST_LINES]:
        say(cut(f"  T{one.theme} {flat(one.name)}", width()))
        say(f"    {wrapped(_why(one), indent=4)}")
    if n_undated:
        say(f"  {n_undated:,} distinct posts have no date: they take no part in growth")
    growing = next((one for one in uncovered if one.grows), uncovered[0])
    say(f"  to draft an entry for the codebook: narraframe codebook draft --theme T{growing.theme}")


def _mixed(cross: ThemesAgainstLabels) -> None:
    mixed = [
        (i, [j for j in range(len(cross.label_ids)) if cross.share_of_theme[i, j] >= 0.25])
        for i in range(len(cross.themes))
        if not cross.small_theme[i]
    ]
    mixed = [(i, labels) for i, labels in mixed if len(labels) > 1]
    if not mixed:
        return
    say("themes that carry several labels:")
    for i, labels in mixed[:_MOST_LINES]:
        said = ", ".join(
            f"{cross.label_names[j]} {_percent(float(cross.share_of_theme[i, j]))}" for j in labels
        )
        say(cut(f"  T{cross.themes[i]} {flat(cross.theme_names[i])}: {said}", width()))


def _why(one: Uncovered) -> str:
    parts = [f"{one.n_posts:,} posts, {one.n_distinct:,} distinct"]
    low, high = _percent(one.labelled.low), _percent(one.labelled.high)
    parts.append(f"{_percent(one.labelled.value)} carry any label [{low}, {high}]")
    if one.top_label:
        parts.append(f"most of all {one.top_label} ({_percent(one.top_share)})")
    if one.likeness == one.likeness:
        missed = "; the label may be missed rather than missing" if one.like_a_label else ""
        parts.append(f"nearest definition {one.nearest_label} (cosine {one.likeness:.2f}{missed})")
    if one.growth == one.growth:
        shares = f"{_percent(one.early)} to {_percent(one.late)} of posts"
        grows = "GROWS" if one.grows else "no sure growth"
        p = "<0.001" if one.p_growth < 0.001 else f"{one.p_growth:.3f}"
        parts.append(f"{grows}: {shares}, p {p}")
    return "; ".join(parts)


def show_spread(found: Spread) -> None:
    """Print who repeats whom, what the channels' posts are, and how much is copies."""
    say(
        f"{found.n_distinct:,} distinct messages in {found.n_posts:,} posts; {found.n_shared:,} "
        f"in two channels or more, {found.n_tied:,} of which have no known first"
    )
    say(
        f"  left out: {found.n_short:,} posts under five words, {found.n_undated:,} undated, "
        f"{found.n_nameless:,} without a channel"
    )
    if found.pairs:
        say(f"  repeated after {_hours(found.delays)} (median; half of all between the quartiles)")
        half = max((width() - 56) // 2, 12)
        rows = [
            [
                cut(flat(pair.first), half),
                cut(flat(pair.later), half),
                f"{pair.n_groups:,}",
                f"{pair.n_forwarded:,}",
                f"{pair.back:,}",
                _hours(pair.delays),
            ]
            for pair in found.pairs[:_MOST_PAIRS]
        ]
        show_table(("first", "later", "messages", "forwarded", "back", "after"), rows)
        if len(found.pairs) > _MOST_PAIRS:
            say(f"  {_MOST_PAIRS} of {len(found.pairs)} pairs; all of them with -o")
    if not found.voices:
        say("  no post has a channel, so nobody can be said to repeat anybody: --channel NAME")
    rows = [
        [
            cut(flat(voice.channel), max(width() - 66, 16)),
            *(f"{n:,}" for n in (voice.n_posts, voice.own, voice.forwarded, voice.repeats)),
            *(f"{n:,}" for n in (voice.again, voice.unknown, voice.led)),
        ]
        for voice in found.voices[:_MOST_VOICES]
    ]
    if rows:
        header = ("channel", "posts", "own", "forwarded", "repeats", "again", "unknown", "led")
        show_table(header, rows)
    if len(found.voices) > _MOST_VOICES:
        say(f"  {_MOST_VOICES} of {len(found.voices)} channels")
    _copied(found.copied)


def _copied(copied: Sequence[Copied]) -> None:
    if not copied:
        return
    kept = sorted((one for one in copied if one.n_posts), key=lambda one: (one.kind, -one.copies))
    names = _names(kept, 40)
    rows = [
        [
            names[one.key],
            *(f"{one.n_posts:,}", _percent(one.copies), _percent(one.forwarded)),
            _percent(one.largest),
        ]
        for one in kept[:_MOST_LINES]
    ]
    show_table(("label or theme", "posts", "copies", "forwarded", "largest message"), rows)
    if len(kept) > _MOST_LINES:
        say(f"  {_MOST_LINES} of {len(kept)} lines; all of them with -o")


def _names(lines: Sequence[Trend | Copied], most: int) -> dict[str, str]:
    """Return the names of labels and themes by key, no two of them alike."""
    whole = {x.key: f"{x.key} {x.name}" if x.kind == "theme" else x.name for x in lines}
    return told_apart(whole, most)


def _named(line: Trend | Copied, most: int) -> str:
    name = f"{line.key} {line.name}" if line.kind == "theme" else line.name
    return cut(flat(name), most)


def _course(line: Trend, room: int) -> str:
    """Draw the shares as bars, several periods in one where there is no room; "·" = no posts."""
    several = -(-len(line.n_distinct) // room)
    starts = range(0, len(line.n_distinct), several)
    n = [int(line.n_distinct[i : i + several].sum()) for i in starts]
    of = [int(line.of_distinct[i : i + several].sum()) for i in starts]
    shares = [a / b if b else 0.0 for a, b in zip(n, of, strict=True)]
    top = max(shares) or 1.0
    bars = [_BARS[min(int(8 * share / top), 7)] if share else " " for share in shares]
    return "".join(bar if b else "·" for bar, b in zip(bars, of, strict=True))


def _hours(delays: Delays) -> str:
    """Write a median, and the quartiles, in the unit that suits it."""
    if not delays.n:
        return "-"
    unit, seconds = next(
        ((u, s) for u, s in (("d", 86400), ("h", 3600), ("min", 60)) if delays.median * 3600 >= s),
        ("s", 1),
    )
    low, median, high = (
        f"{x * 3600 / seconds:.1f}".removesuffix(".0")
        for x in (delays.lower, delays.median, delays.upper)
    )
    return f"{median} {unit}" if delays.n == 1 else f"{median} {unit} [{low}, {high}]"


def _percent(share: float) -> str:
    return "-" if share != share else f"{100 * share:.1f}%"


def _interval(low: float, high: float) -> str:
    return "-" if low != low else f"[{100 * low:.1f}, {100 * high:.1f}]"


def _figure(value: float) -> str:
    return "-" if value != value else f"{value:.2f}"
