/* How the map may be coloured: posts sorted into categories, each with colour and shape. */
window.narraframe.whenUnpacked((posts) => {
  "use strict";

  const report = window.narraframe;
  const { data, colour } = report;
  const onMap = Int32Array.from({ length: posts.n }, (_, row) => row).filter((row) => posts.x[row] >= 0);
  const CHANNELS = 18; // two shapes of nine colours; more could not be told apart
  const byTheme = sorted(posts.theme, data.themes.length);

  /* Categories of a colouring: {name, colour, shape, rows}; grey ones are drawn first. */
  function categories(by) {
    if (by === "channel") return channels();
    if (by === "month") return months();
    if (by.startsWith("label:")) return byLabel(report.labels[Number(by.slice(6))]);
    const named = data.themes.map(({ title }, at) => slot(at, title, byTheme[at]));
    return [grey("no theme", onMap.filter((row) => posts.theme[row] < 0)), ...named];
  }

  /* The posts on the map for each value 0 to n - 1 of a column. */
  function sorted(column, n) {
    const found = Array.from({ length: n }, () => []);
    for (const row of onMap) if (column[row] >= 0) found[column[row]].push(row);
    return found;
  }

  function slot(at, name, rows) {
    return { name, rows, colour: report.slotColour(at), shape: report.slotShape(at) };
  }

  function grey(name, rows) {
    return { name, rows, colour: colour("noise"), shape: "circle", grey: true };
  }

  function channels() {
    const all = sorted(posts.channel, data.channels.length).map((rows, at) => ({ at, rows }));
    const present = all.filter(({ rows }) => rows.length);
    const shown = present.slice(0, CHANNELS)
      .map(({ at, rows }, i) => slot(i, data.channels[at] || "channel not known", rows));
    const rest = present.slice(CHANNELS);
    if (!rest.length) return shown;
    const name = `${rest.length} other ${rest.length === 1 ? "channel" : "channels"}`;
    return [grey(name, rest.flatMap(({ rows }) => rows)), ...shown];
  }

  function months() {
    const all = sorted(posts.month, data.months.length).map((rows, at) => ({ at, rows }));
    const present = all.filter(({ rows }) => rows.length);
    const shown = present.map(({ at, rows }, i) => ({
      name: data.months[at], rows, shape: "circle",
      colour: ramp(present.length > 1 ? i / (present.length - 1) : 1),
    }));
    return [grey("no date", onMap.filter((row) => posts.month[row] < 0)), ...shown];
  }

  function ramp(share) {
    const at = Math.min(3, Math.floor(share * 4));
    return report.mix(colour(`ramp-${at}`), colour(`ramp-${at + 1}`), share * 4 - at);
  }

  function byLabel(label) {
    const carries = new Set(label.rows);
    return [
      { ...grey("no score", onMap.filter((row) => !posts.scored[row])), shape: "emptyCircle" },
      grey("not decided", onMap.filter((row) => posts.scored[row] && !carries.has(row))),
      { ...slot(0, label.name, onMap.filter((row) => carries.has(row))), shape: "diamond" },
    ];
  }

  Object.assign(report, { categories, onMap, byTheme });
});
