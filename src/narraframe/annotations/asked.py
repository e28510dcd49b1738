"""What a labelling page asks, read from its XML; the page may have been edited by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import ParseError, fromstring

from narraframe.errors import InputError

Asked = Mapping[str, Mapping[str, frozenset[str]]]

_KINDS = {"Choices": "choices", "Taxonomy": "taxonomy"}


def asked_labels(page: str) -> Asked:
    """Return, by name of the control and kind of result, the ids that can be ticked.

    Raises
    ------
    InputError
        If `page` is not XML.
    """
    try:
        # the parser itself stops entities that would blow up
        root = fromstring(page)  # noqa: S314
    except ParseError as error:
        raise InputError(f"label_config is not XML: {error}") from error
    return {
        control.get("name", ""): {
            kind: frozenset(
                choice.get("alias", choice.get("value", "")) for choice in control.iter("Choice")
            )
        }
        for tag, kind in _KINDS.items()
        for control in root.iter(tag)
    }


def on_page(results: Sequence[Mapping[str, Any]], asked: Asked) -> list[dict[str, Any]]:
    """Return the results without the ticks that the page has no place for.

    Parameters
    ----------
    results : sequence of mapping
        From `prediction_results`.
    asked : mapping
        From `asked_labels`.
    """
    kept = []
    for result in results:
        kind = result["type"]
        have = asked.get(result["from_name"], {}).get(kind, frozenset())
        ticks = [tick for tick in result["value"][kind] if have.issuperset(_ids(tick))]
        if ticks:
            kept.append({**result, "value": {kind: ticks}})
    return kept


def _ids(tick: str | Sequence[str]) -> Sequence[str]:
    """Return a choice, or the path of a taxonomy, as ids."""
    return [tick] if isinstance(tick, str) else tick
