// One binding for every input of the page (class field-input): text, number, range, checkbox, select, textarea.
// A range tells every move at once, at most once a frame; text waits until typing pauses.
(function () {
  "use strict";
  const PAUSE = 350; // ms

  function show(el) {
    const output = el.closest(".field") && el.closest(".field").querySelector(".field-value");
    if (!output) return;
    const unit = el.dataset.unit ? " " + el.dataset.unit : "";
    output.textContent = el.value + unit;
    el.setAttribute("aria-valuetext", el.value + unit);
  }

  class FieldBinding extends Shiny.InputBinding {
    find(scope) { return $(scope).find(".field-input"); }
    getId(el) { return el.id; }
    initialize(el) { show(el); }
    getValue(el) {
      if (el.type === "checkbox") return el.checked;
      if (el.type === "range" || el.type === "number") return el.value === "" ? null : Number(el.value);
      return el.value;
    }
    setValue(el, value) {
      if (el.type === "checkbox") el.checked = Boolean(value); else el.value = value;
      show(el);
    }
    receiveMessage(el, message) {
      for (const name of ["min", "max", "step"]) if (message[name] !== undefined) el[name] = message[name];
      if (message.unit !== undefined) el.dataset.unit = message.unit;
      if (message.choices !== undefined) choices(el, message.choices);
      if (message.value !== undefined) this.setValue(el, message.value);
      // The server knows what it set: telling it again would race with what is moved meanwhile.
      Shiny.forgetLastInputValue(el.id);
    }
    subscribe(el, callback) {
      let timer = null, told = false, moved = false;
      const now = () => { clearTimeout(timer); callback(false); };
      el._spasmlab = () => now();
      el.addEventListener("change", el._spasmlab);
      el._typed = () => {
        show(el);
        if (el.type === "range") {
          // The first move is told at once, those within the same frame together when it ends.
          if (told) { moved = true; return; }
          const tell = () => {
            told = true; moved = false;
            callback(false);
            requestAnimationFrame(() => { told = false; if (moved) tell(); });
          };
          tell();
        } else if (el.tagName !== "SELECT" && el.type !== "checkbox") {
          clearTimeout(timer);
          timer = setTimeout(now, PAUSE);
        }
      };
      el.addEventListener("input", el._typed);
    }
    unsubscribe(el) {
      el.removeEventListener("change", el._spasmlab);
      el.removeEventListener("input", el._typed);
    }
  }

  function choices(el, pairs) {
    el.replaceChildren(...pairs.map(([value, text]) => {
      const option = document.createElement("option");
      option.value = value; option.textContent = text;
      return option;
    }));
  }

  Shiny.inputBindings.register(new FieldBinding(), "spasmlab.field", 100);

  // What the server put into fields, told back to it: typing the old value again is then a change.
  Shiny.addCustomMessageHandler("spasmlab-fill", ({ fields }) => {
    for (const [id, told] of Object.entries(fields)) {
      const el = document.getElementById(id);
      if (told.choices) choices(el, told.choices);
      el.value = told.value;
      show(el);
      el.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });

  // What is wrong with a field stands below it and is read out.
  Shiny.addCustomMessageHandler("spasmlab-mark", ({ id, text }) => {
    const el = document.getElementById(id), place = document.getElementById(id + "-error");
    if (!el || !place) return;
    if (place.textContent !== text) place.textContent = text;
    if (text) el.setAttribute("aria-invalid", "true"); else el.removeAttribute("aria-invalid");
  });
})();
