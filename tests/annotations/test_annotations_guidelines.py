"""Guidelines as HTML."""

from narraframe.annotations.guidelines import guidelines_html


def test_guidelines_become_plain_html_without_line_breaks():
    markdown = "# Read\nBoth *lines*\nare one.\n\n- a\n- b\n\n| A | B |\n| - | - |\n| 1 | `x` |\n"
    assert guidelines_html(markdown) == (
        '<div class="nf-guidelines"><h1>Read</h1><p>Both <em>lines</em> are one.</p>'
        "<ul><li>a</li><li>b</li></ul>"
        "<table><thead><tr><th>A</th><th>B</th></tr></thead>"
        "<tbody><tr><td>1</td><td><code>x</code></td></tr></tbody></table></div>"
    )


def test_html_and_images_in_guidelines_do_nothing():
    html = guidelines_html("<script>a()</script> ![x](http://a/b.png) [l](javascript:a)")
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html


def test_no_guidelines_are_no_instructions():
    assert guidelines_html("\n") == ""
