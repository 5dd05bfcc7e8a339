"use strict";
// The editor made quick: completion under the cursor, a count as one writes. Everything works without it.
(() => {
  const box = document.getElementById("expression");
  const list = document.getElementById("completions");
  const look = document.getElementById("look");
  const kept = document.getElementById("saved-expression");
  if (!box || !list || !look) return;
  const QUIET = 180;
  let waiting = 0, asked = 0, before = 0, chosen = -1;

  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", "completions");

  async function answer(path, query) {
    const found = await fetch(path + "?" + new URLSearchParams(query), { headers: { accept: "*/*" } });
    if (!found.ok) throw new Error(String(found.status));
    return found;
  }

  async function count() {
    const mine = ++asked;
    look.setAttribute("aria-busy", "true");
    try {
      const words = await (await answer("/audiences/look", { expression: box.value })).text();
      if (mine === asked) look.innerHTML = words;
    } catch { /* the button still counts, and says what is wrong */ }
    if (mine === asked) look.removeAttribute("aria-busy");
  }

  async function complete() {
    const written = box.value.slice(0, box.selectionStart);
    const found = await (await answer("/audiences/complete", { text: written })).json();
    if (written !== box.value.slice(0, box.selectionStart)) return;
    before = found.before;
    list.replaceChildren(...found.words.map((one, place) => {
      const row = document.createElement("li"), word = document.createElement("code");
      row.id = "completion-" + place;
      row.setAttribute("role", "option");
      row.dataset.word = one.word;
      word.textContent = one.word;
      row.append(word, " " + one.title + (one.type ? " · " + one.type : ""));
      row.addEventListener("mousedown", (event) => { event.preventDefault(); take(place); });
      return row;
    }));
    choose(found.words.length ? 0 : -1);
  }

  function choose(place) {
    chosen = place;
    list.hidden = place < 0;
    [...list.children].forEach((row, at) => row.setAttribute("aria-selected", String(at === place)));
    if (place < 0) box.removeAttribute("aria-activedescendant");
    else {
      box.setAttribute("aria-activedescendant", "completion-" + place);
      list.children[place].scrollIntoView({ block: "nearest" });
    }
  }

  function take(place) {
    const word = list.children[place].dataset.word + " ", end = box.selectionStart;
    box.value = box.value.slice(0, before) + word + box.value.slice(end).trimStart();
    box.selectionStart = box.selectionEnd = before + word.length;
    choose(-1);
    written();
  }

  function written() {
    if (kept) kept.value = box.value;
    clearTimeout(waiting);
    waiting = setTimeout(count, QUIET);
  }

  box.addEventListener("input", () => { written(); complete().catch(() => choose(-1)); });
  box.addEventListener("blur", () => choose(-1));
  box.addEventListener("keydown", (event) => {
    if (chosen < 0) return;
    const last = list.children.length - 1;
    const steps = { ArrowDown: Math.min(chosen + 1, last), ArrowUp: Math.max(chosen - 1, 0), Escape: -1 };
    if (event.key in steps) choose(steps[event.key]);
    else if (event.key === "Tab" && !event.shiftKey) take(chosen);
    else return;
    event.preventDefault();
  });
})();
