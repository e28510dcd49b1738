/* How the map may be coloured: posts sorted into categories, each with colour and shape. */
(() => {
  "use strict";

  const report = window.narraframe;
  const { data, colour, post } = report;
  const posts = data.posts;
  const onMap = posts.x.map((_, row) => row).filter((row) => posts.x[row] !== null);
  const CHANNELS = 18; // two shapes of nine colours; more could not be told apart

  /* Categories of a colouring: {name, colour, shape, rows}; grey ones are drawn first. */
  function categories(by) {
    if (by === "channel") return ranked(posts.channel, (at) => data.channels[at] || "channel not known");
    if (by === "month") return months();
    if (by.startsWith("label:")) return byLabel(data.labels[Number(by.slice(6))]);
    const named = data.themes.map(({ title }, at) => slot(at, title, rowsWhere(posts.theme, at)));
    return [grey("no theme", onMap.filter((row) => posts.theme[row] < 0)), ...named];
  }

  function rowsWhere(column, at) {
    return onMap.filter((row) => column[row] === at);
  }

  function slot(at, name, rows) {
    return { name, rows, colour: report.slotColour(at), shape: report.slotShape(at) };
  }

  function grey(name, rows) {
    return { name, rows, colour: colour("noise"), shape: "circle", grey: true };
  }

  function ranked(column, nameOf) {
    const present = [...new Set(onMap.map((row) => column[row]))].sort((a, b) => a - b);
    const shown = present.slice(0, CHANNELS).map((at, i) => slot(i, nameOf(at), rowsWhere(column, at)));
    const rest = new Set(present.slice(CHANNELS));
    if (!rest.size) return shown;
    return [grey(`${rest.size} other ${rest.size === 1 ? "channel" : "channels"}`, onMap.filter((row) => rest.has(column[row]))), ...shown];
  }

  function months() {
    const present = [...new Set(onMap.map((row) => posts.month[row]))].filter((at) => at >= 0).sort((a, b) => a - b);
    const shown = present.map((at, i) => ({
      name: data.months[at], rows: rowsWhere(posts.month, at), shape: "circle",
      colour: ramp(present.length > 1 ? i / (present.length - 1) : 1),
    }));
    return [grey("no date", onMap.filter((row) => posts.month[row] < 0)), ...shown];
  }

  function ramp(share) {
    const at = Math.min(3, Math.floor(share * 4));
    return report.mix(colour(`ramp-${at}`), colour(`ramp-${at + 1}`), share * 4 - at);
  }

  function byLabel(label) {
    const carries = new Set(label.posts);
    return [
      { ...grey("no score", onMap.filter((row) => !posts.scored[row])), shape: "emptyCircle" },
      grey("not decided", onMap.filter((row) => posts.scored[row] && !carries.has(row))),
      { ...slot(0, label.name, onMap.filter((row) => carries.has(row))), shape: "diamond" },
    ];
  }

  Object.assign(report, { categories, onMap, rowsWhere });
})();
