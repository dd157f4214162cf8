// Explore: the panels follow the dose; the player shows what the circuit did, with a moving limb.
(function () {
  "use strict";
  const $id = (id) => document.getElementById(id);
  const { css, number, draw } = window.spasmlab;

  // The last panel is called after what the condition is scored by, and leads to the evidence of that.
  function entitle(box, chart, { title, level }) {
    const link = box.querySelector(".evidence-link");
    box.querySelector("h3").textContent = title;
    chart.dataset.label = title;
    link.dataset.evidence = level; link.href = `?tab=evidence&evidence.open=${level}`; link.title = `Where it comes from: ${level}`;
  }

  // On a phone the question is folded to one line above the dose, and what came of it stands in the bar that stays.
  const form = $id("explore_form"), change = $id("explore_change");
  change.addEventListener("click", () => {
    const open = form.dataset.open !== "true";
    form.dataset.open = String(open);
    change.setAttribute("aria-expanded", String(open));
    change.textContent = open ? "Done" : "Change";
    if (open) $id("explore_drug").focus();
  });
  function inShort({ panels, regimen }) {
    const chosen = (id) => { const el = $id(id); return el.options[el.selectedIndex].text; };
    const { plasma, release, muscle, scale } = panels;
    $id("explore_asked").textContent = `${chosen("explore_drug")} ${regimen}, ${chosen("explore_condition")}`;
    const score = scale.value === "–" ? "" : `${scale.title} ${scale.value}${scale.unit ? " " + scale.unit : ""}, no drug ${scale.without}`;
    $id("explore_brief").textContent = [`Plasma ${plasma.value} ${plasma.unit}`, release.change && `release ${release.change}`,
      muscle.change && `reflex torque ${muscle.change}`, score].filter(Boolean).join(" · ");
  }

  // ---- the panels -------------------------------------------------------------------------------------------------
  let telling = null;
  const boxes = {}; // the places of each panel, looked up once
  function partsOf(name) {
    if (boxes[name]) return boxes[name];
    const box = $id(`explore_${name}_panel`), find = (part) => box.querySelector(part);
    boxes[name] = { whole: find(".panel-value"), value: find(".value"), unit: find(".unit"), interval: find(".interval"),
      change: find(".panel-change"), label: find(".panel-label"), assumed: $id(`explore_${name}_assumed`) };
    return boxes[name];
  }
  function put(el, text) { if (el.textContent !== text) el.textContent = text; }
  Shiny.addCustomMessageHandler("spasmlab-explore", (told) => {
    for (const [name, panel] of Object.entries(told.panels)) {
      if (panel.title) entitle($id(`explore_${name}_panel`), $id(`explore_${name}`), panel);
      draw($id(`explore_${name}`), panel.drawing); // before any text changes, which would lay the page out anew for each
    }
    for (const [name, panel] of Object.entries(told.panels)) {
      const box = partsOf(name);
      put(box.value, panel.value);
      put(box.unit, panel.unit ? " " + panel.unit : "");
      put(box.interval, panel.interval);
      box.whole.title = panel.meaning;
      put(box.change, [panel.without && `no drug ${panel.without}`, panel.change && `change ${panel.change}`].filter(Boolean).join(", "));
      put(box.label, panel.value === "–" ? "" : panel.label);
      put(box.assumed, `Evidence: ${panel.assumed}`);
    }
    inShort(told);
    put($id("explore_when"), told.when);
    put($id("explore_command"), told.command);
    document.dispatchEvent(new CustomEvent("spasmlab-explored", { detail: { regimen: told.regimen } }));
    clearTimeout(telling); // read out what came of it when the slider rests
    telling = setTimeout(() => {
      const { plasma, muscle, scale } = told.panels;
      $id("explore_said").textContent = `${told.regimen}: plasma ${plasma.value} ${plasma.unit}, reflex torque ` +
        `${muscle.value} ${muscle.unit}, ${scale.title} ${scale.value}${scale.unit ? " " + scale.unit : ""}.`;
    }, 900);
  });

  // Where the quick map has no answer, a button in the panel runs the whole chain on the circuit.
  document.addEventListener("click", (event) => {
    if (event.target.closest(".chain .chart-action")) Shiny.setInputValue("explore_fill", Date.now() % 2147483647, { priority: "event" });
  });
  Shiny.addCustomMessageHandler("spasmlab-filling", ({ busy }) => {
    const pressed = document.activeElement && document.activeElement.closest(".chart-action");
    document.querySelector(".chain").dataset.filling = String(busy);
    $id("explore_fill_cancel").hidden = !busy;
    if (busy && pressed) $id("explore_fill_cancel").focus();
  });

  // ---- the player -------------------------------------------------------------------------------------------------
  const SPEEDS = [["0.1", "1/10 speed"], ["0.25", "1/4 speed"], ["0.5", "half speed"], ["1", "full speed"]];
  const LIMB = 190, HEIGHTS = { raster: 96, emg: 62, torque: 74 }, LEFT = 46, RIGHT = 8, GAP = 16, FOOT = 30;
  let film = null;

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value === true) made.setAttribute(key, ""); else if (value !== false) made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }

  function build(recording) {
    if (film) film.stop();
    const host = $id("explore_player");
    host.hidden = false;
    host.replaceChildren();
    const play = element("button", { type: "button", class: "button primary", id: "explore_play" }, "Play");
    const at = element("input", { type: "range", id: "explore_at", min: recording.begin, max: recording.end, step: "any", value: recording.begin });
    const clock = element("output", { for: "explore_at", class: "field-value" });
    const speed = element("select", { id: "explore_speed", class: "field-input" },
      ...SPEEDS.map(([value, text]) => element("option", { value }, text)));
    const slow = recording.assay === "pendulum" || recording.assay === "clonus" || recording.assay === "spasm";
    speed.value = slow ? "1" : "0.1";
    const bar = element("div", { class: "player-controls" }, play,
      element("label", { for: "explore_at", class: "visually-hidden" }, "Time in the recording"), at, clock,
      element("label", { for: "explore_speed", class: "visually-hidden" }, "Speed"), speed);
    const arms = recording.arms.map((arm) => {
      const limb = element("canvas", { class: "limb", "aria-hidden": "true" });
      const traces = element("canvas", { class: "traces", role: "img", "aria-label": described(recording, arm) });
      const box = element("figure", { class: "player-arm" }, element("figcaption", {}, arm.label), limb, traces);
      return { arm, limb, traces, box };
    });
    host.append(element("h3", {}, recording.title), bar, element("div", { class: "player-arms" }, ...arms.map((a) => a.box)));
    draw($id("explore_recruitment"), recording.curve);
    film = new Film(recording, arms, { play, at, clock, speed });
    return film;
  }

  function described(recording, arm) {
    const units = new Set(arm.spikes.unit).size, most = arm.torque ? Math.max(...arm.torque) : null;
    return `${recording.title}, ${arm.label}: ${arm.spikes.time.length} spikes of ${units} motor units` +
      (most !== null ? `, largest torque ${number(most)} N·m` : "");
  }

  class Film {
    constructor(recording, arms, controls) {
      Object.assign(this, { recording, arms, controls, time: recording.begin, playing: false, last: 0 });
      this.ends = this.limits();
      controls.play.addEventListener("click", () => (this.playing ? this.pause() : this.start()));
      controls.at.addEventListener("input", () => { this.pause(); this.time = Number(controls.at.value); this.show(); });
      this.again = () => { this.still(); this.show(); };
      window.addEventListener("spasmlab-theme", this.again);
      this.sizes = new ResizeObserver(this.again);
      for (const { box } of arms) this.sizes.observe(box);
      this.again();
      if (!matchMedia("(prefers-reduced-motion: reduce)").matches) this.start();
    }
    stop() { this.pause(); this.sizes.disconnect(); window.removeEventListener("spasmlab-theme", this.again); }

    // Both arms on the same axes.
    limits() {
      const all = (read) => this.recording.arms.flatMap(read), top = (values, least) => Math.max(least, ...values);
      return {
        units: top(all((a) => a.spikes.unit), 10) + 1,
        emg: top(all((a) => a.emg.high.concat(a.emg.low.map((v) => -v))), 1e-6),
        torque: top(all((a) => a.torque || []), 1e-3),
        low: Math.min(0, ...all((a) => a.torque || [])),
      };
    }

    start() {
      if (this.time >= this.recording.end - 1) this.time = this.recording.begin;
      this.playing = true; this.last = performance.now();
      this.controls.play.textContent = "Pause";
      requestAnimationFrame((now) => this.step(now));
    }
    pause() { this.playing = false; this.controls.play.textContent = "Play"; }
    step(now) {
      if (!this.playing) return;
      this.time += Math.min(100, now - this.last) * Number(this.controls.speed.value);
      this.last = now;
      if (this.time >= this.recording.end) { this.time = this.recording.end; this.pause(); }
      this.show();
      if (this.playing) requestAnimationFrame((next) => this.step(next));
    }

    x(time, width) {
      const { begin, end } = this.recording;
      return LEFT + ((time - begin) / (end - begin)) * (width - LEFT - RIGHT);
    }

    // The traces are drawn once, onto a canvas that is kept; a frame adds only the line of the moment.
    still() {
      for (const held of this.arms) {
        const width = held.box.clientWidth - 2, rows = held.arm.torque ? ["raster", "emg", "torque"] : ["raster", "emg"];
        const height = rows.reduce((sum, row) => sum + HEIGHTS[row] + GAP, 0) + FOOT;
        size(held.limb, width, LIMB); size(held.traces, width, height);
        held.kept = document.createElement("canvas");
        size(held.kept, width, height);
        const ctx = held.kept.getContext("2d");
        ctx.scale(devicePixelRatio, devicePixelRatio);
        let top = GAP;
        for (const row of rows) { this[row](ctx, held.arm, width, top, HEIGHTS[row]); top += HEIGHTS[row] + GAP; }
        this.axis(ctx, width, top - GAP);
        held.height = height; held.width = width;
      }
    }

    frame(ctx, width, top, height, title, most, least) {
      ctx.strokeStyle = css("--line"); ctx.lineWidth = 1;
      ctx.strokeRect(LEFT + 0.5, top + 0.5, width - LEFT - RIGHT, height);
      ctx.fillStyle = css("--muted"); ctx.font = "11px system-ui, sans-serif";
      ctx.textAlign = "left"; ctx.textBaseline = "alphabetic";
      ctx.fillText(title, LEFT, top - 4);
      ctx.textAlign = "right";
      ctx.fillText(most, LEFT - 5, top + 10);
      if (least) ctx.fillText(least, LEFT - 5, top + height);
    }
    raster(ctx, arm, width, top, height) {
      this.frame(ctx, width, top, height, "motor units, small below large", String(this.ends.units), "1");
      const colours = [css("--blue"), css("--green"), css("--vermillion")];
      for (let i = 0; i < arm.spikes.time.length; i++) {
        const share = arm.spikes.unit[i] / this.ends.units;
        const y = top + height - 2 - share * (height - 6), x = this.x(arm.spikes.time[i], width);
        if (x < LEFT || x > width - RIGHT) continue;
        ctx.fillStyle = colours[Math.min(2, Math.floor(share * 3))];
        ctx.fillRect(x, y - 2.5, 1.4, 4);
      }
    }
    emg(ctx, arm, width, top, height) {
      const small = this.ends.emg < 0.1, shown = number(Math.round((small ? 1e3 : 1) * this.ends.emg * 100) / 100);
      this.frame(ctx, width, top, height, small ? "EMG (µV)" : "EMG (mV)", shown, "−" + shown);
      ctx.strokeStyle = css("--muted");
      ctx.beginPath(); ctx.moveTo(LEFT, top + height / 2); ctx.lineTo(width - RIGHT, top + height / 2); ctx.stroke();
      const y = (v) => top + height / 2 - (v / this.ends.emg) * (height / 2 - 2);
      ctx.strokeStyle = css("--ink"); ctx.lineWidth = 1; ctx.beginPath();
      let pen = false;
      arm.emg.time.forEach((time, i) => {
        const x = this.x(time, width);
        if (x < LEFT || x > width - RIGHT) return;
        if (pen) ctx.lineTo(x, y(arm.emg.high[i])); else ctx.moveTo(x, y(arm.emg.high[i]));
        if (arm.emg.low[i] !== arm.emg.high[i]) ctx.lineTo(x, y(arm.emg.low[i]));
        pen = true;
      });
      ctx.stroke();
    }
    torque(ctx, arm, width, top, height) {
      const { torque: most, low } = this.ends;
      this.frame(ctx, width, top, height, "active torque (N·m)", number(most), number(low));
      ctx.strokeStyle = css("--blue"); ctx.lineWidth = 2; ctx.beginPath();
      let pen = false;
      arm.time.forEach((time, i) => {
        const x = this.x(time, width), y = top + height - 2 - ((arm.torque[i] - low) / (most - low)) * (height - 6);
        if (x < LEFT || x > width - RIGHT) return;
        if (pen) ctx.lineTo(x, y); else ctx.moveTo(x, y);
        pen = true;
      });
      ctx.stroke();
    }
    axis(ctx, width, bottom) {
      const { begin, end } = this.recording, seconds = end - begin > 2000, scale = seconds ? 1000 : 1;
      const rough = (end - begin) / scale / 6, power = 10 ** Math.floor(Math.log10(rough));
      const step = [1, 2, 5, 10].map((k) => k * power).find((k) => k >= rough);
      ctx.fillStyle = css("--muted"); ctx.textAlign = "center"; ctx.font = "11px system-ui, sans-serif";
      for (let t = Math.ceil(begin / scale / step) * step; t <= end / scale; t += step) {
        const x = this.x(t * scale, width);
        if (x > width - 70) continue;
        ctx.fillText(number(Math.round(t / step) * step), x, bottom + 13);
      }
      ctx.textAlign = "right";
      ctx.fillText(`time (${seconds ? "s" : "ms"})`, width - RIGHT, bottom + 13);
    }

    show() {
      const { at, clock } = this.controls, seconds = this.recording.end - this.recording.begin > 2000;
      at.value = this.time;
      const text = seconds ? `${(this.time / 1000).toFixed(2)} s` : `${Math.round(this.time)} ms`;
      clock.textContent = text.replace("-", "−");
      at.setAttribute("aria-valuetext", text);
      for (const held of this.arms) {
        const ctx = held.traces.getContext("2d");
        ctx.setTransform(1, 0, 0, 1, 0, 0);
        ctx.clearRect(0, 0, held.traces.width, held.traces.height);
        ctx.drawImage(held.kept, 0, 0);
        ctx.scale(devicePixelRatio, devicePixelRatio);
        ctx.strokeStyle = css("--vermillion"); ctx.lineWidth = 1.5;
        const x = this.x(this.time, held.width);
        ctx.beginPath(); ctx.moveTo(x, 4); ctx.lineTo(x, held.height - FOOT); ctx.stroke();
        limb(held.limb, this.recording, held.arm, this.time, this.ends);
      }
    }
  }

  function size(canvas, width, height) {
    canvas.width = Math.round(width * devicePixelRatio); canvas.height = Math.round(height * devicePixelRatio);
    canvas.style.width = width + "px"; canvas.style.height = height + "px";
  }

  function index(times, time) {
    let low = 0, high = times.length - 1;
    while (low < high) { const mid = (low + high + 1) >> 1; if (times[mid] <= time) low = mid; else high = mid - 1; }
    return low;
  }

  // ---- the limb: a leg from the side, its muscle glowing with the EMG ---------------------------------------------------
  function limb(canvas, recording, arm, time, ends) {
    const ctx = canvas.getContext("2d"), ratio = devicePixelRatio, width = canvas.width / ratio;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, width, LIMB);
    const glow = activity(arm, time, ends), angle = arm.angle ? arm.angle[index(arm.time, time)] : 0;
    const centre = width / 2;
    if (recording.joint === "knee") knee(ctx, centre, angle, glow); else ankle(ctx, centre, angle, glow, recording, time);
    ctx.fillStyle = css("--muted"); ctx.font = "12px system-ui, sans-serif"; ctx.textAlign = "left";
    const words = arm.angle ? `${recording.joint} ${number(Math.round(angle * 10) / 10)}°` : recording.assay === "h_reflex" ? "ankle at rest" : "ankle held still";
    ctx.fillText(words, 10, 18);
    if (arm.torque) {
      ctx.textAlign = "right";
      ctx.fillText(`${arm.torque[index(arm.time, time)].toFixed(1).replace("-", "−")} N·m`, width - 10, 18);
    }
  }

  // How active the muscle is: the EMG of the last 25 ms, or so long as a sweep is short, of the last 5.
  function activity(arm, time, ends) {
    const { time: clock, low, high } = arm.emg;
    if (!clock.length) return 0;
    const to = index(clock, time), back = clock[clock.length - 1] - clock[0] < 200 ? 5 : 40;
    let most = 0;
    for (let i = to; i >= 0 && clock[i] > time - back; i--) most = Math.max(most, high[i], -low[i]);
    return Math.min(1, Math.sqrt(most / ends.emg));
  }

  function limbLine(ctx, from, to, thick) {
    ctx.lineCap = "round";
    for (const [colour, width] of [[css("--edge"), thick], [css("--skin"), thick - 3]]) {
      ctx.strokeStyle = colour; ctx.lineWidth = width;
      ctx.beginPath(); ctx.moveTo(...from); ctx.lineTo(...to); ctx.stroke();
    }
  }

  function belly(ctx, from, to, side, glow, thick) {
    const mid = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2], length = Math.hypot(to[0] - from[0], to[1] - from[1]);
    const turn = Math.atan2(to[1] - from[1], to[0] - from[0]);
    ctx.save();
    ctx.translate(mid[0], mid[1]); ctx.rotate(turn); ctx.translate(0, side * thick * 0.62);
    ctx.beginPath(); ctx.ellipse(-length * 0.08, 0, length * 0.3, thick * (0.42 + 0.12 * glow), 0, 0, 2 * Math.PI);
    ctx.fillStyle = css("--line"); ctx.fill();
    ctx.globalAlpha = glow; ctx.fillStyle = css("--vermillion"); ctx.fill(); ctx.globalAlpha = 1;
    ctx.strokeStyle = css("--edge"); ctx.lineWidth = 1.5; ctx.stroke();
    ctx.restore();
  }

  function ankle(ctx, centre, degrees, glow, recording, time) {
    const knee = [centre - 26, 26], joint = [centre - 10, 130], down = Math.atan2(joint[1] - knee[1], joint[0] - knee[0]);
    const foot = down - Math.PI / 2 - (degrees * Math.PI) / 180; // neutral: at a right angle; dorsiflexion lifts the toes
    const toe = [joint[0] + 82 * Math.cos(foot), joint[1] + 82 * Math.sin(foot) + 8];
    const heel = [joint[0] - 16 * Math.cos(foot), joint[1] - 16 * Math.sin(foot) + 10];
    limbLine(ctx, [knee[0] - 2, knee[1]], joint, 34);
    belly(ctx, knee, joint, 1, glow, 28);
    limbLine(ctx, heel, toe, 22);
    ctx.strokeStyle = css("--muted"); ctx.lineWidth = 2.5; // the tendon
    ctx.beginPath(); ctx.moveTo(knee[0] - 10, knee[1] + 66); ctx.lineTo(heel[0] - 2, heel[1] - 4); ctx.stroke();
    pivot(ctx, joint);
    if (recording.assay === "spasm") tool(ctx, [joint[0] + 34, joint[1] + 34], "skin", time >= 0 && time < 100);
    if (recording.assay === "h_reflex") tool(ctx, [knee[0] - 44, knee[1] + 12], "nerve", time < 2);
  }

  function knee(ctx, centre, degrees, glow) {
    const hip = [centre - 130, 44], joint = [centre - 6, 48], bend = (degrees * Math.PI) / 180;
    const foot = [joint[0] + 112 * Math.cos(bend), joint[1] + 112 * Math.sin(bend)];
    const toe = [foot[0] + 34 * Math.cos(bend - Math.PI / 2), foot[1] + 34 * Math.sin(bend - Math.PI / 2)];
    ctx.fillStyle = css("--line"); ctx.fillRect(centre - 150, 66, 120, 12); // the edge of the table
    limbLine(ctx, hip, joint, 38);
    belly(ctx, hip, joint, -1, glow, 26);
    limbLine(ctx, joint, foot, 28);
    limbLine(ctx, foot, toe, 16);
    pivot(ctx, joint);
  }

  function pivot(ctx, at) {
    ctx.beginPath(); ctx.arc(at[0], at[1], 5, 0, 2 * Math.PI);
    ctx.fillStyle = css("--card"); ctx.fill();
    ctx.strokeStyle = css("--muted"); ctx.lineWidth = 2; ctx.stroke();
  }

  function tool(ctx, at, name, on) {
    ctx.beginPath(); ctx.arc(at[0], at[1], on ? 9 : 6, 0, 2 * Math.PI);
    ctx.fillStyle = on ? css("--vermillion") : css("--line"); ctx.fill();
    ctx.strokeStyle = css("--muted"); ctx.lineWidth = 1.5; ctx.stroke();
    ctx.fillStyle = css("--muted"); ctx.font = "11px system-ui, sans-serif"; ctx.textAlign = "center";
    ctx.fillText(on ? "stimulus" : name, at[0], at[1] + 24);
  }

  Shiny.addCustomMessageHandler("spasmlab-recording", ({ recording }) => { window.spasmlab.film = build(recording); });
})();
