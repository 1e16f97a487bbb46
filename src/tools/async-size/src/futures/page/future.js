// One future: what its bytes are for, its states, values, awaits and graph.

const INLINED = "With the passes on it is inlined everywhere: it is a part of those that await it.";

function drawFuture() {
  const futures = group().futures;
  const index = Math.min(number("future"), futures.length - 1);
  const future = futures[index];
  const article = document.getElementById("future");
  if (!future) {
    article.replaceChildren(make("p", {}, "No future is in the binaries."));
    return;
  }
  const asked = parameters().get("build") ?? "on";
  const build = future[asked] ? asked : asked === "on" ? "off" : "on";
  const layout = future[build];
  const tabs = ["off", "on"]
    .filter((name) => future[name])
    .map((name) => {
      const isShown = name === build ? "true" : null;
      const href = link({ build: name, future: index });
      return make("a", { href, "aria-current": isShown }, "passes " + name);
    });
  const graph = data.graphs[data.groups.indexOf(group())][index][build === "on" ? 1 : 0];
  const written = make(
    "p",
    { class: "faint" },
    `${future.kind} `,
    place(future.source),
    ` · in ${future.binaries.join(", ")}`,
  );
  article.replaceChildren(
    make("h2", { title: future.name }, future.short),
    written,
    strips(future),
    future.on ? "" : make("p", {}, INLINED),
    make("p", { class: "tabs" }, ...tabs),
    ...sections(layout, build, graph),
  );
}

function sections(layout, build, graph) {
  const found = [make("h3", {}, `What its ${layout.size} bytes are for`), treemap(layout, build)];
  if (points(layout)) found.push(make("h3", {}, "States, and what they keep"), states(layout));
  found.push(make("h3", {}, "Values"), values(layout));
  if (layout.awaits.length) {
    found.push(make("h3", {}, "Awaits, those of inlined bodies among them"), awaits(layout));
  }
  if (graph) {
    const drawn = make("div", { class: "graph" });
    // Made by this page's writer, with all names escaped.
    drawn.innerHTML = graph;
    found.push(make("h3", {}, "What leads where"), drawn);
  }
  return found;
}

function color(owner) {
  if (owner === "tag") return "#e8c268";
  if (typeof owner === "object") return `hsl(${(owner.value * 67 + 205) % 360} 62% 79%)`;
  return null;
}

function title(layout, owner) {
  if (owner === "padding") return "padding";
  if (owner === "tag") return "state number";
  const value = layout.values[owner.value];
  return value.name ? `${value.name}: ${value.short_type}` : value.label;
}

/** A piece of a bar, at its bytes of `whole`. */
function piece(layout, owner, offset, size, whole) {
  const style =
    `left:${(100 * offset) / whole}%;width:${(100 * size) / whole}%;` +
    (color(owner) ? `background:${color(owner)}` : "");
  const value = layout.values[owner.value];
  const text = value ? value.label : "";
  const words = `${title(layout, owner)}, ${size} bytes at ${offset}`;
  return make("span", { class: owner === "padding" ? "padding" : null, style, title: words }, text);
}

/** Both layouts on one scale. */
function strips(future) {
  const whole = Math.max(future.off?.size ?? 0, future.on?.size ?? 0, 1);
  const found = ["off", "on"]
    .filter((name) => future[name])
    .flatMap((name) => {
      const layout = future[name];
      const parts = layout.parts.map((part) =>
        piece(layout, part.of, part.offset, part.size, whole),
      );
      return [
        make("span", {}, `${name} ${layout.size}`),
        make("div", { class: "strip" }, ...parts),
      ];
    });
  return make("div", { class: "strips" }, ...found);
}

function states(layout) {
  const rows = layout.states.filter(isSuspended).flatMap((state) => {
    const isHeld = (value, index) => value.is_upvar || state.saved.includes(index);
    const parts = layout.values.map((value, index) => {
      if (!value.size || !isHeld(value, index)) return null;
      return piece(layout, { value: index }, value.offset, value.size, layout.size);
    });
    const at = make("span", {}, `${state.name} `, place(state.source));
    const size = make("span", { class: "number" }, `${state.used} of ${state.size}`);
    return [at, size, make("div", { class: "bar" }, ...parts)];
  });
  return make("div", { class: "states" }, ...rows);
}

function table(titles, rows) {
  const heads = titles.map((text) => {
    const kind = text.startsWith("#") ? "number" : null;
    return make("th", { scope: "col", class: kind }, text.replace("#", ""));
  });
  return make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows));
}

function values(layout) {
  const all = layout.values.map((value, index) => ({ value, index }));
  all.sort((one, other) => other.value.size - one.value.size);
  const rows = all.map(({ value, index }) => {
    const cell = (text) => make("td", { class: "number" }, String(text));
    const style = `background:${color({ value: index })}`;
    const swatch = make("span", { style, "aria-hidden": "true" }, "\u2003");
    return make(
      "tr",
      {},
      make(
        "td",
        { class: "place" },
        swatch,
        " ",
        value.name ?? (value.is_awaited ? "(awaited)" : "–"),
      ),
      make("td", { title: value.type }, value.short_type),
      cell(value.size),
      cell(value.offset),
      make("td", {}, place(value.source)),
      kept(layout, value),
      notes(layout, value),
    );
  });
  const titles = ["Value", "Type", "#bytes", "#at", "From", "Kept over the awaits", "Notes"];
  return make("div", { class: "wide" }, table(titles, rows));
}

/** The awaits over which a value is kept. */
function kept(layout, value) {
  if (value.is_upvar) return make("td", { class: "faint" }, "upvar");
  const waiting = value.states.map((index) => layout.states[index]).filter(isSuspended);
  const sources = new Map(waiting.map(({ source }) => [JSON.stringify(source), source]));
  return make("td", {}, ...[...sources.values()].flatMap((source) => [place(source), " "]));
}

function notes(layout, value) {
  const found = [];
  let all = null;
  if (value.overlaps.length) {
    const others = value.overlaps.map((index) => layout.values[index].label);
    const more = others.length > 2 ? ` and ${others.length - 2} more` : "";
    all = "shares bytes with " + others.join(", ");
    found.push(`shares bytes with ${others.slice(0, 2).join(", ")}${more}`);
  }
  if (value.twin !== null) {
    const other = value.is_upvar ? "a variable" : "an upvar";
    found.push(`likely kept twice: also as ${other} at ${layout.values[value.twin].offset}`);
  }
  const cell = make("td", { title: all }, found.join("; "));
  for (const index of value.futures) {
    const href = link({ future: index, at: null });
    const held = make("a", { href }, group().futures[index].short);
    cell.append(found.length ? "; " : "", "holds ", held);
    found.push("");
  }
  return cell;
}

function awaits(layout) {
  const found = layout.awaits.flatMap((one) => {
    const fates = one.fates.flatMap((fate) => [
      make("dd", {}, fate.words, fate.with ? make("span", {}, " (", place(fate.with), ")") : null),
      fate.remedy ? make("dd", { class: "remedy" }, fate.remedy) : null,
    ]);
    const href = link({ future: one.future, at: null });
    const name = one.future === null ? one.short : make("a", { href }, one.short);
    return [make("dt", { title: one.awaitee }, place(one.source), " ", name), ...fates];
  });
  return make("dl", {}, ...found.filter((element) => element !== null));
}
