// The portal's own script: live refresh, keyboard, menus, copy. Every page is whole without it.
(() => {
  "use strict";
  const root = document.documentElement;
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];

  // ---- controls that only make sense with a script ----
  $$("[data-script]").forEach((node) => { node.hidden = false; });
  $$("[data-noscript]").forEach((node) => { node.hidden = true; });

  // ---- copy; menus close on Escape, on a click elsewhere, and when another opens ----
  document.addEventListener("click", (event) => {
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      navigator.clipboard.writeText(copy.dataset.copy).then(() => say(copy.dataset.done));
      copy.closest("details.value")?.removeAttribute("open");
    }
    if (event.target.closest("[data-print]")) window.print();
    $$("details.value[open], details.pop[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.removeAttribute("open");
    });
    const act = event.target.closest("[data-close]");
    if (act) act.closest("dialog")?.close();
  });
  function say(text) {
    const place = $("#say");
    if (!place) return;
    place.textContent = "";
    window.setTimeout(() => { place.textContent = text; }, 30);
  }

  // ---- a form is sent once ----
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (form.method === "post") {
      form.dataset.sent = "1";
      window.setTimeout(() => delete form.dataset.sent, 4000);
    }
  });
  $$("select[data-submit]").forEach((select) => select.addEventListener("change", () => select.form.requestSubmit()));

  // ---- passkeys: the browser asks the authenticator, the form carries its answer ----
  const passkey = $("form[data-passkey]");
  if (passkey) {
    const said = passkey.dataset;
    const start = $("[data-start]", passkey), place = $("[data-say]", passkey);
    const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    const text = (buffer) => (buffer
      ? btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "") : "");
    const known = said.credentials.split(" ").filter(Boolean).map((id) => ({ type: "public-key", id: bytes(id) }));
    const make = () => navigator.credentials.create({ publicKey: {
      rp: { id: said.rp, name: said.rp },
      user: { id: bytes(said.user), name: said.login, displayName: said.display },
      challenge: bytes(said.challenge),
      pubKeyCredParams: said.algorithms.split(" ").map((alg) => ({ type: "public-key", alg: Number(alg) })),
      authenticatorSelection: { userVerification: "required", residentKey: "discouraged" },
      attestation: "none", excludeCredentials: known, timeout: 240000,
    } });
    const show = () => navigator.credentials.get({ publicKey: {
      rpId: said.rp, challenge: bytes(said.challenge), allowCredentials: known, userVerification: "required", timeout: 240000,
    } });
    const wrong = (words) => { place.textContent = words; place.hidden = false; start.disabled = false; };
    const ask = async () => {
      if (!window.PublicKeyCredential) { wrong(said.unsupported); return; }
      place.hidden = true;
      start.disabled = true;
      try {
        const made = await (said.passkey === "create" ? make() : show());
        const parts = {
          credential: made.rawId, client_data: made.response.clientDataJSON, object: made.response.attestationObject,
          authenticator_data: made.response.authenticatorData, signature: made.response.signature, user: made.response.userHandle,
        };
        for (const [name, value] of Object.entries(parts)) passkey.elements[name].value = text(value);
        passkey.requestSubmit();
      } catch (error) {
        wrong(error.name === "InvalidStateError" ? said.known : said.refused);
      }
    };
    start.addEventListener("click", ask);
    ask();
  }

  // ---- the clock keeps the zone the server chose ----
  const clock = $("#clock");
  if (clock) {
    const parts = new Intl.DateTimeFormat("en-GB", {
      timeZone: clock.dataset.zone, hour12: false, year: "numeric", month: "2-digit", day: "2-digit",
      hour: "2-digit", minute: "2-digit", second: "2-digit",
    });
    const ahead = Date.parse(clock.dateTime) - Date.now();
    const offset = clock.textContent.trim().split(" ").pop();
    window.setInterval(() => {
      const now = new Date(Date.now() + ahead);
      const p = Object.fromEntries(parts.formatToParts(now).map((part) => [part.type, part.value]));
      clock.textContent = `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second} ${offset}`;
    }, 1000);
  }

  // ---- live: the server says which counters changed; marked parts ask for themselves again ----
  const live = $("#live");
  if (live && window.EventSource) {
    const age = $(".age", live);
    const button = $("button", live);
    const waiting = new Set();
    let paused = false, last = Date.now(), source;
    const show = (state) => { live.dataset.state = state; };
    const busy = (part) => part.contains(document.activeElement) && document.activeElement !== document.body
      || $("details[open], input.pick:checked", part) !== null || part.querySelector(":hover input, :hover textarea") !== null;
    const refresh = (topic) => {
      for (const part of $$(`[data-live~="${topic}"]`)) {
        if (paused || busy(part) || !window.htmx) waiting.add(topic);
        else window.htmx.trigger(part, "refresh");
      }
      tell();
    };
    const tell = () => {
      const count = waiting.size;
      $(".waiting", live).textContent = count ? `${count} ${live.dataset.waiting}` : "";
    };
    const flush = () => { const topics = [...waiting]; waiting.clear(); topics.forEach(refresh); };
    const toggle = () => {
      paused = !paused;
      show(paused ? "paused" : "on");
      button.textContent = paused ? live.dataset.resume : live.dataset.pause;
      button.setAttribute("aria-pressed", String(paused));
      if (!paused) flush();
    };
    const open = () => {
      source = new EventSource("/live");
      source.onopen = () => { last = Date.now(); if (!paused) show("on"); };
      source.onerror = () => show("off");
      source.addEventListener("beat", () => {
        last = Date.now();
        if (!paused) show("on");
        live.classList.add("beat");
        window.setTimeout(() => live.classList.remove("beat"), 700);
      });
      source.addEventListener("changed", (event) => {
        last = Date.now();
        JSON.parse(event.data).topics.forEach(refresh);
      });
    };
    button.addEventListener("click", toggle);
    button.hidden = false;
    window.setInterval(() => {
      const seconds = Math.round((Date.now() - last) / 1000);
      age.textContent = live.dataset.state === "off" ? live.dataset.lost : `${seconds} ${live.dataset.age}`;
      if (!paused && waiting.size) flush();
    }, 1000);
    window.addEventListener("pagehide", () => source?.close());
    live.toggle = toggle;
    open();
  }

  // ---- keyboard (WCAG 2.1.4: single keys can be switched off; nothing fires while an input method composes) ----
  const store = { get: (k) => { try { return localStorage.getItem(k); } catch { return null; } }, set: (k, v) => { try { localStorage.setItem(k, v); } catch { /* private window */ } } };
  const sheet = $("#keys");
  $$("[data-open-keys]").forEach((link) => link.addEventListener("click", (event) => {
    if (sheet) { event.preventDefault(); sheet.showModal(); }
  }));
  const toggle = $("#keys-on");
  if (toggle) {
    toggle.checked = store.get("keys") !== "off";
    toggle.addEventListener("change", () => store.set("keys", toggle.checked ? "on" : "off"));
  }
  const go = { KeyD: "/", KeyT: "/attacks", KeyF: "/findings", KeyI: "/indicators", KeyE: "/points", KeyS: "/sensors" };
  let prefix = 0;
  const rows = () => $$("[data-row]");
  const picked = () => rows().findIndex((row) => row.classList.contains("picked"));
  const pick = (index) => {
    const all = rows();
    const row = all[Math.max(0, Math.min(all.length - 1, index))];
    if (!row) return;
    all.forEach((other) => other.classList.remove("picked"));
    row.classList.add("picked");
    row.scrollIntoView({ block: "nearest" });
    const link = $("a[data-main]", row);
    link?.focus({ preventScroll: true });
    if (link?.dataset.preview && window.htmx) link.click();
  };
  const press = (name) => {
    const target = $(`[data-key="${name}"]`);
    if (!target) return;
    if (target.tagName === "SUMMARY") { target.parentElement.open = true; $("input, select, textarea", target.parentElement)?.focus(); }
    else target.click();
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      $$("details.value[open], details.pop[open]").forEach((menu) => { menu.removeAttribute("open"); $("summary", menu)?.focus(); });
      return;
    }
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, dialog[open]") || sheet?.open || store.get("keys") === "off") return;
    const after = prefix && Date.now() - prefix < 1200;
    prefix = 0;
    if (after && go[event.code]) { location.href = go[event.code]; return; }
    if (event.key === "?" || (event.shiftKey && event.code === "Slash")) { event.preventDefault(); if (sheet && !sheet.open) sheet.showModal(); return; }
    if (event.shiftKey) return;
    const keys = {
      Slash: () => $("#q")?.focus(),
      KeyG: () => { prefix = Date.now(); },
      KeyJ: () => pick(picked() + 1),
      KeyK: () => pick(picked() - 1),
      Enter: null,
      KeyX: () => $(".picked input.pick")?.click(),
      KeyA: () => press("take"), KeyE: () => press("resolve"), KeyS: () => press("silence"), KeyU: () => press("undo"),
      KeyP: () => live?.toggle?.(),
      Period: () => { const menu = $(".picked details.value") ?? $("details.value"); if (menu) { menu.open = true; $("a, button", menu)?.focus(); } },
    };
    const act = keys[event.code];
    if (act) { event.preventDefault(); act(); }
  });

  // ---- every box of this page at once ----
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-pick-all]")) return;
    $$("input.pick").forEach((box) => { box.checked = event.target.checked; });
  });

  // ---- the TV wall: asks for itself again; what is old turns grey and says so ----
  const wall = $("main[data-wall]");
  if (wall) {
    let fresh = Date.now();
    const stale = $(".stale");
    const old = () => {
      const is = Date.now() - fresh > 30000;
      document.body.toggleAttribute("data-stale", is);
      stale.hidden = !is;
    };
    const again = async () => {
      try {
        const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(8000) });
        const next = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main[data-wall]");
        // Signed out: the page that answers instead is shown.
        if (answer.ok && !next) { location.reload(); return; }
        if (next) { wall.replaceChildren(...next.childNodes); fresh = Date.now(); }
      } catch { /* it is tried again; until then the wall grows old */ }
      old();
    };
    window.setInterval(again, 10000);
    window.setInterval(old, 1000);
  }

  // ---- the preview of a queue: mark the chosen row ----
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-preview]");
    if (!link) return;
    rows().forEach((row) => row.classList.toggle("picked", row.contains(link)));
  });
  document.addEventListener("htmx:afterSwap", () => { $$("[data-script]").forEach((node) => { node.hidden = false; }); });
  root.dataset.script = "on";
})();
