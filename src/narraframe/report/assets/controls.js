/* Everything else that answers the reader: what is drawn, light and dark, print, opening posts. */
(() => {
  "use strict";

  const report = window.narraframe;
  const { data, drawn, groups } = report;
  const root = document.documentElement;
  const SVG = "http://www.w3.org/2000/svg";

  report.swatch = (shape, fill) => {
    const svg = document.createElementNS(SVG, "svg");
    const path = document.createElementNS(SVG, "path");
    svg.setAttribute("viewBox", "0 0 12 12");
    svg.setAttribute("class", "mark");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", report.PATHS[shape]);
    path.setAttribute("fill", shape === "emptyCircle" ? "none" : fill);
    path.setAttribute("stroke", fill);
    svg.append(path);
    return svg;
  };

  /* The marks beside names in tables: the colour in which their line is drawn, or none. */
  function paintSwatches() {
    for (const place of document.querySelectorAll(".swatch")) {
      const { group, key } = place.dataset;
      const slots = groups.get(group)?.slots;
      const fixed = group === "themes";
      const slot = fixed ? Number(key) : slots?.get(key);
      const shown = slot !== undefined && (!fixed || !place.closest("table") || slots?.has(key));
      place.replaceChildren(...(shown ? [report.swatch(report.slotShape(slot), report.slotColour(slot))] : []));
    }
  }

  /* The key above the charts of a group: mark and name of everything drawn. */
  function writeKeys() {
    for (const place of document.querySelectorAll("[data-key-of]")) {
      const name = place.dataset.keyOf;
      const spec = Object.values(data.charts).find((one) => one.group === name);
      const entries = [...groups.get(name).slots].map(([id, slot]) => {
        const at = spec.fixed ? Number(id) : slot;
        const text = report.make("span", "", spec.variants.posts.series.find((one) => one.id === id).name);
        const entry = report.make("li");
        text.dir = "auto";
        entry.append(report.swatch(report.slotShape(at), report.slotColour(at)), text);
        return entry;
      });
      place.replaceChildren(...entries);
    }
  }

  function redrawGroup(name) {
    for (const [element, redraw] of drawn) {
      if ((data.charts[element.dataset.chart]?.group ?? element.dataset.chart) === name) redraw();
    }
    paintSwatches();
    writeKeys();
  }

  function listen() {
    document.addEventListener("change", ({ target }) => {
      const group = groups.get(target.dataset?.group);
      if (!group) return;
      if (target.type === "radio" || target.tagName === "SELECT") {
        group.variant = target.value;
        target.closest("[data-panel]").dataset.count = target.value;
      } else report.choose(target.dataset.group, target.value, target.checked);
      redrawGroup(target.dataset.group);
    });
    document.addEventListener("click", ({ target }) => {
      const theme = target.closest("[data-theme]")?.dataset.theme;
      if (theme !== undefined) report.map?.pickOut(Number(theme));
      const row = target.closest("[data-post]")?.dataset.post;
      if (row === undefined) return;
      if (report.map) report.map.select(Number(row), { move: true });
      else report.post?.show(Number(row), { move: true });
    });
  }

  /* A link to a card that is folded away opens the fold. */
  function unfold() {
    const card = document.getElementById(location.hash.slice(1));
    const fold = card?.closest("details");
    if (!fold || fold.open) return;
    fold.open = true;
    card.scrollIntoView();
  }

  /* Charts are drawn when they come near the screen: a hundred themes need no hundred charts. */
  function drawWhenNear() {
    const places = [...document.querySelectorAll("[data-chart]")];
    const seen = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        seen.unobserve(target);
        report.drawChart(target);
      }
    }, { rootMargin: "800px" });
    places.forEach((place) => seen.observe(place));
    return () => places.filter((place) => !drawn.has(place)).forEach(report.drawChart);
  }

  function repaint() {
    report.redrawAll();
    paintSwatches();
    writeKeys();
  }

  function schemes() {
    const button = document.getElementById("scheme");
    const system = matchMedia("(prefers-color-scheme: dark)");
    const dark = () => (root.dataset.scheme ? root.dataset.scheme === "dark" : system.matches);
    const tell = () => {
      button.setAttribute("aria-pressed", String(dark()));
      repaint();
    };
    button.addEventListener("click", () => {
      root.dataset.scheme = dark() ? "light" : "dark";
      tell();
    });
    system.addEventListener("change", tell);
    tell();
  }

  /* Paper is white and narrow: charts are drawn light, and scaled by the style sheet for print. The
     label cards, a page each, are printed where the reader has opened them. */
  function printing(drawAll) {
    let scheme;
    let folded = [];
    addEventListener("beforeprint", () => {
      scheme = root.dataset.scheme;
      root.dataset.scheme = "light";
      folded = [...document.querySelectorAll("details:not([open], .label-card)")];
      for (const fold of folded) fold.open = true;
      drawAll();
      repaint();
      for (const svg of document.querySelectorAll(".chart svg")) {
        svg.setAttribute("viewBox", `0 0 ${svg.getAttribute("width")} ${svg.getAttribute("height")}`);
      }
    });
    addEventListener("afterprint", () => {
      if (scheme) root.dataset.scheme = scheme;
      else delete root.dataset.scheme;
      for (const fold of folded) fold.open = false;
      repaint();
    });
  }

  listen();
  addEventListener("hashchange", unfold);
  unfold();
  const drawAll = drawWhenNear();
  schemes();
  printing(drawAll);
  report.unpack();
})();
