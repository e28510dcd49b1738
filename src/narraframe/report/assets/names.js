/* Where names of themes stand on the map: near the densest place of each, none over another. */
(() => {
  "use strict";

  const report = window.narraframe;
  const NARROW = 700; // pixels: on a narrower map themes are named by their number only
  const [WIDTH, LINE, SIZE] = [150, 15, 12]; // pixels: longest line, height of lines, height of letters
  const MARK = 12; // pixels: a place is dense by the marks in three by three such squares
  const CELL = 4; // pixels: how finely is known where marks lie
  const GAP = 9; // pixels between a dense place and a name beside it
  const BETWEEN = 3; // pixels between two names
  const EDGE = 4; // pixels kept free along the edges of the map
  const ENOUGH = 14; // squares of marks: covering more is not worse
  const FAR = 250; // pixels away from its place is as bad as covering so many marks
  const STRAY = 0.05; // of a theme: so few marks in sight do not show where it lies
  const SHARE = 0.16; // of the map: more names would be all that is seen
  // Steps from the dense place, in widths and heights of the name: on it, beside it, further off.
  const STEPS = [
    [0, 0], [0, -1], [0, 1], [1, 0], [-1, 0], [1, -1], [-1, -1], [1, 1], [-1, 1],
    [0, -2], [0, 2], [0.5, -2], [-0.5, -2], [0.5, 2], [-0.5, 2],
  ];

  const pencil = document.createElement("canvas").getContext("2d");

  /* The middle of the densest three by three squares of points. */
  function densest(points) {
    const counts = new Map();
    const key = (i, j) => i * 1e6 + j;
    const square = ([x, y]) => [Math.floor(x / MARK), Math.floor(y / MARK)];
    for (const point of points) {
      const [i, j] = square(point);
      counts.set(key(i, j), (counts.get(key(i, j)) ?? 0) + 1);
    }
    const around = ([i, j]) => {
      let sum = 0;
      for (let a = -1; a <= 1; a += 1) for (let b = -1; b <= 1; b += 1) sum += counts.get(key(i + a, j + b)) ?? 0;
      return sum;
    };
    let [best, most] = [null, 0];
    const seen = new Set();
    for (const point of points) {
      const at = square(point);
      if (seen.has(key(...at))) continue;
      seen.add(key(...at));
      const sum = around(at);
      if (sum > most) [best, most] = [at, sum];
    }
    const near = points.filter((point) => square(point).every((at, axis) => Math.abs(at - best[axis]) <= 1));
    const mean = (axis) => near.reduce((sum, point) => sum + point[axis], 0) / near.length;
    return [mean(0), mean(1)];
  }

  /* Tells of any box how many cells in it hold marks, from sums over all cells above and left. */
  function coverage(points, width, height, radius) {
    const [columns, rows] = [Math.ceil(width / CELL), Math.ceil(height / CELL)];
    const sums = new Float64Array((columns + 1) * (rows + 1));
    for (const [x, y] of points) sums[(Math.floor(y / CELL) + 1) * (columns + 1) + Math.floor(x / CELL) + 1] = 1;
    for (let j = 1; j <= rows; j += 1) {
      for (let i = 1; i <= columns; i += 1) {
        const at = j * (columns + 1) + i;
        sums[at] += sums[at - 1] + sums[at - columns - 1] - sums[at - columns - 2];
      }
    }
    return ({ x, y, w, h }) => {
      const cell = (at, last) => Math.min(last, Math.max(0, Math.round(at / CELL)));
      const [left, right] = [x - w / 2 - radius, x + w / 2 + radius].map((at) => cell(at, columns));
      const [top, low] = [y - h / 2 - radius, y + h / 2 + radius].map((at) => cell(at, rows));
      const sum = (i, j) => sums[j * (columns + 1) + i];
      return sum(right, low) - sum(left, low) - sum(right, top) + sum(left, top);
    };
  }

  function overlap(one, other) {
    return Math.abs(one.x - other.x) < (one.w + other.w) / 2 + BETWEEN && Math.abs(one.y - other.y) < (one.h + other.h) / 2 + BETWEEN;
  }

  /* A title in lines that are as wide as a name may be; one word may be wider. */
  function lines(title) {
    const found = [];
    for (const word of title.replaceAll(" ·", "\u00a0·").split(" ")) {
      const longer = found.length ? `${found.at(-1)} ${word}` : word;
      if (found.length && pencil.measureText(longer).width <= WIDTH) found[found.length - 1] = longer;
      else found.push(word);
    }
    return found;
  }

  /* The best free place for a name near its theme's densest place, or null. */
  function best([x, y], { w, h }, { width, height, covered, placed }) {
    let [found, least] = [null, Infinity];
    for (const [right, down] of STEPS) {
      const box = {
        w, h,
        x: Math.min(width - w / 2 - EDGE, Math.max(w / 2 + EDGE, x + right * (w / 2 + GAP))),
        y: Math.min(height - h / 2 - EDGE, Math.max(h / 2 + EDGE, y + down * (h / 2 + GAP))),
      };
      if (placed.some((one) => overlap(one, box))) continue;
      const cost = Math.min(1, covered(box) / ENOUGH) + Math.hypot(box.x - x, box.y - y) / FAR;
      if (cost < least) [found, least] = [box, cost];
    }
    return found;
  }

  /* Boxes {text, x, y, w, h} for those of `themes` ({tag, title, points()}, the first come first)
     that fit; `marks` are the places of all posts, x and y the middle of a box, all in pixels, as
     are the sizes of the map and the radius of a mark. */
  function placeNames(themes, marks, { width, height, radius }) {
    const inside = ([x, y]) => x >= 0 && y >= 0 && x < width && y < height;
    const map = { width, height, covered: coverage(marks.filter(inside), width, height, radius), placed: [] };
    let area = 0;
    pencil.font = `600 ${SIZE}px ${report.FONT}`;
    for (const { tag, title, points } of themes) {
      const text = width < NARROW ? [tag] : lines(title);
      const size = { w: Math.max(...text.map((line) => pencil.measureText(line).width)), h: text.length * LINE };
      area += size.w * size.h;
      if (area > SHARE * width * height) break;
      const own = points();
      const seen = own.filter(inside);
      const there = seen.length > own.length * STRAY;
      const box = there ? best(densest(seen), size, map) : null;
      if (box) map.placed.push({ ...box, text: text.join("\n") });
      else area -= size.w * size.h;
    }
    return map.placed;
  }

  /* Writes names {text, place} on the map: the place is the middle of the text, in pixels. */
  function writeNames(on, names) {
    on.font = `600 ${SIZE}px ${report.FONT}`;
    [on.textAlign, on.textBaseline, on.lineJoin] = ["center", "middle", "round"];
    [on.fillStyle, on.strokeStyle, on.lineWidth] = [report.colour("ink"), report.colour("paper"), 4];
    for (const { text, place: [x, y] } of names) {
      const written = text.split("\n");
      written.forEach((line, i) => {
        const top = y + (i - (written.length - 1) / 2) * LINE;
        on.strokeText(line, x, top);
        on.fillText(line, x, top);
      });
    }
  }

  Object.assign(report, { placeNames, writeNames });
})();
