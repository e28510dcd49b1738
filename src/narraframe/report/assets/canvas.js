/* The canvas of the map: what is seen of it, moving and zooming, and the post under the pointer. */
window.narraframe.whenUnpacked((posts) => {
  "use strict";

  const report = window.narraframe;
  const { onMap } = report;
  const STEPS = 10000; // the map's coordinates
  const EDGE = 4; // pixels kept free along the edges
  const NEAR = 14; // pixels from the pointer in which a post is sought
  const CELLS = 128; // along each side: where posts lie is looked up in squares
  const SLOW = 12; // milliseconds: marks that take longer are repainted when the movement rests
  const REST = 120; // milliseconds
  const LEAST = 1; // per cent of the map: no nearer

  function ranges(column) {
    let [low, high] = [STEPS, 0];
    for (const row of onMap) [low, high] = [Math.min(low, column[row]), Math.max(high, column[row])];
    const margin = Math.max((high - low) * 0.05, 1);
    return { min: low - margin, max: high + margin };
  }

  /* Posts by square, so that the nearest is found without asking all of them. */
  function lookup() {
    const cell = (row) => Math.min(CELLS - 1, Math.floor((posts.x[row] * CELLS) / STEPS)) * CELLS
      + Math.min(CELLS - 1, Math.floor((posts.y[row] * CELLS) / STEPS));
    const starts = new Int32Array(CELLS * CELLS + 1);
    for (const row of onMap) starts[cell(row) + 1] += 1;
    for (let i = 0; i < CELLS * CELLS; i += 1) starts[i + 1] += starts[i];
    const next = starts.slice();
    const rows = new Int32Array(onMap.length);
    for (const row of onMap) {
      rows[next[cell(row)]] = row;
      next[cell(row)] += 1;
    }
    return { starts, rows };
  }

  /* Draws with `paint(canvas, lens)` and `above(pencil, lens)`; tells `on` of what the reader does. */
  report.mapCanvas = (element, { paint, above, on }) => {
    const canvas = report.make("canvas", "marks");
    const layer = document.createElement("canvas"); // the marks as last painted
    const pencil = canvas.getContext("2d");
    const [acrossRange, upRange] = [ranges(posts.x), ranges(posts.y)];
    const squares = lookup();
    const view = { zoom: [[0, 100], [0, 100]], painted: null, took: 0, ratio: 1 };
    let [frame, resting] = [0, 0];
    canvas.setAttribute("aria-hidden", "true");
    element.prepend(canvas);

    const axis = ({ min, max }, [start, end], length, ratio, flip) => {
      const [low, span] = [min + ((max - min) * start) / 100, ((max - min) * (end - start)) / 100];
      const scale = ((length - 2 * EDGE) / span) * ratio;
      const offset = EDGE * ratio - low * scale;
      return flip ? { scale: -scale, offset: length * ratio - offset } : { scale, offset };
    };

    /* From posts to pixels, for the part of the map that is seen; `ratio` 1: pixels of the page. */
    function lens(ratio = 1, zoom = view.zoom) {
      const [width, height] = [element.clientWidth, element.clientHeight];
      const [across, up] = [axis(acrossRange, zoom[0], width, ratio), axis(upRange, zoom[1], height, ratio, true)];
      return {
        width, height, across, up,
        pixel: (row) => [posts.x[row] * across.scale + across.offset, posts.y[row] * up.scale + up.offset],
        value: ({ x, y }) => [(x - across.offset) / across.scale, (y - up.offset) / up.scale],
        at: ([x, y]) => [x * across.scale + across.offset, y * up.scale + up.offset],
      };
    }

    function paintLayer() {
      const began = performance.now();
      [layer.width, layer.height] = [canvas.width, canvas.height];
      paint(layer, lens(view.ratio), view.ratio);
      view.took = performance.now() - began;
      view.painted = view.zoom;
    }

    /* The marks where they are now: as painted, or the last painting moved and stretched. */
    function compose() {
      frame = 0;
      const settled = view.painted === view.zoom;
      if (!settled && (!view.painted || view.took < SLOW || !resting)) paintLayer();
      const [was, is] = [lens(view.ratio, view.painted), lens(view.ratio)];
      const [sx, sy] = [is.across.scale / was.across.scale, is.up.scale / was.up.scale];
      pencil.fillStyle = report.colour("paper");
      pencil.fillRect(0, 0, canvas.width, canvas.height);
      pencil.setTransform(sx, 0, 0, sy, is.across.offset - was.across.offset * sx, is.up.offset - was.up.offset * sy);
      pencil.drawImage(layer, 0, 0);
      pencil.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
      above(pencil, lens());
      pencil.setTransform(1, 0, 0, 1, 0, 0);
    }

    function ask() {
      if (!frame) frame = requestAnimationFrame(compose);
    }

    /* Everything anew, at once. */
    function draw() {
      view.ratio = window.devicePixelRatio || 1;
      [canvas.width, canvas.height] = [element.clientWidth, element.clientHeight].map((side) => Math.round(side * view.ratio));
      view.painted = null;
      compose();
    }

    function settle() {
      clearTimeout(resting);
      resting = setTimeout(() => {
        resting = 0;
        on.rest();
        ask();
      }, REST);
    }

    /* Shows other shares of the map, in per cent; never past its edges. */
    function look(zoom) {
      view.zoom = zoom.map(([start, end]) => {
        const span = Math.min(100, Math.max(LEAST, end - start));
        const middle = (start + end) / 2;
        const low = Math.min(100 - span, Math.max(0, middle - span / 2));
        return [low, low + span];
      });
      settle();
      ask();
    }

    /* Zoom by `factor` around a place (shares of what is seen), then move by shares of it. */
    function zoom(factor, right = 0, up = 0, around = [0.5, 0.5]) {
      if (!factor) return look([[0, 100], [0, 100]]);
      return look(view.zoom.map(([start, end], i) => {
        const span = end - start;
        const fixed = start + span * around[i];
        const low = fixed - span * factor * around[i] + (i ? up : right) * span;
        return [low, low + span * factor];
      }));
    }

    /* The post nearest to a place in pixels, or -1. */
    function nearest([x, y], within = NEAR) {
      const { pixel, value } = lens();
      const [a, b] = [value({ x: x - within, y: y + within }), value({ x: x + within, y: y - within })];
      const cell = (at) => Math.min(CELLS - 1, Math.max(0, Math.floor((at * CELLS) / STEPS)));
      let [best, least] = [-1, within * within];
      for (let i = cell(a[0]); i <= cell(b[0]); i += 1) {
        const [from, to] = [squares.starts[i * CELLS + cell(a[1])], squares.starts[i * CELLS + cell(b[1]) + 1]];
        for (let k = from; k < to; k += 1) {
          const [left, top] = pixel(squares.rows[k]);
          const away = (left - x) ** 2 + (top - y) ** 2;
          if (away <= least && on.mayBeRead(squares.rows[k])) [best, least] = [squares.rows[k], away];
        }
      }
      return best;
    }

    function place(event) {
      const box = element.getBoundingClientRect();
      return [event.clientX - box.left - element.clientLeft, event.clientY - box.top - element.clientTop];
    }

    function listen() {
      const fingers = new Map();
      let moved = 0;
      canvas.addEventListener("pointerdown", (event) => {
        if (event.button) return;
        fingers.set(event.pointerId, place(event));
        canvas.setPointerCapture(event.pointerId);
        moved = fingers.size > 1 ? EDGE + 1 : 0;
      });
      canvas.addEventListener("pointermove", (event) => {
        const [to, from] = [place(event), fingers.get(event.pointerId)];
        if (!from) return on.hover(nearest(to), to);
        moved += Math.hypot(to[0] - from[0], to[1] - from[1]);
        if (moved <= EDGE) return undefined;
        on.hover(-1);
        const size = [element.clientWidth, element.clientHeight];
        const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
        const apart = other && [from, to].map((one) => Math.max(20, Math.hypot(one[0] - other[0], one[1] - other[1])));
        const around = other && [other[0] / size[0], 1 - other[1] / size[1]];
        if (other) zoom(apart[0] / apart[1], 0, 0, around);
        else zoom(1, (from[0] - to[0]) / size[0], (to[1] - from[1]) / size[1]);
        fingers.set(event.pointerId, to);
        return undefined;
      });
      const lift = (event) => {
        const known = fingers.delete(event.pointerId);
        if (event.type === "pointerup" && known && moved <= EDGE) on.choose(nearest(place(event)));
      };
      for (const type of ["pointerup", "pointercancel"]) canvas.addEventListener(type, lift);
      canvas.addEventListener("pointerleave", () => on.hover(-1));
      canvas.addEventListener("wheel", (event) => {
        if (!event.ctrlKey) return;
        event.preventDefault();
        const [x, y] = place(event);
        zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) / 250), 0, 0, [x / element.clientWidth, 1 - y / element.clientHeight]);
      }, { passive: false });
      let last = "";
      new ResizeObserver(() => {
        const size = `${element.clientWidth} ${element.clientHeight}`;
        if (size === last || !element.clientWidth) return;
        const first = !last;
        last = size;
        if (!first) on.resized();
      }).observe(element);
    }

    listen();
    return { canvas, draw, ask, zoom, look, nearest, lens, windows: () => view.zoom, took: () => view.took };
  };
});
