"""The guidelines for annotators as HTML, for the labelling project's instructions."""

from __future__ import annotations


def guidelines_html(guidelines: str) -> str:
    """Return Markdown `guidelines` as HTML, "" as it is; no HTML in them is used, no image loads.

    What they look like is said by the labelling page, over which Label Studio shows them.
    """
    if not guidelines.strip():
        return ""
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    # Label Studio shows every line break of the HTML
    markdown.add_render_rule("softbreak", lambda *_: " ")
    html: str = markdown.render(guidelines)
    flat = html.replace(">\n", ">").replace("\n<", "<")
    return f'<div class="nf-guidelines">{flat}</div>'
