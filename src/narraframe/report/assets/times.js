/* Time lines: a share within its interval, the stretches in which it is raised, one chart a channel. */
(() => {
  "use strict";

  const report = window.narraframe;
  const { layouts, numbers, make, axis, colour, slotColour, tooltip, FONT } = report;

  /* Raised stretches of a time line: shaded from the middle before to the middle after, and named as
     far as the names fit into `width` pixels, the greatest rise first. */
  function raised(marks, n, width = 0) {
    if (!marks?.length) return { series: [], axes: [] };
    const NAME = 78; // pixels
    const inside = Array.from({ length: n }, (_, i) => (marks.some(({ first, last }) => first <= i && i <= last) ? 1 : 0));
    const at = { xAxisIndex: 0, yAxisIndex: 1, silent: true, tooltip: { show: false } };
    const named = [];
    for (const { first, last, ratio } of marks.toSorted((a, b) => b.ratio - a.ratio)) {
      const place = Math.round((first + last) / 2);
      const free = named.every(({ value: [other] }) => Math.abs(other - place) * width / n > NAME);
      const fits = (Math.min(place, n - 1 - place) + 0.5) * width / n > NAME / 2;
      if (width && free && fits) named.push({ value: [place, 1], name: `${ratio.toFixed(1)} × usual` });
    }
    return {
      axes: [{ type: "value", min: 0, max: 1, show: false }],
      series: [
        {
          ...at, id: "raised", type: "line", step: "middle", symbol: "none", data: inside, z: 0,
          lineStyle: { opacity: 0 }, areaStyle: { color: colour("note-rule"), opacity: 0.28 },
        },
        {
          ...at, id: "raised-names", type: "scatter", symbolSize: 0.01, z: 3, data: named,
          label: { show: true, position: "bottom", formatter: ({ name }) => name, color: colour("ink"), fontSize: 11 },
        },
      ],
    };
  }

  /* A line within the band of its interval; both break where nothing is known, or a high end is cut. */
  function band(low, value, high, { top = Infinity, size = 6, place = {} }) {
    const dot = slotColour(0);
    const width = low.map((one, i) => (one === null || high[i] === null ? null : Math.max(0, Math.min(high[i], top) - one)));
    const plain = { ...place, type: "line", symbol: "none", silent: true, stack: `band${place.xAxisIndex ?? 0}`, lineStyle: { opacity: 0 } };
    return [
      { ...plain, data: low }, { ...plain, data: width, areaStyle: { color: dot, opacity: 0.2 } },
      { ...place, type: "line", name: "Share", data: value, symbol: "circle", symbolSize: size, showAllSymbol: true, itemStyle: { color: dot }, lineStyle: { width: 2, color: dot } },
    ];
  }

  /* What a share is made of. */
  function counted({ n, of }, at, share) {
    if (!of[at]) return "no post that was decided on";
    const posts = `${numbers.format(n[at])} of ${numbers.format(of[at])} distinct posts`;
    return share === null ? `${posts}: too few to draw` : `${posts} (${share} %)`;
  }

  function answered({ answers }, at, low, share, high) {
    const said = `${numbers.format(answers[at])} ${answers[at] === 1 ? "answer" : "answers"}`;
    return share === null ? `${said}: too few to draw` : `${said}: ${share} %, 95 % interval ${low} to ${high} %`;
  }

  function layBand(spec, part, element) {
    const [low, high, value] = part.series.map((one) => one.data);
    const shade = raised(spec.marks, value.length, element.clientWidth - 60);
    const percent = { axisLabel: { ...axis().axisLabel, formatter: "{value} %" } };
    return {
      grid: { left: 8, right: 16, top: 12, bottom: 4, containLabel: true },
      tooltip: tooltip("axis", (items) => {
        const at = items[0].dataIndex;
        const tip = make("div");
        tip.append(make("strong", "", items[0].axisValueLabel), make("div", "", spec.answers ? answered(spec, at, low[at], value[at], high[at]) : counted(spec, at, value[at])));
        const inside = (spec.marks ?? []).find(({ first, last }) => first <= at && at <= last);
        if (inside) tip.append(make("div", "soft", `raised: ${inside.ratio.toFixed(1)} times the usual share`));
        return tip;
      }),
      xAxis: part.xAxis, yAxis: [{ ...part.yAxis, ...percent }, ...shade.axes],
      series: [...shade.series, ...band(low, value, high, { top: part.yAxis.max })],
    };
  }

  /* One small chart a channel, all on one scale: two or four beside each other. */
  function layMultiples(spec, part, element) {
    const [HEAD, HEIGHT, FOOT, LEFT, GAP] = [48, 84, 28, 44, 14];
    const wide = element.clientWidth;
    const columns = Math.min(spec.panels.length, wide < 560 ? 2 : wide < 900 ? 3 : 4);
    const rows = Math.ceil(spec.panels.length / columns);
    const width = (wide - LEFT - 8) / columns - GAP;
    element.style.height = `${rows * (HEAD + HEIGHT + FOOT)}px`;
    const last = spec.periods.length - 1;
    const left = (i) => LEFT + (i % columns) * (width + GAP);
    const top = (i) => Math.floor(i / columns) * (HEAD + HEIGHT + FOOT) + HEAD;
    const label = axis().axisLabel;
    const total = ({ of }) => of.reduce((sum, one) => sum + one, 0);
    return {
      title: spec.panels.map((panel, i) => ({
        text: panel.name, subtext: `n = ${numbers.format(total(panel))}`, left: left(i), top: top(i) - HEAD + 6, padding: 0, itemGap: 5,
        textStyle: { fontSize: 12, fontWeight: 600, fontFamily: FONT, color: colour("ink"), width, overflow: "truncate" },
        subtextStyle: { fontSize: 11, lineHeight: 13, fontFamily: FONT, color: colour("muted") },
      })),
      grid: spec.panels.map((_, i) => ({ left: left(i), top: top(i), width, height: HEIGHT })),
      tooltip: tooltip("axis", (items) => {
        const { axisIndex, dataIndex: at } = items[0];
        const { name, n, of, points } = spec.panels[axisIndex];
        const tip = make("div");
        tip.append(make("strong", "", name), make("div", "", `${spec.periods[at]}: ${numbers.format(n[at])} of ${numbers.format(of[at])} distinct posts`));
        if (points[at]) tip.append(make("div", "", `${points[at][1]} % (${points[at][0]} to ${points[at][2]} %)`));
        return tip;
      }),
      xAxis: spec.panels.map((_, i) => ({
        type: "category", gridIndex: i, data: spec.periods, axisTick: { show: false },
        axisLabel: {
          ...label, fontSize: 11, interval: (at) => at === 0 || at === last, hideOverlap: false,
          alignMinLabel: "left", alignMaxLabel: "right",
        },
      })),
      yAxis: spec.panels.map((_, i) => ({
        type: "value", gridIndex: i, min: 0, max: spec.top, interval: spec.top / 2,
        axisLabel: { ...label, fontSize: 11, show: i % columns === 0, formatter: "{value} %" },
      })),
      series: spec.panels.flatMap(({ points }, i) => {
        const of = (at) => points.map((one) => one && one[at]);
        return band(of(0), of(1), of(2), { top: spec.top, size: 4, place: { xAxisIndex: i, yAxisIndex: i } });
      }),
    };
  }

  Object.assign(layouts, { band: layBand, multiples: layMultiples });
  report.raised = raised;
})();
