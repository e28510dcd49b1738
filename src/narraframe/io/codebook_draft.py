"""One label as TOML to be pasted at the end of a codebook."""

from __future__ import annotations

import tomli_w

from narraframe.records import Label, ThemeSummary


def draft_toml(label: Label, summary: ThemeSummary, *, version: str) -> str:
    """Return `label` as TOML, under what to do with it as comments.

    Parameters
    ----------
    label : Label
    summary : ThemeSummary
        The theme that it was drafted from.
    version : str
        Of the codebook that it is for.
    """
    row = {
        "id": label.label_id,
        "facet": label.facet_id,
        "name": label.name,
        "definition": label.definition,
        "include": label.include,
        "exclude": label.exclude,
        "examples": list(label.examples),
        "source": label.source,
    }
    head = [
        f"# A draft from theme T{summary.theme}, to be finished by you: id, name, definition,",
        "# include, exclude; keep the examples that fit. Then paste it at the end of the codebook,",
        f'# raise its version (now {version}), and add  since = "THE NEW VERSION"  here, so that',
        "# posts annotated before do not count as asked for it.",
    ]
    return "\n".join(head) + "\n" + tomli_w.dumps({"labels": [row]}, multiline_strings=False)
