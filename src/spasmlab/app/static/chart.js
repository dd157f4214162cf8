// A chart: uPlot fed by the server with curves, bands and marks; colours are the page's, a dash stands beside each.
(function () {
  "use strict";
  const LOOKS = {
    shadow: { colour: "--shadow", dash: [5, 4], width: 1.5 },
    first: { colour: "--blue", dash: null, width: 2 },
    second: { colour: "--vermillion", dash: [9, 4], width: 2 },
    third: { colour: "--green", dash: [2, 3], width: 2 },
    fourth: { colour: "--purple", dash: [9, 3, 2, 3], width: 2 },
  };
  const FONT = "11px system-ui, sans-serif", SMALL = "10px system-ui, sans-serif";
  const colours = new Map(); // asking for a style makes the browser lay the page out, so each is asked for once a theme
  function css(name) {
    if (!colours.has(name)) colours.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
    return colours.get(name);
  }
  window.addEventListener("spasmlab-theme", () => colours.clear());
  const charts = new Map(); // element → { plot, drawing, shape }

  function number(value) {
    if (value === null || value === undefined) return "–";
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size < 1e-3 || size >= 1e5) return value.toExponential(1).replace("e+", "e").replace("-", "−");
    const places = Math.max(0, 2 - Math.floor(Math.log10(size)));
    return Number(value.toFixed(Math.min(places, 6))).toString().replace("-", "−");
  }

  function columns(drawing) {
    const data = [drawing.x];
    for (const curve of drawing.curves) {
      data.push(curve.values);
      if (curve.low) data.push(curve.low, curve.high);
    }
    return data;
  }

  // What must be built anew when it changes: everything but the numbers.
  const shapeOf = (drawing) => JSON.stringify([
    drawing.curves.map((c) => [c.label, c.look, Boolean(c.low)]), drawing.xLabel, drawing.yLabel, drawing.yRange,
    drawing.ticks, drawing.kind,
  ]);

  function series(drawing) {
    const bars = drawing.kind === "bars", found = [{}], bands = [];
    for (const curve of drawing.curves) {
      const look = LOOKS[curve.look], stroke = () => css(look.colour), at = found.length;
      const line = bars ? { paths: () => null, points: { show: false } } : {
        stroke, width: look.width, dash: look.dash || undefined, spanGaps: false,
        points: { show: Boolean(curve.points), size: 5, stroke, fill: () => css("--card") },
      };
      found.push(line);
      if (curve.low) {
        found.push({ paths: bars ? () => null : undefined, stroke: null, width: 0, points: { show: false } },
          { paths: bars ? () => null : undefined, stroke: null, width: 0, points: { show: false } });
        if (!bars) bands.push({ series: [at + 2, at + 1], fill: () => css(look.colour + "-band") });
      }
    }
    return { found, bands };
  }

  // Bars side by side at each tick, hollow for the shadow, with their interval as a line.
  function drawBars(u, drawing) {
    const ctx = u.ctx, ratio = devicePixelRatio, many = drawing.curves.length;
    const step = Math.abs(u.valToPos(1, "x", true) - u.valToPos(0, "x", true)), width = (0.74 * step) / many;
    ctx.save();
    drawing.curves.forEach((curve, place) => {
      const colour = css(LOOKS[curve.look].colour);
      drawing.x.forEach((x, i) => {
        if (curve.values[i] === null) return;
        const left = u.valToPos(x, "x", true) + (place - many / 2) * width + ratio, base = u.valToPos(0, "y", true);
        const top = u.valToPos(curve.values[i], "y", true), w = width - 2 * ratio;
        ctx.strokeStyle = ctx.fillStyle = colour;
        ctx.lineWidth = 1.5 * ratio;
        if (curve.look === "shadow") {
          ctx.setLineDash([3 * ratio, 2 * ratio]); ctx.strokeRect(left, top, w, base - top); ctx.setLineDash([]);
        } else ctx.fillRect(left, top, w, base - top);
        if (curve.low) {
          const centre = left + w / 2;
          ctx.strokeStyle = css("--ink"); ctx.lineWidth = ratio;
          ctx.beginPath();
          ctx.moveTo(centre, u.valToPos(curve.low[i], "y", true));
          ctx.lineTo(centre, u.valToPos(curve.high[i], "y", true));
          ctx.stroke();
        }
      });
    });
    ctx.restore();
  }

  // Beside colour and dash, a shape for each curve that asks for one: at its own places, so that shapes do not hide another.
  const SHAPES = { first: "●", second: "■", third: "▲", fourth: "◆" }, SHAPED = 6;
  function shaped(drawing, place) {
    const many = drawing.x.length, all = many <= 2 * SHAPED;
    const step = all ? 1 : Math.floor(many / SHAPED), from = all ? 0 : Math.floor((step * (place + 1)) / (drawing.curves.length + 1));
    return drawing.x.map((_, i) => i).filter((i) => i >= from && (i - from) % step === 0);
  }
  function drawShapes(u, drawing) {
    const ctx = u.ctx;
    ctx.save();
    ctx.font = `${10 * devicePixelRatio}px sans-serif`; ctx.textAlign = "center"; ctx.textBaseline = "middle";
    drawing.curves.forEach((curve, place) => {
      if (!curve.mark || !SHAPES[curve.look]) return;
      ctx.fillStyle = css(LOOKS[curve.look].colour);
      for (const i of shaped(drawing, place)) {
        if (curve.values[i] !== null) ctx.fillText(SHAPES[curve.look], u.valToPos(drawing.x[i], "x", true), u.valToPos(curve.values[i], "y", true));
      }
    });
    ctx.restore();
  }

  function drawMarks(u, drawing) {
    const ctx = u.ctx, ratio = devicePixelRatio, { left, top, width, height } = u.bbox;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = css("--muted");
    ctx.lineWidth = ratio; ctx.font = `${10.5 * ratio}px system-ui, sans-serif`; ctx.textAlign = "center";
    for (const mark of drawing.marks) {
      const x = u.valToPos(mark.x, "x", true);
      if (!(x >= left && x <= left + width)) continue;
      ctx.setLineDash([2 * ratio, 3 * ratio]);
      ctx.beginPath(); ctx.moveTo(x, top); ctx.lineTo(x, top + height); ctx.stroke();
    }
    ctx.restore();
  }

  function range(drawing) {
    const [low, high] = drawing.yRange;
    return (u, least, most) => {
      if (least === null || most === null) return [low ?? 0, high ?? 1];
      const from = low ?? Math.min(least, most - 1e-9), to = high ?? Math.max(most, from + 1e-9);
      const [, nice] = uPlot.rangeNum(from, to, 0.08, true);
      const [lower] = uPlot.rangeNum(from, to, 0.08, false);
      return [low ?? lower, high ?? nice];
    };
  }

  function options(el, drawing) {
    const { found, bands } = series(drawing), group = el.dataset.group, bars = drawing.kind === "bars";
    const axis = {
      stroke: () => css("--muted"), font: FONT, ticks: { stroke: () => css("--line"), size: 4 },
      grid: { stroke: () => css("--line"), width: 1 },
    };
    const ticks = drawing.ticks;
    return {
      width: Math.max(120, el.clientWidth), height: Number(el.dataset.height),
      padding: [8, 14, 0, 0], legend: { show: false },
      cursor: {
        y: false, drag: { x: false, y: false }, points: { size: 6 },
        sync: group ? { key: group, setSeries: false } : undefined,
      },
      scales: {
        x: { time: false, range: bars || ticks ? () => [-0.6, drawing.x.length - 0.4] : undefined },
        y: { range: range(drawing) },
      },
      axes: [
        { ...axis, size: 26, gap: 3, space: 44, ...(ticks ? { font: SMALL,
          splits: () => drawing.x, values: (u, at) => at.map((v) => ticks[v]), grid: { show: false } } : {
          values: (u, at) => at.map((v) => (v === null ? "" : number(v))) }) },
        { ...axis, size: 44, gap: 4, space: 28, values: (u, at) => at.map((v) => (v === null ? "" : number(v))) },
      ],
      series: found, bands,
      hooks: {
        draw: [(u) => { const now = charts.get(el).drawing; if (bars) drawBars(u, now); else drawShapes(u, now); drawMarks(u, now); }],
        setCursor: [(u) => follow(el, u.cursor.idx)],
      },
    };
  }

  // The legend says which curve is which, and under the cursor its value there.
  function legend(el, drawing) {
    const head = document.createElement("div");
    head.className = "chart-keys";
    for (const curve of drawing.curves) {
      const item = document.createElement("span"), swatch = document.createElement("i");
      item.className = "chart-key";
      swatch.className = `swatch look-${curve.look}`;
      const value = document.createElement("b");
      item.append(swatch, (curve.mark && SHAPES[curve.look] ? SHAPES[curve.look] + " " : "") + curve.label + " ", value);
      head.append(item);
    }
    return head;
  }

  function follow(el, index) {
    const held = charts.get(el);
    if (!held) return;
    const values = held.head.querySelectorAll(".chart-key b");
    const inside = index !== null && index !== undefined;
    held.drawing.curves.forEach((curve, i) => { values[i].textContent = inside ? number(curve.values[index]) : ""; });
    const x = inside ? (held.drawing.ticks ? held.drawing.ticks[index] : number(held.drawing.x[index])) : "";
    held.foot.textContent = held.drawing.xLabel + (inside ? `: ${x}` : "");
  }

  // A chart that has nothing to draw says why, and may offer a button for what would fill it.
  function empty(el, text, action) {
    const held = charts.get(el);
    if (held) held.plot.destroy();
    charts.delete(el);
    el.replaceChildren();
    if (text) {
      const line = document.createElement("p");
      line.className = "chart-empty"; line.textContent = text;
      el.append(line);
    }
    if (action) {
      const button = document.createElement("button");
      button.type = "button"; button.className = "button chart-action"; button.textContent = action;
      button.setAttribute("aria-label", `${action} for ${el.dataset.label}`);
      el.append(button);
    }
    el.setAttribute("role", action ? "group" : "img");
    el.setAttribute("aria-label", el.dataset.label + (text ? ". " + text : ""));
  }

  function draw(el, drawing) {
    if (!el._sized) { el._sized = true; sizes.observe(el); }
    if (!drawing) return empty(el, "");
    if (drawing.message) return empty(el, drawing.message, drawing.action);
    if (!widthOf(el)) { el._waiting = drawing; return; }
    el._waiting = null;
    el.setAttribute("role", "img");
    const held = charts.get(el), shape = shapeOf(drawing);
    el.setAttribute("aria-label", [el.dataset.label, drawing.summary].filter(Boolean).join(". "));
    if (held && held.shape === shape) {
      held.drawing = drawing;
      held.plot.setData(columns(drawing));
    } else {
      if (held) held.plot.destroy();
      el.replaceChildren();
      const head = legend(el, drawing), body = document.createElement("div"), foot = document.createElement("div");
      foot.className = "chart-x"; foot.textContent = drawing.xLabel;
      const unit = document.createElement("div");
      unit.className = "chart-y"; unit.textContent = drawing.yLabel;
      el.append(unit, body, foot, head);
      const made = { drawing, shape, head, foot };
      charts.set(el, made);
      made.plot = new uPlot(options(el, drawing), columns(drawing), body);
    }
    el.dataset.drawn = String(performance.now());
    document.dispatchEvent(new CustomEvent("spasmlab-drawn", { detail: { id: el.id } }));
  }

  // The width that the observer saw last: asking the element itself would lay the page out for each chart.
  const widthOf = (el) => (el._width === undefined ? el.clientWidth : el._width);
  const sizes = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      target._width = contentRect.width;
      if (!target.clientWidth) continue;
      if (target._waiting) draw(target, target._waiting);
      const held = charts.get(target);
      if (held && held.plot.width !== target.clientWidth) {
        held.plot.setSize({ width: Math.max(120, target.clientWidth), height: Number(target.dataset.height) });
      }
    }
  });

  class ChartBinding extends Shiny.OutputBinding {
    find(scope) { return $(scope).find(".spasmlab-chart"); }
    renderValue(el, drawing) {
      el.classList.remove("recalculating");
      draw(el, drawing);
    }
    renderError(el, problem) { empty(el, problem.message); }
    clearError() { }
    showProgress() { }
  }
  Shiny.outputBindings.register(new ChartBinding(), "spasmlab.chart");

  window.addEventListener("spasmlab-theme", () => { for (const held of charts.values()) held.plot.redraw(false, true); });

  // ---- pictures to take away -------------------------------------------------------------------------------------
  const escape = (text) => String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" }[c]));

  function svg(el) {
    const { plot: u, drawing } = charts.get(el), width = u.width, height = u.height + 44, dx = 0, dy = 24;
    const box = { left: u.bbox.left / devicePixelRatio, top: u.bbox.top / devicePixelRatio,
      width: u.bbox.width / devicePixelRatio, height: u.bbox.height / devicePixelRatio };
    const X = (v) => (box.left + u.valToPos(v, "x") + dx).toFixed(1), Y = (v) => (box.top + u.valToPos(v, "y") + dy).toFixed(1);
    const out = [`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">`,
      `<rect width="100%" height="100%" fill="${css("--card")}"/>`,
      `<text x="4" y="14" font-weight="bold" fill="${css("--ink")}">${escape(el.dataset.label)} (${escape(drawing.yLabel)})</text>`];
    const path = (xs, ys) => {
      let text = "", pen = false;
      xs.forEach((x, i) => { if (ys[i] === null) { pen = false; return; } text += (pen ? "L" : "M") + X(x) + " " + Y(ys[i]); pen = true; });
      return text;
    };
    for (const [index, axis] of u.axes.entries()) {
      for (const [i, at] of (axis._splits || []).entries()) {
        const name = axis._values[i];
        if (index === 0) out.push(`<text x="${X(at)}" y="${(box.top + box.height + dy + 15).toFixed(1)}" text-anchor="middle" fill="${css("--muted")}">${escape(name)}</text>`);
        else out.push(`<path d="M${box.left.toFixed(1)} ${Y(at)}H${(box.left + box.width).toFixed(1)}" stroke="${css("--line")}"/>`,
          `<text x="${(box.left - 6).toFixed(1)}" y="${Y(at)}" dy="4" text-anchor="end" fill="${css("--muted")}">${escape(name)}</text>`);
      }
    }
    drawing.curves.forEach((curve, place) => {
      const look = LOOKS[curve.look], colour = css(look.colour);
      if (drawing.kind === "bars") {
        const step = Number(X(1)) - Number(X(0)), w = (0.74 * step) / drawing.curves.length;
        drawing.x.forEach((x, i) => {
          const left = Number(X(x)) + (place - drawing.curves.length / 2) * w, top = Number(Y(curve.values[i])), base = Number(Y(0));
          out.push(`<rect x="${left.toFixed(1)}" y="${top}" width="${(w - 2).toFixed(1)}" height="${(base - top).toFixed(1)}" fill="${curve.look === "shadow" ? "none" : colour}" stroke="${colour}"${curve.look === "shadow" ? ' stroke-dasharray="3 2"' : ""}/>`);
          if (curve.low) out.push(`<path d="M${(left + w / 2 - 1).toFixed(1)} ${Y(curve.low[i])}V${Y(curve.high[i])}" stroke="${css("--ink")}"/>`);
        });
        return;
      }
      if (curve.low) out.push(`<path d="${path(drawing.x, curve.high)}${path([...drawing.x].reverse(), [...curve.low].reverse()).replace("M", "L")}Z" fill="${colour}" fill-opacity="0.2"/>`);
      out.push(`<path d="${path(drawing.x, curve.values)}" fill="none" stroke="${colour}" stroke-width="${look.width}"${look.dash ? ` stroke-dasharray="${look.dash.join(" ")}"` : ""}/>`);
    });
    if (drawing.kind !== "bars") drawing.curves.forEach((curve, place) => {
      if (!curve.mark || !SHAPES[curve.look]) return;
      for (const i of shaped(drawing, place)) if (curve.values[i] !== null) {
        out.push(`<text x="${X(drawing.x[i])}" y="${Y(curve.values[i])}" dy="3.5" font-size="10" text-anchor="middle" fill="${css(LOOKS[curve.look].colour)}">${SHAPES[curve.look]}</text>`);
      }
    });
    out.push(`<text x="${(box.left + box.width / 2).toFixed(1)}" y="${height - 5}" text-anchor="middle" fill="${css("--muted")}">${escape(drawing.xLabel)}</text></svg>`);
    return out.join("\n");
  }

  function save(name, blob) {
    const link = document.createElement("a"), address = URL.createObjectURL(blob);
    link.href = address; link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }

  // Several charts below one another in one picture.
  function together(elements) {
    const parts = elements.filter((el) => charts.has(el)).map(svg);
    const size = (text, name) => Number(text.match(new RegExp(` ${name}="([\\d.]+)"`))[1]);
    const width = Math.max(...parts.map((p) => size(p, "width")));
    let y = 0;
    const inner = parts.map((p) => { const at = y; y += size(p, "height") + 8; return p.replace("<svg ", `<svg y="${at}" `); });
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}">` +
      `<rect width="100%" height="100%" fill="${css("--card")}"/>${inner.join("\n")}</svg>`;
  }

  function png(text) {
    return new Promise((resolve, reject) => {
      const picture = new Image();
      picture.onload = () => {
        const canvas = document.createElement("canvas"), scale = 2;
        canvas.width = picture.width * scale; canvas.height = picture.height * scale;
        canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
        canvas.toBlob(resolve, "image/png");
      };
      picture.onerror = reject;
      picture.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
    });
  }

  // A button with data-picture="svg" or "png" and data-of="a selector of charts" saves them as data-name.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-picture]");
    if (!button) return;
    const text = together([...document.querySelectorAll(button.dataset.of)].filter((el) => el.clientWidth));
    const name = `${button.dataset.name}.${button.dataset.picture}`;
    save(name, button.dataset.picture === "svg" ? new Blob([text], { type: "image/svg+xml" }) : await png(text));
  });

  window.spasmlab = { number, css, charts, looks: LOOKS, draw, save, png };
})();
