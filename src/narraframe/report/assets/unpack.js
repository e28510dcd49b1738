/* The posts of the page: packed columns, unpacked once the page stands. */
(() => {
  "use strict";

  const report = window.narraframe;
  const TYPES = { int8: Int8Array, int16: Int16Array, int32: Int32Array };
  const waiting = [];

  function bytes(base64) {
    const text = atob(base64);
    const found = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i += 1) found[i] = text.charCodeAt(i);
    return found;
  }

  async function inflated(packed) {
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).arrayBuffer();
  }

  /* A column of texts: one long text, and where each begins; a text is cut out when it is read. */
  function texts(all, sizes) {
    const starts = new Uint32Array(sizes.length);
    let at = 0;
    sizes.forEach((size, row) => {
      starts[row] = at;
      at += Math.max(size, 0);
    });
    return {
      length: sizes.length,
      at: (row) => (sizes[row] < 0 ? null : all.slice(starts[row], starts[row] + sizes[row])),
    };
  }

  function columns(buffer) {
    const length = new DataView(buffer).getUint32(0, true);
    const decode = new TextDecoder("utf-8", { ignoreBOM: true });
    const header = JSON.parse(decode.decode(new Uint8Array(buffer, 4, length)));
    const found = {};
    for (const { name, type, start, length: size } of header) {
      const from = 4 + length + start;
      if (type === "text") found[name] = texts(decode.decode(new Uint8Array(buffer, from, size)), found[`${name}.size`]);
      else found[name] = new TYPES[type](buffer, from, size / TYPES[type].BYTES_PER_ELEMENT);
    }
    return found;
  }

  /* Each label's posts, ascending, and their probabilities in per cent. */
  function carriers(found) {
    let at = 0;
    return report.data.labels.map((label, j) => {
      const n = found["label.count"][j];
      const rows = Int32Array.from(found["label.step"].subarray(at, at + n));
      for (let i = 1; i < n; i += 1) rows[i] += rows[i - 1];
      const percent = found["label.percent"].subarray(at, at + n);
      at += n;
      return { ...label, rows, percent };
    });
  }

  /* Runs `start` when the posts are there; in the order in which it is asked. */
  report.whenUnpacked = (start) => waiting.push(start);

  report.unpack = async () => {
    const place = document.getElementById("report-posts");
    report.posts = columns(await inflated(bytes(place.textContent)));
    place.textContent = "";
    report.posts.n = report.posts.month.length;
    report.labels = carriers(report.posts);
    for (const start of waiting) start(report.posts);
    performance.mark("unpacked");
    document.documentElement.dataset.unpacked = "";
  };
})();
