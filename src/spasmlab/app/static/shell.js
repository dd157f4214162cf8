// The shell: tabs, address, messages, light and dark, and coming back after the server was away.
(function () {
  "use strict";
  const $id = (id) => document.getElementById(id);
  const tabs = () => [...document.querySelectorAll("[role=tab][data-tab]")];

  // ---- tabs: arrows move, the address follows -------------------------------------------------------------------
  function open(name, focus) {
    for (const tab of tabs()) {
      const chosen = tab.dataset.tab === name, panel = $id("panel-" + tab.dataset.tab);
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      if (chosen && focus) tab.focus();
      if (panel.hidden === chosen) {
        panel.hidden = !chosen;
        $(panel).trigger(chosen ? "shown" : "hidden");
      }
    }
    window.dispatchEvent(new Event("resize"));
    if (window.Shiny && Shiny.setInputValue) Shiny.setInputValue("tab", name);
  }
  const current = () => tabs().find((t) => t.getAttribute("aria-selected") === "true").dataset.tab;

  function bindTabs() {
    for (const tab of tabs()) {
      tab.addEventListener("click", () => open(tab.dataset.tab, false));
      tab.addEventListener("keydown", (event) => {
        const all = tabs(), at = all.indexOf(tab);
        const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        open(all[(to + all.length) % all.length].dataset.tab, true);
      });
    }
    $(document).on("shiny:connected", () => open(current(), false));
  }
  Shiny.addCustomMessageHandler("spasmlab-open", ({ tab }) => { open(tab, false); window.scrollTo(0, 0); });
  Shiny.addCustomMessageHandler("spasmlab-address", ({ query }) => {
    history.replaceState(null, "", location.pathname + (query ? "?" + query : ""));
  });

  // From any number to its row: within the page where it is connected, else the link itself.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-evidence]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || !alive) return;
    event.preventDefault();
    Shiny.setInputValue("evidence_asked", link.dataset.evidence, { priority: "event" });
    open("evidence", true);
  });

  // ---- messages ----------------------------------------------------------------------------------------------------
  function message(text, level) {
    const list = $id("messages");
    const same = [...list.children].find((m) => m.dataset.text === text);
    if (same) same.remove();
    const box = document.createElement("div"), line = document.createElement("p");
    box.className = "message " + level;
    box.dataset.text = text;
    box.setAttribute("role", level === "error" ? "alert" : "status");
    line.textContent = text;
    const close = document.createElement("button");
    close.type = "button"; close.className = "button quiet close"; close.textContent = "Close";
    list.append(box);
    box.append(line, close);
    while (list.children.length > 4) list.firstChild.remove();
    if (level !== "error") setTimeout(() => box.remove(), 8000);
    return box;
  }
  document.addEventListener("click", (event) => {
    const close = event.target.closest(".message .close");
    if (close) close.closest(".message").remove();
  });
  Shiny.addCustomMessageHandler("spasmlab-say", ({ text, level }) => message(text, level));
  Shiny.addCustomMessageHandler("spasmlab-ready", ({ ready }) => { $id("ready").hidden = ready; });

  // A file made by the server from what is shown.
  Shiny.addCustomMessageHandler("spasmlab-file", async ({ name, text, kind, png }) => {
    window.spasmlab.save(name, png ? await window.spasmlab.png(text) : new Blob([text], { type: kind }));
  });
  document.addEventListener("submit", (event) => event.preventDefault());

  // A button with data-copy="the id of a text" copies it.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText($id(button.dataset.copy).textContent);
      message("Copied.", "note");
    } catch (problem) {
      getSelection().selectAllChildren($id(button.dataset.copy));
      message("Selected: press Ctrl+C to copy.", "note");
    }
  });
  Shiny.addCustomMessageHandler("spasmlab-busy", ({ run, cancel, busy }) => {
    const stopped = $id(cancel) === document.activeElement;
    $id(run).disabled = busy; $id(cancel).hidden = !busy;
    if (stopped && !busy) $id(run).focus();
  });
  // What stands in a fold with an id is only made once it is open: input.ID_open().
  document.addEventListener("toggle", (event) => {
    if (event.target.tagName === "DETAILS" && event.target.id) Shiny.setInputValue(event.target.id + "_open", event.target.open);
  }, true);

  // ---- progress of a job ---------------------------------------------------------------------------------------
  Shiny.addCustomMessageHandler("spasmlab-progress", ({ id, busy, share, text }) => {
    const box = $id(id);
    if (!box) return;
    box.hidden = !busy && !text;
    const bar = $id(id + "-bar"), words = $id(id + "-text");
    bar.hidden = !busy;
    if (share === null) bar.removeAttribute("value"); else bar.value = share;
    if (words.textContent !== text) words.textContent = text;
  });

  // ---- light and dark ----------------------------------------------------------------------------------------------
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (document.documentElement.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  function showTheme() {
    $id("theme").setAttribute("aria-pressed", String(dark()));
    window.dispatchEvent(new Event("spasmlab-theme"));
  }
  function toggleTheme() {
    const next = dark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try { localStorage.setItem("spasmlab-theme", next); } catch (problem) { /* it holds for this page alone */ }
    showTheme();
  }

  // ---- the link -----------------------------------------------------------------------------------------------------
  async function copyLink() {
    try {
      await navigator.clipboard.writeText(location.href);
      message("The link to this view was copied.", "note");
    } catch (problem) {
      message("The link to this view is in the address bar.", "note");
    }
  }

  // ---- the server went away: wait for it, then load this link again -------------------------------------------------
  let alive = true;
  $(document).on("shiny:disconnected", () => {
    if (!alive) return;
    alive = false;
    document.body.classList.add("away");
    message("The connection to the laboratory was lost. This page comes back by itself when the server does.", "error");
    const again = async () => {
      try {
        const answer = await fetch("health", { cache: "no-store" });
        if (answer.ok) { location.reload(); return; }
      } catch (problem) { /* still away */ }
      setTimeout(again, 700);
    };
    setTimeout(again, 400);
  });
  window.addEventListener("pagehide", () => { alive = false; });

  // This script is deferred: the page is there.
  for (const sign of ["shinyBusySpinners", "shinyBusyPulse"]) delete document.documentElement.dataset[sign];
  bindTabs();
  showTheme();
  system.addEventListener("change", showTheme);
  $id("theme").addEventListener("click", toggleTheme);
  $id("copy-link").addEventListener("click", copyLink);
})();
