// Trial: the form sends its edits, the editor has line numbers, a file is read here and checked by the server.
(function () {
  "use strict";
  const $id = (id) => document.getElementById(id);
  const LARGEST = 32000;
  const send = (name, value) => Shiny.setInputValue(name, value, { priority: "event" });

  // ---- the editor: line numbers, and the line that is wrong -------------------------------------------------------
  let wrong = null;
  function number() {
    const area = $id("trial_toml"), lines = $id("trial_lines"), many = area.value.split("\n").length;
    const made = [];
    for (let i = 1; i <= many; i += 1) {
      const line = document.createElement("span");
      line.textContent = i;
      if (i === wrong) line.className = "wrong";
      made.push(line);
    }
    lines.replaceChildren(...made);
    area.parentElement.style.setProperty("--editor", `${Math.min(840, Math.max(320, 20 * many + 44))}px`);
    lines.scrollTop = area.scrollTop;
  }
  const area = $id("trial_toml");
  area.addEventListener("input", number);
  area.addEventListener("scroll", () => { $id("trial_lines").scrollTop = area.scrollTop; });
  number();

  Shiny.addCustomMessageHandler("spasmlab-trial-problem", ({ text, line, wrong: bad }) => {
    const place = $id("trial_problem");
    place.textContent = text;
    place.classList.toggle("bad", bad);
    if (bad) area.setAttribute("aria-invalid", "true"); else area.removeAttribute("aria-invalid");
    wrong = line;
    number();
    setTimeout(number, 150); // the text itself may come a moment later
    const mark = $id("trial_lines").querySelector(".wrong");
    if (mark && document.activeElement !== area) {
      area.scrollTop = Math.max(0, mark.offsetTop - area.clientHeight / 2);
      $id("trial_lines").scrollTop = area.scrollTop;
    }
  });

  // ---- the form -----------------------------------------------------------------------------------------------------
  let last = null; // where the keyboard was, to come back to after the form is made anew
  document.addEventListener("change", (event) => {
    const input = event.target.closest("#trial_parts [data-path]");
    if (!input) return;
    const value = input.type === "radio" ? input.checked : input.value;
    send("trial_edit", { op: "set", path: input.dataset.path, value });
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("#trial_parts [data-add], #trial_parts [data-remove]");
    if (!button) return;
    const { add, remove } = button.dataset;
    last = add ? `[data-add="${add}"]` : `[data-add="${remove.split(".")[0]}"]`;
    send("trial_edit", { op: add ? "add" : "remove", path: add || remove });
  });
  document.addEventListener("focusin", (event) => {
    const path = event.target.dataset && event.target.dataset.path;
    last = event.target.closest("#trial_parts") ? (path ? `[data-path="${path}"]` : last) : null;
  });
  $(document).on("shiny:value", (event) => {
    if (event.target.id !== "trial_parts") return;
    setTimeout(() => {
      number();
      const again = last && document.activeElement === document.body && $id("trial_parts").querySelector(last);
      if (again) again.focus({ preventScroll: true });
    }, 0);
  });

  // ---- a file -------------------------------------------------------------------------------------------------------
  $id("trial_file").addEventListener("change", async (event) => {
    const file = event.target.files[0];
    if (!file) return;
    let text = null;
    if (file.size <= LARGEST) {
      try { text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer()); } catch (problem) { /* no text */ }
    }
    send("trial_upload", { name: file.name, size: file.size, text });
    event.target.value = "";
  });

  // ---- results -------------------------------------------------------------------------------------------------------
  let drawings = null;
  function drawCourses() {
    const host = $id("trial_courses");
    if (!host || !drawings) return;
    host.replaceChildren();
    for (const [name, drawing] of Object.entries(drawings)) {
      const box = document.createElement("div"), head = document.createElement("h4"), chart = document.createElement("div");
      head.textContent = drawing.title;
      chart.className = "spasmlab-course"; chart.id = `trial-course-${name}`;
      chart.setAttribute("role", "img"); chart.dataset.label = head.textContent; chart.dataset.height = 150;
      chart.dataset.group = "trial-courses";
      box.append(head, chart); host.append(box);
      window.spasmlab.draw(chart, drawing);
    }
  }
  Shiny.addCustomMessageHandler("spasmlab-trial-courses", (told) => { drawings = told.drawings; drawCourses(); });
  $(document).on("shiny:value", (event) => { if (event.target.id === "trial_result") setTimeout(drawCourses, 0); });
})();
