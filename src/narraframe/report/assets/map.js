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
  const MANY = 1500; // posts
  const EDGE = 4; // pixels
  const AXES = ["across", "up"];
  const state = { by: "theme", only: null, found: null, row: null, zoom: [[0, 100], [0, 100]] };
  const factors = new Map(); // id of a series -> size of its marks, 1 = usual
  let resting = 0; // timer that waits for the end of a movement
  const haystack = posts.text.map((text, row) => `${text}\n${post.channel(row)}`.toLowerCase());

  function points(rows) {
    return rows.map((row) => [posts.x[row], posts.y[row], row]);
  }

  function visible(category, row) {
    if (state.only !== null && category.key !== state.only) return false;
    return state.found === null || state.found.has(row);
  }

  /* Size and opacity of a mark: the more posts, the smaller and fainter; nearer, larger again. */
  function mark() {
    const n = Math.max(onMap.length, 1);
    const zoomed = 100 / Math.min(...state.zoom.map(([start, end]) => end - start));
    const size = Math.min(10, Math.max(2.5, 60 / n ** 0.3)) * Math.min(2.5, zoomed ** 0.4);
    return { size: Math.min(11, size), opacity: Math.min(0.92, Math.max(0.3, 3 / n ** 0.17)) };
  }

  function series(list) {
    const { size, opacity } = mark();
    const dimmed = state.only !== null || state.found !== null;
    const drawn = [];
    factors.clear();
    const draw = (id, factor, option) => {
      factors.set(id, factor);
      drawn.push({ id, type: "scatter", symbolSize: size * factor, ...option });
    };
    for (const category of list) {
      const bright = dimmed ? category.rows.filter((row) => visible(category, row)) : category.rows;
      const base = { name: category.name, symbol: category.shape };
      if (dimmed) {
        const keep = new Set(bright);
        const rest = points(category.rows.filter((row) => !keep.has(row)));
        draw(`rest-${category.key}`, 0.7, { ...base, data: rest, z: 2, itemStyle: { color: colour("noise"), opacity: 0.25 } });
      }
      const pale = category.grey && state.found === null;
      draw(`bright-${category.key}`, state.found ? 1.35 : pale ? 0.8 : 1, {
        ...base, data: points(bright), z: dimmed ? 4 : category.grey ? 2 : 3,
        itemStyle: { color: category.colour, opacity: dimmed ? Math.max(0.75, opacity) : opacity * (pale ? 0.6 : 1), ...edge(category, pale) },
      });
    }
    if (state.row !== null && posts.x[state.row] !== null) drawn.push(ring(size));
    drawn.push(names());
    return drawn;
  }

  /* A thin edge tells marks apart; around thousands of them, edges would be all that is seen. */
  function edge(category, pale) {
    if (category.shape === "emptyCircle") return { borderColor: category.colour, borderWidth: 0.7 };
    if (state.found !== null) return { borderColor: colour("ink"), borderWidth: 0.7 };
    return { borderColor: colour("card"), borderWidth: pale || onMap.length > MANY ? 0 : 0.7 };
  }

  function ring(size) {
    return {
      id: "chosen", type: "scatter", data: points([state.row]), symbol: "circle", symbolSize: size + 11, silent: true,
      itemStyle: { color: "transparent", borderColor: colour("ink"), borderWidth: 2 }, z: 6,
    };
  }

  /* From posts to pixels and back, for the part of the map that is seen. */
  function lens() {
    const along = ({ min, max }, [start, end], length) => {
      const [low, span] = [min + ((max - min) * start) / 100, ((max - min) * (end - start)) / 100];
      const scale = (length - 2 * EDGE) / span;
      return { to: (value) => EDGE + (value - low) * scale, from: (pixel) => low + (pixel - EDGE) / scale };
    };
    const [width, height] = [element.clientWidth, element.clientHeight];
    const [across, up] = [along(range(posts.x), state.zoom[0], width), along(range(posts.y), state.zoom[1], height)];
    return {
      width, height,
      pixel: (row) => [across.to(posts.x[row]), height - up.to(posts.y[row])],
      value: ({ x, y }) => [across.from(x), up.from(height - y)],
    };
  }

  /* Names for the themes that are seen, largest first; none while posts are sought. */
  function names() {
    if (state.by !== "theme" || state.found !== null) return report.nameSeries([]);
    const { pixel, value, width, height } = lens();
    const themes = data.themes.map((theme, at) => ({ ...theme, points: () => rowsWhere(posts.theme, at).map(pixel) }))
      .filter((_, at) => state.only === null || state.only === at + 1); // the first category is noise
    const boxes = report.placeNames(themes, onMap.map(pixel), { width, height, radius: mark().size / 2 });
    return report.nameSeries(boxes.map((box) => ({ name: box.text, value: value(box) })));
  }

  /* After zooming or moving: marks of the right size, names where there is room now. */
  function fit(instance) {
    const { size } = mark();
    instance.setOption({ series: [...[...factors].map(([id, factor]) => ({ id, symbolSize: size * factor })), names()] });
  }

  function tip(item) {
    const row = item.data[2];
    const box = make("div");
    box.append(make("strong", "", post.theme(row)), make("div", "soft", `${post.channel(row)} · ${post.date(row)}`));
    const text = make("p", "", post.excerpt(row, TIP_CHARACTERS));
    text.dir = "auto";
    box.append(text);
    return box;
  }

  const ranges = new Map();

  /* Least and largest value on an axis, with a margin. */
  function range(column) {
    if (!ranges.has(column)) {
      let [low, high] = [Infinity, -Infinity];
      for (const row of onMap) [low, high] = [Math.min(low, column[row]), Math.max(high, column[row])];
      const margin = Math.max((high - low) * 0.05, 1);
      ranges.set(column, { min: low - margin, max: high + margin });
    }
    return ranges.get(column);
  }

  function draw() {
    report.drawn.set(element, draw);
    const axis = (column) => ({ type: "value", show: false, ...range(column) });
    const zoom = (i) => ({ id: AXES[i], type: "inside", filterMode: "none", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false,
      [i ? "yAxisIndex" : "xAxisIndex"]: 0, start: state.zoom[i][0], end: state.zoom[i][1] });
    const list = report.categories(state.by).map((category, key) => ({ ...category, key }));
    const instance = report.draw(element, {
      grid: { left: EDGE, right: EDGE, top: EDGE, bottom: EDGE },
      xAxis: axis(posts.x), yAxis: axis(posts.y),
      dataZoom: [zoom(0), zoom(1)],
      tooltip: report.tooltip("item", tip),
      series: series(list),
    }, "canvas");
    instance.off("click");
    instance.on("click", (item) => select(item.data[2]));
    instance.off("datazoom");
    instance.on("datazoom", (event) => {
      for (const { dataZoomId, start, end } of event.batch ?? [event]) state.zoom[AXES.indexOf(dataZoomId)] = [start, end];
      clearTimeout(resting);
      resting = setTimeout(() => fit(instance), 120);
    });
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
    const hits = words.length
      ? haystack.map((_, row) => row).filter((row) => words.every((word) => haystack[row].includes(word)))
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
    status.textContent = `${numbers.format(hits.length)} of ${numbers.format(posts.text.length)} posts ${hits.length === 1 ? "matches" : "match"}`
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
    const batch = state.zoom.map(([start, end], i) => {
      const span = Math.min(100, Math.max(1, (end - start) * factor));
      const middle = (start + end) / 2 + (i ? up : right) * (end - start);
      const low = Math.min(100 - span, Math.max(0, middle - span / 2));
      return { dataZoomId: AXES[i], start: factor ? low : 0, end: factor ? low + span : 100 };
    });
    echarts.getInstanceByDom(element).dispatchAction({ type: "dataZoom", batch });
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
  report.map = { element, draw, select, pickOut };
})();
