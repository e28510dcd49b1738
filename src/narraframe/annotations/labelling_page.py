"""The labelling page: the codebook as Label Studio shows it, and how another page differs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError, SubElement, fromstring, indent, tostring

from narraframe.annotations.controls import EVIDENCE, NOTE, TEXT, is_taxonomy, leaves
from narraframe.errors import CodebookError
from narraframe.records import Codebook, Facet, Label

# Label Studio takes r, u and h for itself, or did.
_CHOICE_KEYS, _EVIDENCE_KEYS = "1234567890qwetyiopasdfgjkl", "zxcvbnm"
# Told apart by people who do not see all colours (Okabe and Ito 2008).
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_SEPARATOR = " › "
# Label Studio puts the task's data in the place of such words.
_VARIABLE = re.compile(r"\$(?=[\w\[\].{}])")
_WORD_JOINER = "\u2060"
_CONTROLS = ("Choices", "Labels", "Taxonomy", "TextArea")
# Without ">": the page would show it as "&gt;".
_STYLE = """
.nf-page { display: flex; gap: 28px; align-items: flex-start; }
.nf-post { flex: 11; min-width: 0; position: sticky; top: 0; overflow-y: auto; \
max-height: calc(100vh - 130px); }
.nf-post .lsf-labels { position: sticky; top: 0; z-index: 1; margin: 0; padding: 8px 0; \
background: var(--color-neutral-background); }
.nf-post .lsf-htx-richtext { font-size: 16px; line-height: 1.6; }
.nf-source { display: flex; flex-wrap: wrap; column-gap: 14px; opacity: 0.75; }
.nf-source h4, .nf-questions h4 { font-size: 16px; line-height: 1.35; margin: 4px 0 !important; }
.nf-answers h4 { font-size: 14px; font-weight: 400; line-height: 1.5; white-space: pre-line; }
.nf-questions { flex: 9; min-width: 0; }
.nf-question { padding-bottom: 10px; }
.nf-question .lsf-choices, .nf-question .lsf-taxonomy { margin: 6px 0 0; }
.nf-question .lsf-choice, .nf-question .lsf-choice label { line-height: 28px; }
.nf-question .htx-taxonomy { width: 100%; }
[data-testid="tooltip"] { max-width: 460px; white-space: pre-line; font-size: 13px; \
line-height: 1.4; }
.htx-taxonomy-dropdown .ant-select-tree-checkbox-disabled { display: none; }
.nf-guidelines { line-height: 1.5; }
.nf-guidelines h1, .nf-guidelines h2, .nf-guidelines h3 { font-size: 18px; font-weight: 600; \
margin: 18px 0 6px; }
.nf-guidelines p, .nf-guidelines li, .nf-guidelines table { margin: 0 0 8px; }
.nf-guidelines ul, .nf-guidelines ol { list-style: disc; padding-left: 24px; }
.nf-guidelines ol { list-style: decimal; }
.nf-guidelines th, .nf-guidelines td { padding: 3px 10px 3px 0; text-align: left; \
vertical-align: top; border-bottom: 1px solid var(--color-neutral-border); }
"""


@dataclass(frozen=True)
class Control:
    """One control: `kind` in words; `labels` as they are stored; whether it `is_required`."""

    kind: str
    labels: frozenset[str]
    is_required: bool = False


def labelling_page(codebook: Codebook, *, answers: bool = False) -> str:
    """Return the page of `codebook` as Label Studio's XML: the post left, the questions right.

    Each facet is a question, named by its id; labels are stored by their ids, so that their names
    may change. Passages that carry a facet are marked in the text; a note may be left.

    Parameters
    ----------
    answers : bool, default=False
        Show the task's `answers` above the post: what the annotators said, for who settles it.
    """
    page = Element("View", className="nf-page")
    style = SubElement(page, "Style")
    style.text = _STYLE
    _add_post(page, codebook, answers=answers)
    questions = SubElement(page, "View", className="nf-questions")
    keys = _keys(codebook)
    for facet in codebook.facets:
        _add_question(questions, facet, codebook, keys)
    _add_note(questions)
    indent(page)
    return tostring(page, encoding="unicode") + "\n"


def page_controls(xml: str) -> Mapping[str, Control]:
    """Return the controls of a page by name; what the page looks like does not count.

    Raises
    ------
    CodebookError
        If `xml` is none.
    """
    return {
        str(element.get("name")): _control(element)
        for element in _parsed(xml).iter()
        if element.tag in _CONTROLS
    }


def page_differences(xml: str, codebook: Codebook) -> tuple[str, ...]:
    """Say what the page `xml` asks otherwise than the page of `codebook`, a clause each.

    Raises
    ------
    CodebookError
        If `xml` is none.
    """
    there, here = page_controls(xml), page_controls(labelling_page(codebook))
    return (
        *_text_difference(xml),
        *(f"{name} is missing there" for name in here if name not in there),
        *(f"{name} is there, but not in the codebook" for name in there if name not in here),
        *(
            clause
            for name in here
            if name in there
            for clause in _differences(name, there[name], here[name])
        ),
    )


def _add_post(page: Element, codebook: Codebook, *, answers: bool) -> None:
    post = SubElement(page, "View", className="nf-post")
    source = SubElement(post, "View", className="nf-source")
    SubElement(source, "Header", value="$channel", size="5")
    SubElement(source, "Header", value="$date", size="5")
    if answers:
        place = SubElement(post, "View", className="nf-answers")
        SubElement(place, "Header", value="$answers", size="5")
    several = [facet for facet in codebook.facets if facet.choice == "multiple"]
    if several:
        evidence = SubElement(post, "Labels", name=EVIDENCE, toName=TEXT, showInline="true")
        for number, facet in enumerate(several):
            label = SubElement(
                evidence,
                "Label",
                value=_shown(f"Evidence: {facet.name}"),
                alias=facet.facet_id,
                background=_COLOURS[number % len(_COLOURS)],
            )
            if number < len(_EVIDENCE_KEYS):
                label.set("hotkey", _EVIDENCE_KEYS[number])
    SubElement(post, "Text", name=TEXT, value=f"${TEXT}", granularity="word")


def _add_question(
    questions: Element, facet: Facet, codebook: Codebook, keys: Mapping[str, str]
) -> None:
    question = SubElement(questions, "View", className="nf-question")
    SubElement(question, "Header", value=_shown(facet.question or facet.name), size="5")
    options = {"name": facet.facet_id, "toName": TEXT}
    if facet.required:
        options |= {"required": "true", "requiredMessage": f"Please answer: {facet.name}"}
    names = _names(facet, codebook)
    if is_taxonomy(codebook, facet):
        options |= {"leafsOnly": "true", "showFullPath": "true", "pathSeparator": _SEPARATOR}
        control = SubElement(question, "Taxonomy", options)
        places: dict[str | None, Element] = {None: control}
        for label_id in codebook.facet_label_ids(facet.facet_id):
            label = codebook.by_id[label_id]
            places[label_id] = _add_choice(places[label.parent], label, names[label_id])
        return
    options["choice"] = "single-radio" if facet.choice == "single" else "multiple"
    control = SubElement(question, "Choices", options)
    for label_id in leaves(codebook, facet):
        choice = _add_choice(control, codebook.by_id[label_id], names[label_id])
        if label_id in keys:
            choice.set("hotkey", keys[label_id])


def _add_choice(place: Element, label: Label, name: str) -> Element:
    choice = SubElement(place, "Choice", value=name, alias=label.label_id)
    if hint := _hint(label):
        choice.set("hint", hint)
    return choice


def _add_note(questions: Element) -> None:
    collapse = SubElement(questions, "Collapse")
    panel = SubElement(collapse, "Panel", value="Note")
    SubElement(
        panel,
        "TextArea",
        name=NOTE,
        toName=TEXT,
        rows="2",
        maxSubmissions="1",
        # with a button, a note that was typed but not added would be lost
        showSubmitButton="false",
        placeholder="What was hard to decide?",
    )


def _names(facet: Facet, codebook: Codebook) -> dict[str, str]:
    """Return what each label of a facet is called; of two with one name, only one would show."""
    labels = [codebook.by_id[label_id] for label_id in codebook.facet_label_ids(facet.facet_id)]
    times = Counter(_shown(label.name) for label in labels)
    return {
        label.label_id: shown if times[shown] == 1 else f"{shown} ({label.label_id})"
        for label in labels
        for shown in (_shown(label.name),)
    }


def _keys(codebook: Codebook) -> dict[str, str]:
    """Return a key for each choice in sight, in order; a facet gets keys for all or for none."""
    keys: dict[str, str] = {}
    for facet in codebook.facets:
        ids = () if is_taxonomy(codebook, facet) else leaves(codebook, facet)
        left = _CHOICE_KEYS[len(keys) :]
        if len(ids) <= len(left):
            keys |= dict(zip(ids, left, strict=False))
    return keys


def _hint(label: Label) -> str:
    return "\n".join(part for part in (label.definition, label.include, label.exclude) if part)


def _shown(text: str) -> str:
    return _VARIABLE.sub(f"${_WORD_JOINER}", text)


def _differences(name: str, there: Control, here: Control) -> Iterator[str]:
    if there.kind != here.kind:
        yield f"{name} is a {there.kind} there, not a {here.kind}"
    if there.is_required != here.is_required:
        yield f"{name} {'must' if there.is_required else 'need not'} be answered there"
    for label_id in sorted(here.labels - there.labels):
        yield f"{name}: label {label_id} is missing there"
    for label_id in sorted(there.labels - here.labels):
        yield f"{name}: label {label_id} is there, but not in the codebook"


def _text_difference(xml: str) -> Iterator[str]:
    texts = {(e.get("name"), e.get("value")) for e in _parsed(xml).iter("Text")}
    if (TEXT, f"${TEXT}") not in texts:
        yield f"the post's text, named {TEXT}, is not shown there"


def _control(element: Element) -> Control:
    kind = {
        "Taxonomy": "taxonomy",
        "Labels": "set of marks for passages",
        "TextArea": "text field",
        "Choices": f"{element.get('choice', 'single')} choice",
    }[element.tag]
    options = (*element.iter("Choice"), *element.iter("Label"))
    # Label Studio stores the shown value where there is no alias
    labels = frozenset(str(option.get("alias") or option.get("value")) for option in options)
    return Control(kind, labels, element.get("required", "").lower() == "true")


def _parsed(xml: str) -> Element:
    try:
        return fromstring(xml)  # noqa: S314  expat refuses entities that grow
    except ParseError as error:
        raise CodebookError(
            f"the labelling page is no XML: {error}",
            remedy="Write it again with: narraframe codebook config.",
        ) from error
