/* Draws the charts: colours and sizes live here, what is drawn comes from the report's data. */
(() => {
  "use strict";

  const data = JSON.parse(document.getElementById("report-data").textContent);
  const SHAPES = ["circle", "triangle", "diamond", "rect"];
  const DASHES = ["solid", "dashed", "dotted"];
  const N_COLOURS = 9;
  const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
  const LINE = 16; // pixels; measured line heights fail where a font lacks the measured character
  const numbers = new Intl.NumberFormat("en");
  const drawn = new Map(); // element -> { instance, spec, redraw }
  const colours = new Map(); // name -> colour, light or dark as the page is
  const inks = new Map(); // element -> colour of text that it was drawn with: light or dark
  const groups = new Map(); // name of a table -> { variant, slots: Map(series id -> slot) }

  document.documentElement.classList.add("js");

  /* An element with a class and a text; text is never read as markup. */
  function make(tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  const probe = make("span", "hidden");
  document.body.append(probe);

  function colour(name) {
    if (!colours.has(name)) {
      probe.style.color = `var(--${name})`;
      colours.set(name, getComputedStyle(probe).color);
    }
    return colours.get(name);
  }

  /* A colour between two: share 0 is the first, 1 the second. */
  function mix(first, second, share) {
    const [from, to] = [first, second].map((one) => one.match(/[\d.]+/g).map(Number));
    return `rgb(${[0, 1, 2].map((i) => Math.round(from[i] + (to[i] - from[i]) * share)).join(",")})`;
  }

  function slotColour(slot) {
    return colour(`series-${slot % N_COLOURS}`);
  }

  function slotShape(slot) {
    return SHAPES[Math.floor(slot / N_COLOURS) % SHAPES.length];
  }

  function axis() {
    return {
      axisLine: { lineStyle: { color: colour("rule-strong") } },
      axisTick: { lineStyle: { color: colour("rule-strong") } },
      axisLabel: { color: colour("muted"), fontSize: 12, lineHeight: LINE },
      splitLine: { lineStyle: { color: colour("rule") } },
    };
  }

  function theme() {
    return {
      color: Array.from({ length: N_COLOURS }, (_, slot) => slotColour(slot)),
      backgroundColor: "transparent",
      textStyle: { fontFamily: FONT, color: colour("ink") },
      categoryAxis: { ...axis(), splitLine: { show: false } },
      valueAxis: { ...axis(), axisLine: { show: false } },
    };
  }

  function tooltip(trigger, formatter) {
    return {
      trigger,
      formatter,
      confine: true,
      className: "tip",
      backgroundColor: colour("card"),
      borderColor: colour("rule-strong"),
      textStyle: { color: colour("ink"), fontFamily: FONT, fontSize: 13 },
      extraCssText: "max-width:min(340px,80vw);white-space:normal;",
    };
  }

  /* Rows of a tooltip over one month or channel. */
  function axisTip(notes) {
    return (items) => {
      const tip = make("div");
      const name = String(items[0].axisValueLabel ?? items[0].name).split("\n")[0];
      tip.append(make("strong", "", name));
      const note = notes && notes[items[0].dataIndex];
      if (note) tip.append(make("div", "soft", note));
      for (const item of items) {
        if (item.value === null || item.value === undefined) continue;
        const row = make("div", "tip-row");
        const dot = make("i");
        dot.style.background = item.color;
        row.append(dot, make("span", "", item.seriesName), make("b", "", numbers.format(item.value)));
        tip.append(row);
      }
      return tip;
    };
  }

  function dotTip(item) {
    const tip = make("div");
    tip.append(make("strong", "", item.name.split("\n")[0]), make("div", "", item.data.note));
    return tip;
  }

  /* Lowest free slot, so that what is drawn together differs in colour. */
  function choose(group, id, on) {
    const { slots } = groups.get(group);
    if (!on) slots.delete(id);
    else if (!slots.has(id)) {
      const taken = new Set(slots.values());
      let slot = 0;
      while (taken.has(slot)) slot += 1;
      slots.set(id, slot);
    }
  }

  function styled(series, slot) {
    const shape = slotShape(slot);
    const item = { color: slotColour(slot) };
    if (series.type === "bar") return { ...series, itemStyle: item, barMaxWidth: 14 };
    const type = DASHES[Math.floor(slot / N_COLOURS) % DASHES.length];
    return {
      ...series, itemStyle: item, symbol: shape, symbolSize: 6,
      lineStyle: { width: 2, type, color: item.color },
    };
  }

  function chosenSeries(spec, series) {
    if (!spec.group) return series;
    const { slots } = groups.get(spec.group);
    const byId = new Map(series.map((one) => [one.id, one]));
    return [...slots].map(([id, slot]) => styled(byId.get(id), spec.fixed ? Number(id) : slot));
  }

  function layLines(spec, part) {
    return {
      grid: { left: 8, right: 16, top: 12, bottom: 4, containLabel: true },
      tooltip: tooltip("axis", axisTip(part.notes)),
      xAxis: { ...spec.option.xAxis, ...part.xAxis, boundaryGap: true },
      yAxis: spec.option.yAxis,
      series: chosenSeries(spec, part.series),
    };
  }

  function layBars(spec, part, element) {
    const series = chosenSeries(spec, part.series);
    const rows = part.yAxis.data.length;
    element.style.minHeight = `${40 + rows * Math.max(30, series.length * 9 + 14)}px`;
    return {
      grid: { left: 8, right: 24, top: 8, bottom: 4, containLabel: true },
      tooltip: { ...tooltip("axis", axisTip(part.notes)), axisPointer: { type: "shadow" } },
      xAxis: spec.option.xAxis,
      yAxis: {
        ...spec.option.yAxis, ...part.yAxis,
        axisTick: { show: false },
        axisLabel: { width: labelWidth(element), overflow: "truncate" },
      },
      series: series.map((one) => ({ ...one, barMaxWidth: 9, barGap: "15%" })),
    };
  }

  function layDots(spec, part, element) {
    const [whiskers, points, undefinedOnes, ...counts] = part.series;
    element.style.height = `${60 + spec.option.yAxis.data.length * 30}px`;
    const dot = { color: slotColour(0) };
    return {
      grid: { left: 8, right: 24, top: 8, bottom: 4, containLabel: true },
      tooltip: tooltip("item", dotTip),
      xAxis: { ...spec.option.xAxis, splitNumber: element.clientWidth < 600 ? 2 : 5, ...unitOf(spec) },
      yAxis: {
        ...spec.option.yAxis, axisTick: { show: false },
        splitLine: { show: true, lineStyle: { color: colour("rule") } },
        axisLabel: { width: labelWidth(element), overflow: "truncate", interval: 0, lineHeight: 14 },
      },
      series: [
        { ...whiskers, symbol: "none", silent: true, lineStyle: { width: 2, color: dot.color, opacity: 0.55 } },
        { ...points, symbolSize: 10, itemStyle: dot },
        {
          ...undefinedOnes, symbolSize: 0.01, silent: true,
          label: { show: true, position: "right", formatter: () => (spec.unit ? "not known" : "undefined"), color: colour("muted") },
        },
        ...hollow(counts),
      ],
    };
  }

  function unitOf(spec) {
    return spec.unit ? { axisLabel: { ...axis().axisLabel, formatter: `{value}${spec.unit}` } } : {};
  }

  /* What is only counted stands beside what is measured, but not on a level with it. */
  function hollow([whiskers, points]) {
    if (!points) return [];
    const grey = colour("muted");
    return [
      { ...whiskers, id: "count-whiskers", symbol: "none", silent: true, lineStyle: { width: 1, color: grey } },
      {
        ...points, id: "count-points", symbol: "diamond", symbolSize: 10,
        itemStyle: { color: colour("card"), borderColor: grey, borderWidth: 1.5 },
      },
    ];
  }

  /* One theme's posts and distinct posts per month, out of the chart of all themes. */
  function ofTheme(slot) {
    const { option, variants: { posts, distinct } } = data.charts.themes;
    const bars = (id, name, { series }) => ({ type: "bar", id, name, data: series[slot].data });
    return {
      notes: posts.notes,
      xAxis: { type: "category", data: posts.xAxis.data.map((label) => label.split("\n")[0]) },
      yAxis: option.yAxis,
      series: [bars("posts", "Posts", posts), bars("distinct", "Distinct posts", distinct)],
    };
  }

  function layColumns(spec, part) {
    const small = spec.kind === "small";
    const { notes, xAxis, yAxis, series } = small ? ofTheme(spec.slot) : { notes: spec.notes, ...part };
    const dark = slotColour(spec.slot ?? 0);
    const colours = [dark, mix(dark, colour("card"), 0.55)];
    const shade = window.narraframe.raised(spec.marks, xAxis.data.length);
    return {
      grid: { left: 4, right: 12, top: 12, bottom: 4, containLabel: true },
      tooltip: { ...tooltip("axis", axisTip(notes)), axisPointer: { type: "shadow" } },
      xAxis,
      yAxis: [{ ...yAxis, splitNumber: small ? 2 : 4 }, ...shade.axes],
      series: [
        ...shade.series,
        ...series.map((one, i) => ({
          ...one, barGap: "10%", barMaxWidth: 28,
          itemStyle: { color: colours[i] },
        })),
      ],
    };
  }

  /* Dots with whiskers along a diagonal; both axes end where the values do. */
  function layReliability(spec, part) {
    const top = Math.min(1, 1.1 * Math.max(0.05, ...part.points.flatMap(([p, value]) => [p, value ?? 0])));
    const axisOf = (name) => ({ type: "value", min: 0, max: Number(top.toFixed(2)), name, nameLocation: "middle", nameGap: 30, nameTextStyle: { color: colour("muted") } });
    const dot = slotColour(0);
    const whiskers = part.points.flatMap(([p, , low, high]) => (low === null ? [] : [[p, low], [p, Math.min(high, top)], [null, null]]));
    const note = ([p, value, low, high, n]) => `${n} groups of posts, probability ${p.toFixed(2)}: share ${value.toFixed(2)}`
      + (low === null ? "" : `, interval ${low.toFixed(2)} to ${high.toFixed(2)}`);
    return {
      grid: { left: 34, right: 24, top: 12, bottom: 28, containLabel: true },
      tooltip: tooltip("item", (item) => make("div", "", note(item.value))),
      xAxis: axisOf("probability"), yAxis: { ...axisOf("share of positives"), nameGap: 40 },
      series: [
        { type: "line", data: [[0, 0], [top, top]], symbol: "none", silent: true, lineStyle: { width: 1, type: "dashed", color: colour("rule-strong") } },
        { type: "line", data: whiskers, symbol: "none", silent: true, connectNulls: false, lineStyle: { width: 2, color: dot, opacity: 0.55 } },
        { type: "scatter", name: part.name, data: part.points.filter(([, value]) => value !== null), symbolSize: 9, itemStyle: { color: dot } },
      ],
    };
  }

  function labelWidth(element) {
    return Math.round(Math.min(270, element.clientWidth * 0.4));
  }

  const LAYOUTS = { lines: layLines, bars: layBars, dots: layDots, columns: layColumns, small: layColumns, reliability: layReliability }; // times.js adds more

  function onSize(element, redraw) {
    const size = () => `${element.clientWidth} ${element.clientHeight}`;
    let last = size();
    new ResizeObserver(() => {
      if (size() === last || !element.clientWidth) return;
      last = size();
      redraw();
    }).observe(element);
  }

  /* The instance for an element, with the colours of the moment. */
  function draw(element, option, renderer) {
    let instance = echarts.getInstanceByDom(element);
    const ink = colour("ink");
    if (!instance) {
      instance = echarts.init(element, theme(), { renderer });
      onSize(element, () => drawn.get(element)());
    } else if (inks.get(element) !== ink) instance.setTheme(theme());
    inks.set(element, ink);
    const fits = instance.getWidth() === element.clientWidth && instance.getHeight() === element.clientHeight;
    if (!fits) instance.resize(); // this, as a new theme, draws everything once more
    instance.setOption({ animation: false, useUTC: true, ...option }, { notMerge: true });
    return instance;
  }

  function drawChart(element) {
    const spec = data.charts[element.dataset.chart];
    const variant = groups.get(spec.group ?? element.dataset.chart)?.variant ?? spec.variant;
    const part = spec.variants ? spec.variants[variant] : spec.option;
    element.setAttribute("aria-label", spec.label);
    const option = LAYOUTS[spec.kind](spec, part, element);
    drawn.set(element, () => drawChart(element));
    draw(element, option, "svg");
  }

  /* A chart as a canvas: drawn once more, as the one on the page is made of shapes. */
  function asPicture(element, pixelRatio) {
    const place = make("div", "hidden");
    place.style.width = `${element.clientWidth}px`;
    place.style.height = `${element.clientHeight}px`;
    document.body.append(place);
    const [width, height] = [element.clientWidth, element.clientHeight];
    const copy = echarts.init(place, theme(), { renderer: "canvas", width, height, devicePixelRatio: pixelRatio });
    copy.setOption({ ...echarts.getInstanceByDom(element).getOption(), animation: false, backgroundColor: colour("card") });
    const picture = copy.getRenderedCanvas({ pixelRatio, backgroundColor: colour("card") });
    copy.dispose();
    place.remove();
    return picture;
  }

  function redrawAll() {
    colours.clear();
    for (const redraw of drawn.values()) redraw();
  }

  function startGroups() {
    for (const [id, spec] of Object.entries(data.charts)) {
      const name = spec.group ?? id;
      if (!groups.has(name)) groups.set(name, { variant: spec.variant, slots: new Map() });
      for (const series of spec.chosen ?? []) choose(name, series, true);
    }
  }

  startGroups();
  window.narraframe = {
    data, numbers, drawn, groups, layouts: LAYOUTS, make, axis, colour, mix, FONT, slotColour, slotShape, tooltip, draw, drawChart,
    asPicture, redrawAll, choose,
  };
})();
