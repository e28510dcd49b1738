/* One post: what is known of it, and its panel below the map. Texts are only ever set as text. */
(() => {
  "use strict";

  const { data, numbers, make } = window.narraframe;
  const posts = data.posts;
  const NO_ROW = -2;
  const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

  function value(column, row) {
    const at = column.index[row];
    return at < 0 ? "" : column.values[at];
  }

  function channel(row) {
    return data.channels[posts.channel[row]] || "channel not known";
  }

  function date(row) {
    const seconds = posts.time[row];
    if (seconds === null) return "no date";
    const moment = new Date(seconds * 1000);
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

  function labels(row) {
    if (!posts.scored) return [];
    const found = [];
    for (const label of data.labels) {
      const at = label.posts.indexOf(row);
      if (at >= 0) found.push(`${label.name} (${label.percent[at] ?? "?"} %)`);
    }
    return found;
  }

  function decision(row) {
    if (!posts.scored) return "";
    if (!posts.scored[row]) return `no score: ${value(posts.reason, row) || "not among the scores"}`;
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

  function show(row, { move = false } = {}) {
    const panel = document.getElementById("post");
    const facts = document.getElementById("post-facts");
    facts.replaceChildren();
    fact(facts, "Channel", channel(row));
    fact(facts, "Forwarded from", value(posts.forwarded_from, row));
    fact(facts, "Date", date(row));
    fact(facts, "Language", value(posts.lang, row));
    fact(facts, "Theme", themeLink(row));
    const copies = posts.copies[row];
    fact(facts, "Copies", copies > 1 ? `one of ${numbers.format(copies)} near-identical posts` : "");
    fact(facts, "Id", posts.id[row]);
    fact(facts, "Address", link(value(posts.url, row)));
    fact(facts, "Labels decided", decision(row), "broad");
    document.getElementById("post-text").textContent = posts.text[row] || "(no text)";
    panel.hidden = false;
    if (!move) return;
    panel.scrollIntoView({ block: "nearest" });
    panel.focus({ preventScroll: true });
  }

  /* The first characters of a text, never half of one character. */
  function excerpt(row, limit) {
    const head = Array.from(posts.text[row].slice(0, 2 * limit));
    const cut = head.slice(0, limit).join("");
    return cut.length < posts.text[row].length ? `${cut}…` : cut;
  }

  Object.assign(window.narraframe, { post: { channel, date, theme, excerpt, show } });
})();
