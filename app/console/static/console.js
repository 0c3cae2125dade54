// The pages are whole without this. It brings in parts anew, so that a change shows where one stands, and sends what a
// button says to the REST API:
//   data-call="POST /behaviors"  data-send='{...}'  data-swap="ids"  data-ask="sure?"  data-done="said then"
//   data-set="name=value"        on a link: goes there by bringing in only data-swap
//   data-needs="name"            on <details>: opened, it brings in its section with ?name=true
//   data-poll="ids"              while it stands in the page, these are brought in every other second
//   data-key="..."               on <details>: stays open when its section is brought in anew
"use strict";

const POLL_MS = 2000;
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

async function call(button) {
  const { call: what, send, ask, done, swap: ids } = button.dataset;
  if (ask && !confirm(ask)) return;
  const [method, path] = what.split(" ");
  button.disabled = true;
  try {
    const headers = send ? { "content-type": "application/json" } : {};
    const answer = await fetch(path, { method, headers, body: send });
    const told = await answer.json();
    const fault = (told.errors || [])[0];
    say(answer.ok && !told.rejected ? done : fault ? `${fault.detail} ${fault.hint}` : `${told.detail} ${told.hint}`);
    if (answer.ok) await swap(location.href, ids.split(" "));
  } catch {
    say("The service does not answer.");
  } finally {
    button.disabled = false;
  }
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
  if (button) return void call(button);
  const link = event.target.closest("a[data-set]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const [name, value] = link.dataset.set.split("=");
  go(name, value, link.dataset.swap.split(" "));
});

// `toggle` does not bubble, so it is caught on its way down.
document.addEventListener("toggle", (event) => {
  const needs = event.target.dataset?.needs;
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
    waiting = setTimeout(() => go("at", at, ["profile", "recommendations", "behaviors"]), 150);
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
