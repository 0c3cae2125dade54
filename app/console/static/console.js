// The pages are whole without this. It brings in parts anew, so that a change shows where one stands, and sends what a
// button says to the REST API:
//   data-call="POST /behaviors"  data-send='{...}'  data-swap="ids"  data-ask="sure?"  data-done="said then"
//   data-edit='{...}'            a change of the profile, made only while it is the one that the page shows
//   data-set="name=value"        on a link: goes there by bringing in only data-swap
//   data-swap="ids"              on a form: its answer is this page with these parts changed
//   data-needs="name"            on <details>: opened, it brings in its section with ?name=true
//   data-from="address"          on <details>: opened, it brings what #told holds there into its [data-place]
//   data-bring                   on a link: brings what #told holds there into the [data-place] it stands in
//   data-into="id"               on a form: brings what #told of its answer holds into that place
//   data-poll="ids"              while it stands in the page, these are brought in every other second
//   data-key="..."               on <details>: stays open when its section is brought in anew
"use strict";

const POLL_MS = 2000;
const STALE = "The profile has changed since this page showed it. It is shown anew: look whether you still want this.";
let said;
let bringing = 0;

function say(text) {
  const place = document.getElementById("said");
  place.textContent = text;
  place.hidden = false;
  clearTimeout(said);
  said = setTimeout(() => { place.hidden = true; }, 5000);
}

