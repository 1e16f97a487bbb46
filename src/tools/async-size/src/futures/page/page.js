// What is shown is in the fragment of the address: the `group`, the `future`, the `build` (off or
// on), the order of the table as `sort`, what is looked for as `find`, and a place in the source as
// `at`. Everything is drawn from it, so links and the browser's history do what they should.

const data = JSON.parse(document.getElementById("data").textContent);
const paths = Object.keys(data.files);

const COLUMNS = [
  { key: "short", title: "Future", value: (future) => future.short },
  { key: "off", title: "off", value: (future) => future.off?.size },
  { key: "on", title: "on", value: (future) => future.on?.size },
  { key: "change", title: "Δ", value: (future) => change(future) },
  { key: "points", title: "points", value: (future) => points(future.on ?? future.off) },
];

function parameters() {
  return new URLSearchParams(location.hash.slice(1));
}

function number(name) {
  return Number(parameters().get(name) ?? 0) || 0;
}

/** The address of this page with some parameters changed; null takes one away. */
function link(changes) {
  const all = parameters();
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) all.delete(name);
    else all.set(name, value);
  }
  return "#" + all;
}

/** An element. Text among its children is never read as HTML. */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

function group() {
  return data.groups[number("group")] ?? data.groups[0];
}

/** The change from off to on, if it is in both. */
function change(future) {
  return future.off && future.on ? future.on.size - future.off.size : undefined;
}

function isSuspended(state) {
  return state.name.startsWith("Suspend");
}

function points(layout) {
  return layout.states.filter(isSuspended).length;
}

function signed(value) {
  return value < 0 ? "−" + -value : value > 0 ? "+" + value : String(value);
}

/** A place in the source: a link, if the page has the file. */
function place(source) {
  if (!source) return make("span", { class: "faint" }, "–");
  const index = paths.indexOf(source.file);
  const name = data.files[source.file]?.name ?? source.file;
  const text = `${name.split("/").pop()}:${source.line}`;
  const attributes = { class: "place", title: `${name}:${source.line}` };
  if (index < 0) return make("span", attributes, text);
  const at = `${index}:${source.line}:${source.end_line}`;
  return make("a", { href: link({ at }), ...attributes }, text);
}

// The table of all futures.

function order() {
  const asked = parameters().get("sort") ?? "-on";
  const isDown = asked.startsWith("-");
  const column = COLUMNS.find(({ key }) => key === asked.replace("-", "")) ?? COLUMNS[2];
  return { column, isDown };
}

function drawColumns() {
  const { column, isDown } = order();
  const heads = COLUMNS.map(({ key, title }) => {
    const isOrder = key === column.key;
    const arrow = isDown ? " ↓" : " ↑";
    const button = make("button", { type: "button" }, title + (isOrder ? arrow : ""));
    button.addEventListener("click", () => {
      const isFirstDown = key !== "short" && key !== "change";
      location.hash = link({ sort: (isOrder ? !isDown : isFirstDown) ? "-" + key : key });
    });
    const sorted = isOrder ? (isDown ? "descending" : "ascending") : "none";
    const kind = key === "short" ? null : "number";
    return make("th", { scope: "col", "aria-sort": sorted, class: kind }, button);
  });
  document.getElementById("columns").replaceChildren(...heads);
}

/** What has nothing to be ordered by is last. */
function compare(one, other, isDown) {
  if (one === undefined || other === undefined) return (one === undefined) - (other === undefined);
  const direction = isDown ? -1 : 1;
  return typeof one === "string" ? direction * one.localeCompare(other) : direction * (one - other);
}

function drawTable() {
  drawColumns();
  const { column, isDown } = order();
  const wanted = (parameters().get("find") ?? "").toLowerCase();
  const chosen = number("future");
  const rows = group()
    .futures.map((future, index) => ({ future, index }))
    .filter(({ future }) => (future.short + future.name).toLowerCase().includes(wanted))
    .sort((one, other) => compare(column.value(one.future), column.value(other.future), isDown))
    .map(({ future, index }) => row(future, index, index === chosen));
  document.getElementById("futures").replaceChildren(...rows);
}

function row(future, index, isChosen) {
  const delta = change(future);
  const cell = (text, kind) => make("td", { class: "number " + (kind ?? "") }, text);
  const href = link({ future: index, build: null, at: null });
  const name = make("a", { href, title: future.name }, future.short);
  return make(
    "tr",
    { "aria-current": isChosen ? "true" : null },
    make("td", {}, name),
    cell(String(future.off?.size ?? "–")),
    cell(String(future.on?.size ?? "inlined"), future.on ? null : "faint"),
    cell(delta === undefined ? "" : signed(delta), delta < 0 ? "less" : delta > 0 ? "more" : null),
    cell(`${future.off ? points(future.off) : "–"} → ${future.on ? points(future.on) : "–"}`),
  );
}

// The source.

function drawSource() {
  const aside = document.getElementById("source");
  const [index, first, last] = (parameters().get("at") ?? "").split(":").map(Number);
  const file = data.files[paths[index]];
  aside.hidden = !file || !first;
  if (aside.hidden) {
    aside.replaceChildren();
    return;
  }
  const lines = file.text.split("\n").map((text, at) => {
    const isHere = at + 1 >= first && at + 1 <= Math.min(last, first + 40);
    return make("span", { "data-line": at + 1, class: isHere ? "here" : null }, text || " ");
  });
  const close = make("a", { href: link({ at: null }) }, "close");
  const head = make("header", {}, make("strong", {}, file.name), close);
  aside.replaceChildren(head, make("pre", {}, ...lines));
  aside.querySelector(".here")?.scrollIntoView({ block: "center" });
}

function draw() {
  const select = document.getElementById("group");
  select.value = String(data.groups.indexOf(group()));
  document.getElementById("find").value = parameters().get("find") ?? "";
  drawTable();
  drawFuture();
  drawSource();
}

function begin() {
  const flags = data.variants.map(([name, text]) => `${name}: ${text}`).join(" · ");
  document.getElementById("about").textContent = `${data.compiler} · ${flags}`;
  const select = document.getElementById("group");
  select.append(
    ...data.groups.map((one, index) =>
      make("option", { value: index }, `${one.target}, opt-level ${one.level}, panic ${one.panic}`),
    ),
  );
  select.addEventListener("change", () => {
    location.hash = link({ group: select.value, future: null, at: null });
  });
  const find = document.getElementById("find");
  find.addEventListener("input", () => {
    history.replaceState(null, "", link({ find: find.value || null }));
    drawTable();
  });
  addEventListener("hashchange", draw);
  draw();
}

if (data.groups.length) begin();
