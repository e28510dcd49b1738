/* The theme map: a scatter of posts, coloured by choice, searched, zoomed, read by click. */
(() => {
  "use strict";

  const report = window.narraframe;
  const { data, make, numbers, colour, post } = report;
  const element = document.getElementById("map-chart");
  if (!element) return;

  const posts = data.posts;
  const { onMap, rowsWhere } = report;
  const LISTED = 50;
  const TIP_CHARACTERS = 200;
  const NAMES_FIT = 700; // pixels: below this width theme names would cover the map
  const [NAME_WIDTH, NAME_LINE, NAME_CHARACTER] = [150, 15, 7.2]; // pixels
  const state = { by: "theme", only: null, words: [], found: null, row: null };
  const haystack = posts.text.map((text, row) => `${text}\n${post.channel(row)}`.toLowerCase());

  function points(rows) {
    return rows.map((row) => [posts.x[row], posts.y[row], row]);
  }

  function visible(category, row) {
    if (state.only !== null && category.key !== state.only) return false;
    return state.found === null || state.found.has(row);
  }

  function series(list) {
    const size = onMap.length > 5000 ? 5 : onMap.length > 1000 ? 7 : 10;
    const dimmed = state.only !== null || state.found !== null;
    const drawn = [];
    for (const category of list) {
      const bright = dimmed ? category.rows.filter((row) => visible(category, row)) : category.rows;
      const base = { type: "scatter", name: category.name, symbol: category.shape, itemStyle: { color: category.colour } };
      if (dimmed) {
        const keep = new Set(bright);
        const rest = category.rows.filter((row) => !keep.has(row));
        drawn.push({ ...base, data: points(rest), symbolSize: size * 0.7, itemStyle: { color: colour("noise"), opacity: 0.3 } });
      }
      const edge = state.found === null ? colour("card") : colour("ink");
      const opacity = category.grey && state.found === null ? 0.75 : 0.9;
      drawn.push({
        ...base, data: points(bright), symbolSize: state.found === null ? size : size * 1.35,
        itemStyle: { color: category.colour, opacity, borderColor: category.shape === "emptyCircle" ? category.colour : edge, borderWidth: 0.7 },
        z: dimmed ? 4 : category.grey ? 2 : 3,
      });
    }
    if (state.row !== null && posts.x[state.row] !== null) drawn.push(ring(size));
    if (state.by === "theme" && !dimmed && element.clientWidth >= NAMES_FIT) drawn.push(names([]));
    return drawn;
  }

  function ring(size) {
    return {
      id: "chosen", type: "scatter", data: points([state.row]), symbol: "circle", symbolSize: size * 2.4, silent: true,
      itemStyle: { color: "transparent", borderColor: colour("ink"), borderWidth: 2 }, z: 6,
    };
  }

  function names(middles) {
    return {
      id: "names", type: "scatter", symbolSize: 0.01, silent: true, z: 5, data: middles,
      label: {
        show: true, formatter: (item) => item.name, color: colour("ink"), fontWeight: 600, fontSize: 12,
        lineHeight: NAME_LINE, textBorderColor: colour("paper"), textBorderWidth: 4, width: NAME_WIDTH, overflow: "break",
      },
    };
  }

  /* Names of themes at their middle, largest theme first; one that would cover another is left out. */
  function placeNames(instance) {
    if (!instance.getOption().series.some((one) => one.id === "names")) return;
    const placed = [];
    const middles = [];
    data.themes.forEach((name, at) => {
      const rows = rowsWhere(posts.theme, at);
      if (!rows.length) return;
      const value = [median(rows.map((row) => posts.x[row])), median(rows.map((row) => posts.y[row]))];
      const [x, y] = instance.convertToPixel({ gridIndex: 0 }, value);
      const long = name.length * NAME_CHARACTER;
      const box = { x, y, w: Math.min(long, NAME_WIDTH), h: Math.ceil(long / NAME_WIDTH) * NAME_LINE + 4 };
      if (placed.some((one) => covers(one, box))) return;
      placed.push(box);
      middles.push({ name, value });
    });
    instance.setOption({ series: [names(middles)] });
  }

  function covers(one, other) {
    return Math.abs(one.x - other.x) < (one.w + other.w) / 2 && Math.abs(one.y - other.y) < (one.h + other.h) / 2;
  }

  function median(values) {
    return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
  }

  function tip(item) {
    const row = item.data[2];
    const box = make("div");
    box.append(make("strong", "", post.channel(row)), make("div", "soft", `${post.date(row)} · ${post.theme(row)}`));
    const text = make("p", "", post.excerpt(row, TIP_CHARACTERS));
    text.dir = "auto";
    box.append(text);
    return box;
  }

  function range(column) {
    const values = onMap.map((row) => column[row]);
    let [low, high] = [Infinity, -Infinity];
    for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
    const edge = Math.max((high - low) * 0.05, 1);
    return { type: "value", show: false, min: low - edge, max: high + edge };
  }

  function draw() {
    report.drawn.set(element, draw);
    const before = echarts.getInstanceByDom(element)?.getOption()?.dataZoom;
    const zoom = (i) => ({ type: "inside", filterMode: "none", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false,
      [i ? "yAxisIndex" : "xAxisIndex"]: 0, start: before?.[i]?.start ?? 0, end: before?.[i]?.end ?? 100 });
    const list = report.categories(state.by).map((category, key) => ({ ...category, key }));
    const instance = report.draw(element, {
      grid: { left: 4, right: 4, top: 4, bottom: 4 },
      xAxis: range(posts.x), yAxis: range(posts.y),
      dataZoom: [zoom(0), zoom(1)],
      tooltip: report.tooltip("item", tip),
      series: series(list),
    }, "canvas");
    instance.off("click");
    instance.on("click", (item) => select(item.data[2]));
    instance.off("datazoom");
    instance.on("datazoom", () => placeNames(instance));
    placeNames(instance);
    legend(list);
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
    draw();
  }

  function search(text) {
    state.words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const hits = state.words.length
      ? haystack.map((_, row) => row).filter((row) => state.words.every((word) => haystack[row].includes(word)))
      : null;
    state.found = hits && new Set(hits);
    list(hits);
    draw();
  }

  function list(hits) {
    const status = document.getElementById("matches");
    const target = document.getElementById("match-list");
    target.replaceChildren();
    status.textContent = "";
    if (!hits) return;
    const away = hits.filter((row) => posts.x[row] === null).length;
    status.textContent = `${numbers.format(hits.length)} of ${numbers.format(posts.text.length)} posts match`
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
    data.labels.forEach((label, at) => {
      if (!label.posts.length) return;
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

  /* Zoom by `factor` around the middle and move by shares of what is seen. */
  function zoom(factor, right = 0, up = 0) {
    const instance = echarts.getInstanceByDom(element);
    const windows = instance.getOption().dataZoom;
    const batch = windows.map(({ start, end }, i) => {
      const span = Math.min(100, Math.max(1, (end - start) * factor));
      const middle = (start + end) / 2 + (i ? up : right) * (end - start);
      const low = Math.min(100 - span, Math.max(0, middle - span / 2));
      return { dataZoomIndex: i, start: factor ? low : 0, end: factor ? low + span : 100 };
    });
    instance.dispatchAction({ type: "dataZoom", batch });
  }

  const KEYS = {
    "+": [0.7], "=": [0.7], "-": [1 / 0.7], 0: [0],
    ArrowLeft: [1, -0.2, 0], ArrowRight: [1, 0.2, 0], ArrowUp: [1, 0, 0.2], ArrowDown: [1, 0, -0.2],
  };

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
      button.addEventListener("click", () => zoom(...step));
    }
    element.addEventListener("keydown", (event) => {
      const step = KEYS[event.key];
      if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      zoom(...step);
    });
  }

  fillLabels();
  listen();
  report.map = { element, draw, select };
})();
