/* One post: what is known of it, and its panel below the map. Texts are only ever set as text. */
window.narraframe.whenUnpacked((posts) => {
  "use strict";

  const report = window.narraframe;
  const { data, numbers, make } = report;
  const NO_ROW = -2;
  const NO_TIME = -(2 ** 31);
  const NO_PERCENT = 127;
  const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

  function value(name, row) {
    const at = posts[name][row];
    return at < 0 ? "" : posts[`${name}.values`].at(at);
  }

  function channel(row) {
    return data.channels[posts.channel[row]] || "channel not known";
  }

  function date(row) {
    if (posts.time[row] === NO_TIME) return "no date";
    const moment = new Date(posts.time[row] * 60000);
    const day = `${moment.getUTCDate()} ${MONTHS[moment.getUTCMonth()]} ${moment.getUTCFullYear()}`;
    return `${day}, ${moment.toISOString().slice(11, 16)} UTC`;
  }

  function theme(row) {
    const at = posts.theme[row];
    if (at === NO_ROW) return "not computed";
    return at < 0 ? "no theme" : data.themes[at].title;
  }

  function themeLink(row) {
    const at = posts.theme[row];
    if (at < 0) return theme(row);
    const anchor = make("a", "", theme(row));
    anchor.href = `#${data.themes[at].tag}`;
    return anchor;
  }

  /* Where `row` stands among ascending rows, or -1. */
  function placeOf(rows, row) {
    let [low, high] = [0, rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rows[middle] < row) low = middle + 1;
      else high = middle;
    }
    return rows[low] === row ? low : -1;
  }

  function labels(row) {
    const found = [];
    for (const label of report.labels) {
      const at = placeOf(label.rows, row);
      if (at < 0) continue;
      const percent = label.percent[at];
      found.push(`${label.name} (${percent === NO_PERCENT ? "?" : percent} %)`);
    }
    return found;
  }

  function decision(row) {
    if (!posts.scored) return "";
    if (!posts.scored[row]) return `no score: ${value("reason", row) || "not among the scores"}`;
    return labels(row).join("; ") || "none";
  }

  function fact(list, name, content, className = "") {
    if (!content) return;
    const pair = make("div", className);
    const shown = make("dd");
    shown.dir = "auto";
    if (content instanceof Node) shown.append(content);
    else shown.textContent = content;
    pair.append(make("dt", "", name), shown);
    list.append(pair);
  }

  function link(url) {
    if (!url) return "";
    const anchor = make("a", "", url);
    anchor.href = url;
    anchor.rel = "noopener noreferrer";
    anchor.target = "_blank";
    return anchor;
  }

  function text(row) {
    return posts.text.at(row);
  }

  function show(row, { move = false } = {}) {
    const panel = document.getElementById("post");
    const facts = document.getElementById("post-facts");
    facts.replaceChildren();
    fact(facts, "Channel", channel(row));
    fact(facts, "Forwarded from", value("forwarded", row));
    fact(facts, "Date", date(row));
    fact(facts, "Language", value("lang", row));
    fact(facts, "Theme", themeLink(row));
    const copies = posts.copies[row];
    fact(facts, "Copies", copies > 1 ? `one of ${numbers.format(copies)} near-identical posts` : "");
    fact(facts, "Id", posts.id.at(row));
    fact(facts, "Address", link(posts.url.at(row)));
    fact(facts, "Labels decided", decision(row), "broad");
    const shown = text(row) === null ? "The text of this post is not in this page." : text(row) || "(no text)";
    document.getElementById("post-text").textContent = shown;
    panel.hidden = false;
    if (!move) return;
    panel.scrollIntoView({ block: "nearest" });
    panel.focus({ preventScroll: true });
  }

  /* The first characters of a text, never half of one character. */
  function excerpt(row, limit) {
    const whole = text(row);
    if (whole === null) return "(text not in this page)";
    const head = Array.from(whole.slice(0, 2 * limit));
    const cut = head.slice(0, limit).join("");
    return cut.length < whole.length ? `${cut}…` : cut;
  }

  /* What the page left out to stay small. */
  function tellLeftOut() {
    const [held, cut] = posts.held;
    if (held === posts.n && !cut) return;
    const few = `This page holds the texts of ${numbers.format(held)} of ${numbers.format(posts.n)} posts`
      + (cut ? `, ${numbers.format(cut)} of them shortened` : "")
      + ": those that it speaks of, and others drawn at random. Search looks in these, and in all channels.";
    for (const place of document.querySelectorAll("[data-left-out]")) place.textContent = few;
  }

  tellLeftOut();
  report.post = { channel, date, theme, text, labels, excerpt, show };
});
