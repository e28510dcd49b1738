/* Paints marks: a hundred thousand in a few milliseconds, as each is blended from a ready stamp. */
(() => {
  "use strict";

  const report = window.narraframe;
  const BOX = 12; // the paths are drawn in a square of this side
  const PATHS = {
    circle: "M1 6a5 5 0 1 0 10 0a5 5 0 1 0 -10 0",
    emptyCircle: "M1 6a5 5 0 1 0 10 0a5 5 0 1 0 -10 0",
    triangle: "M6 1L11 11L1 11Z",
    diamond: "M6 0L12 6L6 12L0 6Z",
    rect: "M1 1H11V11H1Z",
  };
  const MOST = 2000; // stamps that are kept
  const MARGIN = 24; // pixels around the picture, so that no mark need be cut

  function rgb(colour) {
    return colour.match(/[\d.]+/g).slice(0, 3).map(Number);
  }

  const stamps = new Map(); // how a mark looks -> its stamp: moving the map changes none

  function stampOf({ shape, size, colour, opacity, edge, edgeWidth }, stride) {
    const key = [shape, size, colour, opacity, edge, edgeWidth, stride].join("|");
    if (stamps.size > MOST) stamps.clear();
    if (!stamps.has(key)) stamps.set(key, stamp({ shape, size, colour, opacity, edge, edgeWidth }, stride));
    return stamps.get(key);
  }

  /* One mark as pixels: where each lies, and its colour times its opacity, ready to be blended. */
  function stamp({ shape, size, colour, opacity, edge, edgeWidth }, stride) {
    const side = Math.ceil(size + edgeWidth) + 2;
    const pencil = new OffscreenCanvas(side, side).getContext("2d", { willReadFrequently: true });
    pencil.translate(side / 2 - size / 2, side / 2 - size / 2);
    pencil.scale(size / BOX, size / BOX);
    const path = new Path2D(PATHS[shape]);
    pencil.fillStyle = colour;
    if (shape !== "emptyCircle") pencil.fill(path);
    pencil.strokeStyle = edge ?? colour;
    pencil.lineWidth = (edgeWidth * BOX) / size;
    if (edgeWidth) pencil.stroke(path);
    const { data } = pencil.getImageData(0, 0, side, side);
    const [at, left, redBlue, green] = [[], [], [], []];
    for (let i = 0; i < side * side; i += 1) {
      const alpha = Math.round((data[4 * i + 3] / 255) * opacity * 256);
      if (!alpha) continue;
      at.push((Math.floor(i / side) - (side >> 1)) * stride + (i % side) - (side >> 1));
      left.push(256 - alpha);
      redBlue.push(Math.imul((data[4 * i + 2] << 16) | data[4 * i], alpha));
      green.push(Math.imul(data[4 * i + 1] << 8, alpha));
    }
    return { at: Int32Array.from(at), left: Int32Array.from(left), redBlue: Int32Array.from(redBlue), green: Int32Array.from(green) };
  }

  /* Paints `layers` ({rows, shape, size, colour, opacity, edge, edgeWidth}, sizes in pixels of the
     canvas) onto `canvas`: where a post lies is `across(x)`, `up(y)`: {scale, offset} each. */
  function paintMarks(canvas, ground, layers, { x, y }, { across, up }) {
    const [width, height] = [canvas.width, canvas.height];
    const stride = width + 2 * MARGIN;
    const picture = new ImageData(stride, height + 2 * MARGIN);
    const pixels = new Uint32Array(picture.data.buffer);
    const [red, green, blue] = rgb(ground);
    pixels.fill((255 << 24) | (blue << 16) | (green << 8) | red);
    for (const layer of layers) {
      const one = stampOf(layer, stride);
      const n = one.at.length;
      for (const row of layer.rows) {
        const left = Math.round(x[row] * across.scale + across.offset);
        const top = Math.round(y[row] * up.scale + up.offset);
        const half = MARGIN / 2;
        if (left < -half || top < -half || left >= width + half || top >= height + half) continue;
        const from = (top + MARGIN) * stride + left + MARGIN;
        for (let k = 0; k < n; k += 1) {
          const at = from + one.at[k];
          const was = pixels[at];
          const redBlue = ((one.redBlue[k] + Math.imul(was & 0xff00ff, one.left[k])) >>> 8) & 0xff00ff;
          pixels[at] = 0xff000000 | redBlue | (((one.green[k] + Math.imul(was & 0xff00, one.left[k])) >>> 8) & 0xff00);
        }
      }
    }
    canvas.getContext("2d").putImageData(picture, -MARGIN, -MARGIN);
  }

  Object.assign(report, { PATHS, paintMarks });
})();