// Brings in the parts of the page at `address` that have these ids; the latest call wins.
async function swap(address, ids) {
  const number = ++bringing;
  const answer = await fetch(address, { headers: { accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (number !== bringing) return;
  if (ids.some((id) => !page.getElementById(id))) return void location.reload();
  for (const id of ids) {
    const old = document.getElementById(id);
    const fresh = document.adoptNode(page.getElementById(id));
    const open = new Set([...old.querySelectorAll("details[open][data-key]")].map((one) => one.dataset.key));
    for (const one of fresh.querySelectorAll("details[data-key]")) one.open = open.has(one.dataset.key);
    compare(old, fresh);
    old.replaceWith(fresh);
  }
}

// Brings what #told of another page holds into a place of this one; the latest call wins.
async function bring(address, place) {
  place.dataset.wants = address;
  place.textContent = "…";
  try {
    const answer = await fetch(address, { headers: { accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const told = page.getElementById("told");
    if (answer.status === 401) return void location.reload();
    if (place.dataset.wants === String(address)) place.replaceChildren(...document.adoptNode(told).childNodes);
  } catch {
    place.textContent = "The service cannot tell this just now.";
  }
}

// Tells beside each recommended item where it was before; what was told stays while the order does.
function compare(old, fresh) {
  const [olds, news] = [old, fresh].map((part) => [...part.querySelectorAll("[data-item]")]);
  const before = olds.map((one) => one.dataset.item);
  if (!before.length) return;
  const same = news.length === before.length && news.every((one, place) => one.dataset.item === before[place]);
  news.forEach((one, place) => {
    const was = before.indexOf(one.dataset.item);
    const moved = one.querySelector(".moved");
    if (same) return void moved.replaceWith(olds[place].querySelector(".moved"));
    if (was === place) return;
    moved.textContent = was < 0 ? "new" : was > place ? `▲ ${was - place}` : `▼ ${place - was}`;
    moved.classList.add(was < 0 ? "new" : was > place ? "up" : "down");
    if (was < 0) one.classList.add("fresh");
  });
}

// What went wrong, in words; a fault of one field tells more than the whole.
function trouble(told) {
  const { detail, hint } = (told.errors || [])[0] || told;
  return `${detail} ${hint}`;
}

async function acting(button, act) {
  button.disabled = true;
  try {
    await act();
  } catch {
    say("The service does not answer.");
  } finally {
    button.disabled = false;
  }
}

async function call(button) {
  const { call: what, send, ask, done, swap: ids } = button.dataset;
  if (ask && !confirm(ask)) return;
  const [method, path] = what.split(" ");
  const headers = send ? { "content-type": "application/json" } : {};
  const answer = await fetch(path, { method, headers, body: send });
  const told = await answer.json();
  say(answer.ok && !told.rejected ? done : trouble(told));
  if (answer.ok) await swap(location.href, ids.split(" "));
}

async function edit(button) {
  const { profile: path, version } = document.getElementById("profile").dataset;
  const now = await fetch(path);
  const known = now.status === 404 ? { version: "" } : await now.json();
  if (now.status !== 404 && !now.ok) return say(trouble(known));
  if (String(known.version) !== version) return stale();
  const headers = { "content-type": "application/json", ...(now.ok && { "if-match": now.headers.get("etag") }) };
  const body = `{"edits": [${button.dataset.edit}]}`;
  const answer = await fetch(path, { method: "PATCH", headers, body });
  const told = await answer.json();
  if (answer.status === 412) return stale();
  if (!answer.ok) return say(trouble(told));
  const [{ action, edit: made, notes }] = told.applied;
  say([`${action === "revert" ? "Withdrawn" : "From now on"}: ${made.in_words}.`, ...notes].join(" "));
  history.replaceState(null, "", changed("say", ""));
  await swap(location.href, ["profile", "edits", "recommendations", "history"]);
}

async function stale() {
  say(STALE);
  await swap(location.href, ["profile", "edits", "recommendations", "behaviors", "history"]);
}

// The address of this page with one parameter changed; without a value it is left out.
function changed(name, value) {
  const address = new URL(location.href);
  if (value) address.searchParams.set(name, value);
  else address.searchParams.delete(name);
  return address;
}

async function go(name, value, ids) {
  const address = changed(name, value);
  history.replaceState(null, "", address);
  await swap(address, ids);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-call]");
  if (button) return void acting(button, () => call(button));
  const change = event.target.closest("button[data-edit]");
  if (change) return void acting(change, () => edit(change));
  const link = event.target.closest("a[data-set], a[data-bring]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (!link.dataset.set) return void bring(link.href, link.closest("[data-place]"));
  const [name, value] = link.dataset.set.split("=");
  go(name, value, link.dataset.swap.split(" "));
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.swap && !form.dataset.into) return;
  event.preventDefault();
  const sent = new FormData(form);
  if (form.dataset.into) {
    const address = `${form.getAttribute("action")}?${new URLSearchParams(sent)}`;
    return void bring(address, document.getElementById(form.dataset.into));
  }
  for (const [name, value] of sent) history.replaceState(null, "", changed(name, value));
  acting(form.querySelector("button"), () => swap(location.href, form.dataset.swap.split(" ")));
});

document.addEventListener("change", (event) => {
  if (event.target.matches("form.scenario select")) event.target.form.requestSubmit();
});

// `toggle` does not bubble, so it is caught on its way down.
document.addEventListener("toggle", (event) => {
  const { needs, from } = event.target.dataset || {};
  if (from && event.target.open) return void bring(from, event.target.querySelector("[data-place]"));
  if (!needs || !event.target.open || new URLSearchParams(location.search).has(needs)) return;
  go(needs, "true", [event.target.closest("section").id]);
}, true);

for (const form of document.querySelectorAll("form.travel")) {
  const [range, date] = [form.querySelector("[type=range]"), form.querySelector("[type=date]")];
  const dayAt = (n) => new Date(Date.parse(form.dataset.first) + n * 86_400_000).toISOString().slice(0, 10);
  let waiting;
  const travel = () => {
    clearTimeout(waiting);
    const at = date.value < date.max ? date.value : "";
    waiting = setTimeout(() => go("at", at, ["profile", "edits", "recommendations", "behaviors"]), 150);
  };
  if (range) {
    range.hidden = false;
    form.querySelector("button").hidden = true;
    range.addEventListener("input", () => { date.value = dayAt(Number(range.value)); travel(); });
  }
  date.addEventListener("change", () => {
    if (range) range.value = Math.round((Date.parse(date.value) - Date.parse(form.dataset.first)) / 86_400_000);
    travel();
  });
  form.addEventListener("submit", (event) => { event.preventDefault(); travel(); });
}

setInterval(() => {
  const watched = document.querySelector("[data-poll]");
  if (watched && !document.hidden) swap(location.href, watched.dataset.poll.split(" ")).catch(() => {});
}, POLL_MS);
