/* The theme map: posts coloured by choice, searched, zoomed, read by pointer and by keyboard. */
window.narraframe.whenUnpacked((posts) => {
  "use strict";

  const report = window.narraframe;
  const { make, numbers, colour, post, onMap } = report;
  const element = document.getElementById("map-chart");
  if (!element) return;

  const LISTED = 50;
  const TIP_CHARACTERS = 200;
  const MANY = 1500; // posts
  const FOR_NAMES = 20000; // marks: from that many it is known as well where they lie
  const OF_A_THEME = 400;
  const state = { by: "theme", only: null, found: null, row: null, near: -1, names: [], layers: [], list: [] };
  const tip = make("div", "tip map-tip");
  let haystack = null;
  tip.hidden = true;
  element.append(tip);

  /* Size and opacity of a mark: the more posts, the smaller and fainter; nearer, larger again. */
  function mark() {
    const n = Math.max(onMap.length, 1);
    const zoomed = 100 / Math.min(...map.windows().map(([start, end]) => end - start));
    const size = Math.min(10, Math.max(2.5, 60 / n ** 0.3)) * Math.min(2.5, zoomed ** 0.4);
    return { size: Math.min(11, size), opacity: Math.min(0.92, Math.max(0.3, 3 / n ** 0.17)) };
  }

  /* What is painted, the lowest first: {id, rows, factor of the size, ...}. */
  function layers() {
    const { opacity } = mark();
    const dimmed = state.only !== null || state.found !== null;
    const [rest, bright] = [[], []];
    for (const category of state.list) {
      const is = (row) => (state.only === null || category.key === state.only) && (!state.found || state.found[row]);
      const rows = dimmed ? category.rows.filter(is) : category.rows;
      const base = { shape: category.shape, colour: category.colour };
      if (dimmed) {
        rest.push({ ...base, id: `rest-${category.key}`, rows: category.rows.filter((row) => !is(row)),
          factor: 0.7, colour: colour("noise"), opacity: 0.25, edgeWidth: 0 });
      }
      const pale = category.grey && !state.found;
      bright.push({
        ...base, id: `bright-${category.key}`, rows, factor: state.found ? 1.35 : pale ? 0.8 : 1,
        opacity: dimmed ? Math.max(0.75, opacity) : opacity * (pale ? 0.6 : 1), ...edge(category, pale), grey: category.grey,
      });
    }
    return [...rest, ...bright.filter((one) => one.grey), ...bright.filter((one) => !one.grey)];
  }

  /* A thin edge tells marks apart; around thousands of them, edges would be all that is seen. */
  function edge(category, pale) {
    if (category.shape === "emptyCircle") return { edge: category.colour, edgeWidth: 0.7 };
    if (state.found) return { edge: colour("ink"), edgeWidth: 0.7 };
    return { edge: colour("card"), edgeWidth: pale || onMap.length > MANY ? 0 : 0.7 };
  }

  function paint(canvas, lens, ratio) {
    const { size } = mark();
    const sized = state.layers.map((one) => ({ ...one, size: size * one.factor * ratio, edgeWidth: one.edgeWidth * ratio }));
    report.paintMarks(canvas, colour("paper"), sized, posts, lens);
  }

  function above(pencil, lens) {
    report.writeNames(pencil, state.names.map((name) => ({ ...name, place: lens.at(name.value) })));
    for (const [row, width] of [[state.near, 1.5], [state.row ?? -1, 2]]) {
      if (row < 0 || posts.x[row] < 0) continue;
      pencil.beginPath();
      pencil.arc(...lens.pixel(row), mark().size / 2 + 5, 0, 2 * Math.PI);
      pencil.strokeStyle = colour("ink");
      pencil.lineWidth = width;
      pencil.stroke();
    }
  }

  /* Names for the themes that are seen, largest first; none while posts are sought. */
  function placeNames() {
    state.names = [];
    if (state.by !== "theme" || state.found) return;
    const { pixel, value, width, height } = map.lens();
    const some = (rows, most) => rows.filter((_, i) => i % Math.ceil(rows.length / most) === 0);
    const themes = report.data.themes.map((theme, at) => ({ ...theme, points: () => some(report.byTheme[at], OF_A_THEME).map(pixel) }))
      .filter((_, at) => state.only === null || state.only === at + 1); // the first category is noise
    const marks = Array.from(some(onMap, FOR_NAMES), pixel);
    const boxes = report.placeNames(themes, marks, { width, height, radius: mark().size / 2 });
    state.names = boxes.map((box) => ({ text: box.text, value: value(box) }));
  }

  function describe(row) {
    tip.replaceChildren(make("strong", "", post.theme(row)), make("div", "soft", `${post.channel(row)} · ${post.date(row)}`));
    const text = make("p", "", post.excerpt(row, TIP_CHARACTERS));
    text.dir = "auto";
    tip.append(text);
    const labels = post.labels(row);
    if (labels.length) tip.append(make("div", "soft", labels.slice(0, 3).join("; ")));
  }

  function hover(row, place) {
    if (row !== state.near) {
      state.near = row;
      if (row >= 0) describe(row);
      map.canvas.classList.toggle("on-mark", row >= 0);
      map.ask();
    }
    tip.hidden = row < 0;
    if (row < 0 || !place) return;
    const [width, height] = [element.clientWidth, element.clientHeight];
    tip.style.left = `${Math.max(4, Math.min(place[0] + 14, width - tip.offsetWidth - 4))}px`;
    const below = place[1] + 16 + tip.offsetHeight < height;
    tip.style.top = `${Math.max(4, below ? place[1] + 16 : place[1] - tip.offsetHeight - 12)}px`;
  }

  function draw() {
    state.list = report.categories(state.by).map((category, key) => ({ ...category, key }));
    state.layers = layers();
    placeNames();
    map.draw();
    report.drawn.set(element, draw);
    legend(state.list);
  }

  function legend(list) {
    const title = document.getElementById("colour-by").selectedOptions[0].textContent;
    document.getElementById("legend-title").textContent = title;
    const entries = [...list.filter((one) => !one.grey), ...list.filter((one) => one.grey)];
    const items = entries.filter((one) => one.rows.length).map((category) => {
      const button = make("button", "legend");
      button.type = "button";
      button.dataset.key = category.key;
      button.setAttribute("aria-pressed", String(state.only === category.key));
      const name = make("span", "", category.name);
      name.dir = "auto";
      button.append(report.swatch(category.shape, category.colour), name, make("b", "", numbers.format(category.rows.length)));
      button.addEventListener("click", () => {
        state.only = state.only === category.key ? null : category.key;
        draw();
        document.querySelector(`#legend [data-key="${category.key}"]`).focus();
      });
      const item = make("li");
      item.append(button);
      return item;
    });
    document.getElementById("legend").replaceChildren(...items);
  }

  function select(row, options) {
    state.row = row;
    post.show(row, options);
    map.ask();
  }

  /* Picks out the posts of one theme, as its entry beside the map does. */
  function pickOut(theme) {
    document.getElementById("colour-by").value = "theme";
    Object.assign(state, { by: "theme", only: theme + 1 });
    draw();
    const entry = document.querySelector('#legend [aria-pressed="true"]');
    entry?.scrollIntoView({ block: "nearest" });
    element.scrollIntoView({ block: "center" });
    entry?.focus({ preventScroll: true });
  }

  function search(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    haystack ??= Array.from({ length: posts.n }, (_, row) => `${post.text(row) ?? ""}\n${post.channel(row)}`.toLowerCase());
    const hits = [];
    if (words.length) haystack.forEach((hay, row) => words.every((word) => hay.includes(word)) && hits.push(row));
    state.found = words.length ? new Uint8Array(posts.n) : null;
    for (const row of hits) state.found[row] = 1;
    list(words.length ? hits : null);
    draw();
  }

  function list(hits) {
    const status = document.getElementById("matches");
    const target = document.getElementById("match-list");
    target.replaceChildren();
    status.textContent = "";
    if (!hits) return;
    const away = hits.filter((row) => posts.x[row] < 0).length;
    status.textContent = `${numbers.format(hits.length)} of ${numbers.format(posts.n)} posts ${hits.length === 1 ? "matches" : "match"}`
      + (away ? `, ${numbers.format(away)} of them not on the map` : "")
      + (hits.length > LISTED ? `; the first ${LISTED} are listed below the map` : "");
    target.append(...hits.slice(0, LISTED).map(entry));
  }

  function entry(row) {
    const item = make("li");
    const button = make("button", "link");
    const text = make("span", "", post.excerpt(row, 120));
    button.type = "button";
    text.dir = "auto";
    button.append(make("b", "", `${post.channel(row)} · ${post.date(row)}`), text);
    button.addEventListener("click", () => select(row, { move: true }));
    item.append(button);
    return item;
  }

  function fillLabels() {
    const chooser = document.getElementById("colour-by");
    let group = null;
    report.labels.forEach((label, at) => {
      if (!label.rows.length) return;
      if (group?.label !== `Label: ${label.facet}`) {
        group = make("optgroup");
        group.label = `Label: ${label.facet}`;
        chooser.append(group);
      }
      const option = make("option", "", label.name);
      option.value = `label:${at}`;
      group.append(option);
    });
  }

  const KEYS = {
    "+": [0.7], "=": [0.7], "-": [1 / 0.7], 0: [0],
    ArrowLeft: [1, -0.2, 0], ArrowRight: [1, 0.2, 0], ArrowUp: [1, 0, 0.2], ArrowDown: [1, 0, -0.2],
  };

  /* The keyboard's hover: the post nearest to the middle of what is seen. */
  function readMiddle() {
    const middle = [element.clientWidth / 2, element.clientHeight / 2];
    const row = map.nearest(middle, Math.hypot(...middle));
    hover(row, row < 0 ? null : map.lens().pixel(row));
    const said = row < 0 ? "No post here." : `${post.theme(row)}. ${post.channel(row)}, ${post.date(row)}. ${post.excerpt(row, TIP_CHARACTERS)}`;
    document.getElementById("map-said").textContent = said;
  }

  function listen() {
    const tools = document.getElementById("map-tools");
    tools.addEventListener("submit", (event) => event.preventDefault());
    document.getElementById("colour-by").addEventListener("change", (event) => {
      Object.assign(state, { by: event.target.value, only: null });
      draw();
    });
    let wait = 0;
    document.getElementById("search").addEventListener("input", (event) => {
      clearTimeout(wait);
      wait = setTimeout(() => search(event.target.value), 150);
    });
    for (const button of tools.querySelectorAll("[data-zoom]")) {
      const step = { in: [0.7], out: [1 / 0.7], all: [0] }[button.dataset.zoom];
      button.addEventListener("click", () => map.zoom(...step));
    }
    element.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const step = KEYS[event.key];
      if (step) map.zoom(...step);
      if (step) readMiddle();
      else if (event.key === "Enter" && state.near >= 0) select(state.near, { move: true });
      else if (event.key === "Escape") hover(-1);
      else return;
      event.preventDefault();
    });
  }

  const map = report.mapCanvas(element, {
    paint, above,
    on: {
      hover, resized: draw, rest: placeNames,
      choose: (row) => row >= 0 && select(row),
      mayBeRead: (row) => (state.found ? state.found[row] === 1 : true),
    },
  });
  fillLabels();
  listen();
  report.map = {
    element, draw, select, pickOut, windows: map.windows, look: map.look, took: map.took,
    pixel: (row) => map.lens().pixel(row),
    names: () => state.names.map(({ text }) => text),
    layers: () => state.layers.map(({ id, rows, factor, opacity }) => ({ id, n: rows.length, size: factor * mark().size, opacity })),
  };
  draw();
});
