/* Every table as CSV, every chart and the map as PNG: files made in the page, no network. */
(() => {
  "use strict";

  const report = window.narraframe;
  const { make } = report;
  const FORMULA = /^'*[=+\-@\t\r]/; // what a spreadsheet would run
  const NUMBER = /^[−-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?$/;
  const SHARPER = 2; // pixels of a picture for one of the page

  function download(name, blob) {
    const anchor = make("a");
    anchor.href = URL.createObjectURL(blob);
    anchor.download = name;
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(anchor.href), 10000);
  }

  /* The first sentence as a name, long enough that what differs at its end has another one. */
  function fileName(text, ending) {
    const plain = text.split(/[.;]\s/)[0].toLowerCase().normalize("NFKD").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "");
    return `${plain.slice(0, 100).replace(/-+$/, "") || "report"}.${ending}`;
  }

  /* A cell as a file has it: numbers bare, formulas made harmless, quoted where it must be. */
  function cell(text) {
    const bare = text.trim().replace(/\s+/g, " ");
    const written = NUMBER.test(bare) ? bare.replaceAll(",", "").replace("−", "-") : bare;
    const safe = !NUMBER.test(bare) && FORMULA.test(written) ? `'${written}` : written;
    return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }

  /* The text of a cell that is seen: of two counts the one that the reader chose. */
  function shown(place) {
    const chosen = place.closest("[data-panel]")?.dataset.count === "distinct" ? ".of-distinct" : ".of-posts";
    return (place.querySelector(chosen) ?? place).textContent;
  }

  report.tableAsCsv = (table) => [...table.rows].map((row) => {
    const cells = [...row.cells].filter((one) => !one.classList.contains("track"));
    return cells.flatMap((one) => [cell(shown(one)), ...Array(one.colSpan - 1).fill("")]).join(",");
  }).join("\r\n") + "\r\n";

  function button(text, label, act) {
    const made = make("button", "save", text);
    made.type = "button";
    made.setAttribute("aria-label", label);
    made.addEventListener("click", act);
    return made;
  }

  function caption(table) {
    const copy = table.caption.cloneNode(true);
    for (const extra of copy.querySelectorAll(".js-only")) extra.remove();
    return copy.textContent.trim();
  }

  function offerTables() {
    for (const table of document.querySelectorAll("table")) {
      const name = caption(table);
      const save = () => download(fileName(name, "csv"), new Blob(["\ufeff", report.tableAsCsv(table)], { type: "text/csv" }));
      const line = make("p", "saves");
      line.append(button("CSV", `Save as CSV: ${name}`, save));
      (table.closest(".scroll") ?? table).after(line);
    }
  }

  function savePng(canvas, name) {
    canvas.toBlob((blob) => download(fileName(name, "png"), blob), "image/png");
  }

  /* The numbers of a chart that has no table beside it; null: it has one, or is none. */
  function numbersOf({ kind, option, panels, periods }) {
    const header = ["channel", "period", "n", "of", "low_percent", "percent", "high_percent"];
    if (kind === "multiples") {
      return [header, ...panels.flatMap(({ name, n, of, points }) => periods.map((period, i) => (
        [name, period, n[i], of[i], ...(points[i] ?? ["", "", ""])])))];
    }
    if (kind !== "band") return null;
    const [low, high, value] = option.series.map(({ data }) => data);
    const rows = option.xAxis.data.map((period, i) => [period, low[i], value[i], high[i]]);
    return [["period", ...header.slice(4)], ...rows];
  }

  report.rowsAsCsv = (rows) => rows.map((row) => row.map((one) => cell(String(one ?? ""))).join(",")).join("\r\n") + "\r\n";

  function offerCharts() {
    for (const place of document.querySelectorAll("[data-chart]")) {
      const name = report.data.charts[place.dataset.chart].label;
      place.setAttribute("aria-label", name); // a picture has its words before it is drawn, too
      const save = () => {
        report.drawChart(place);
        savePng(report.asPicture(place, SHARPER), name);
      };
      const line = make("p", "saves");
      const rows = numbersOf(report.data.charts[place.dataset.chart]);
      if (rows) {
        const write = () => download(fileName(name, "csv"), new Blob(["\ufeff", report.rowsAsCsv(rows)], { type: "text/csv" }));
        line.append(button("CSV", `Save the numbers: ${name}`, write), " ");
      }
      line.append(button("PNG", `Save as PNG: ${name}`, save));
      place.after(line);
    }
  }

  report.whenUnpacked(() => {
    if (!report.map) return;
    const { element } = report.map;
    const save = () => savePng(element.querySelector("canvas"), "Theme map");
    document.querySelector("#map-tools .zoom").append(button("PNG", "Save as PNG: Theme map", save));
  });

  offerTables();
  offerCharts();
})();
