// The workbench without a network: what is written stays on the phone and is sent once there is one again.
// Each note has a key of its own, so that the bank counts it once however often it is sent. Pages work without this script.
"use strict";
const KEPT = "bankloop.notes";
const read = () => JSON.parse(localStorage.getItem(KEPT) || "[]");
const write = notes => localStorage.setItem(KEPT, JSON.stringify(notes));
const csrf = () => document.querySelector("input[name=csrf]")?.value || "";
const shown = document.querySelector("[data-person]")?.dataset.person;
if (shown) localStorage.setItem("bankloop.person", shown);
const person = shown || localStorage.getItem("bankloop.person") || "";
const mine = note => note.person === person;

function show() {
  const place = document.getElementById("offline");
  if (!place) return;
  const waiting = read().filter(mine).length, refused = read().filter(n => mine(n) && n.refused);
  place.hidden = waiting === 0;
  place.querySelector("[data-count]").textContent = waiting;
  place.querySelector("[data-refused]").textContent = refused.map(n => n.refused).join(" · ");
}

function moment(words) {
  return words ? new Date(words).toISOString() : null;
}

function keep(form) {
  const fields = Object.fromEntries(new FormData(form));
  const visit = form.dataset.offline === "visit";
  const body = visit
    ? { place: fields.place, met: fields.met || "", matter: fields.matter || "" }
    : { outcome: fields.outcome, note: fields.note || "", next_at: moment(fields.next_at) };
  const key = crypto.randomUUID();
  const note = {
    key, person, task: fields.task || form.dataset.task,
    path: visit ? "visit" : "log", body: { ...body, client_key: key, happened_at: new Date().toISOString() },
  };
  write([...read(), note]);
  form.reset();
  show();
}

async function send(note) {
  const answer = await fetch(`/api/v1/tasks/${note.task}/${note.path}`, {
    method: "POST", credentials: "same-origin",
    headers: { "content-type": "application/json", "idempotency-key": note.key, "x-csrf-token": csrf() },
    body: JSON.stringify(note.body),
  });
  if (answer.ok) return null;
  // Signed out, too many at once or a bank that is away: it waits. What the bank refuses stays, with the reason.
  if ([401, 403, 409, 429].includes(answer.status) || answer.status >= 500) return note;
  const said = await answer.json().catch(() => ({}));
  const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
  return { ...note, refused: said[language] || said.detail || String(answer.status) };
}

let sending = false;
async function sync() {
  if (sending || !navigator.onLine || !csrf()) return;
  sending = true;
  try {
    for (const note of read().filter(n => mine(n) && !n.refused)) {
      let left;
      try { left = await send(note); } catch { break; }
      write(read().flatMap(n => n.key !== note.key ? [n] : left ? [left] : []));
    }
  } finally {
    sending = false;
    show();
  }
}

for (const form of document.querySelectorAll("form[data-offline]")) {
  form.addEventListener("submit", event => {
    if (navigator.onLine && form.dataset.always === undefined) return;
    event.preventDefault();
    if (!form.reportValidity()) return;
    keep(form);
    sync();
  });
}
// What the offline page may name: masked customers and titles of the day's tasks, nothing else.
const listed = [...document.querySelectorAll("[data-task-name]")].map(e => [e.dataset.taskId, e.dataset.taskName]);
if (listed.length) localStorage.setItem("bankloop.tasks", JSON.stringify(listed));
const choice = document.getElementById("offline-task");
if (choice) {
  for (const [id, name] of JSON.parse(localStorage.getItem("bankloop.tasks") || "[]")) choice.add(new Option(name, id));
}
document.querySelector("form[action='/signout']")?.addEventListener("submit", () => localStorage.removeItem("bankloop.tasks"));
if ("serviceWorker" in navigator) navigator.serviceWorker.register("/worker.js", { scope: "/workbench" });
addEventListener("online", sync);
show();
sync();
