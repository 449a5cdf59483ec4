// The counter's page. State in, elements out; words from /texts.json; nothing is kept but language and contrast.
import { CounterClient, CounterError } from "/client.js";

const REMASK_MS = 60_000;
const counter = new CounterClient({ base: "" });
const model = { texts: {}, lang: "zh", readers: [], history: [], training: null, selected: 0, shown: {}, left: {}, paired: null };
const $ = (id) => document.getElementById(id);

// Words and elements

const t = (key, values = {}) => {
  const text = model.texts[model.lang]?.[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
};

function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// Each state has a shape of its own, so that nobody depends on colour.
const SHAPES = {
  good: '<circle cx="32" cy="32" r="29"/><path d="M18 33l10 10 19-21"/>',
  bad: '<path d="M20.500 4h23L60 20.500v23L43.500 60h-23L4 43.500v-23z"/><path d="M22 22l20 20M42 22L22 42"/>',
  open: '<path d="M32 4l29 53H3z"/><path d="M26 27c0-9 13-8 13-1 0 5-6.500 5-6.500 11M32.500 45.500v1"/>',
  wait: '<rect x="5" y="14" width="54" height="36" rx="6"/><circle cx="20" cy="28" r="5"/><path d="M12 42c1-6 4-8 8-8s7 2 8 8M36 26h15M36 34h15M36 42h9"/>',
  busy: '<circle cx="32" cy="32" r="27" opacity=".22"/><path class="turning" d="M32 5a27 27 0 0 1 27 27"/>',
  lost: '<path d="M24 8v11M40 8v11M15 19h34v9a17 17 0 0 1-34 0zM32 45v13"/><path d="M7 7l50 50"/>',
};
const LINE = 'fill="none" stroke="currentColor" stroke-width="5" stroke-linecap="round" stroke-linejoin="round"';

function shape(name) {
  const holder = document.createElement("template");
  holder.innerHTML = `<svg viewBox="0 0 64 64" aria-hidden="true" ${LINE}>${SHAPES[name]}</svg>`;
  return holder.content.firstChild;
}

const TONES = { PASSED: "good", NOTED: "good", FAILED: "bad", INDETERMINATE: "open", NOT_CHECKED: "open" };
const MARKS = { PASSED: "✓", NOTED: "✓", FAILED: "✗", INDETERMINATE: "?", NOT_CHECKED: "–" };
const clock = (text) => new Date(text).toLocaleTimeString(model.lang === "zh" ? "zh-CN" : "en-GB");
const say = (text, loud = false) => {
  const place = $(loud ? "shout" : "say");
  place.textContent = "";
  place.textContent = text;
};

// Panels

function panel(reader, index) {
  const { card } = reader;
  const heading = `reader-${reader.reader}`;
  const judged = card && card.stage !== "reading" && reader.state !== "lost";
  return h(
    "section",
    { class: "panel", id: `panel-${reader.reader}`, "aria-labelledby": heading, "data-selected": String(index === model.selected) },
    h(
      "header",
      {},
      h("h2", { id: heading }, h("span", { class: "number" }, String(index + 1)), " ", reader.title),
      judged && actions(reader),
    ),
    judged ? outcome(reader) : waiting(reader),
    model.training?.readers.includes(reader.reader) && desk(reader),
  );
}

function actions(reader) {
  const { card } = reader;
  const shown = model.shown[card.presence];
  return h(
    "div",
    { class: "actions" },
    card.may_show.length > 0 &&
      button(reader, "show", t(shown ? "fields.hide" : "fields.show"), () => toggleFields(reader), shown ? "" : "main"),
    button(reader, "print", t("print"), () => printSlip(reader)),
    button(reader, "clear", t("clear"), () => clear(reader)),
  );
}

const button = (reader, name, text, act, kind = "") =>
  h("button", { type: "button", class: kind || undefined, "data-key": `${reader.reader}-${name}`, onclick: act }, text);

function waiting(reader) {
  const state = reader.state === "lost" ? "lost" : reader.card ? "reading" : reader.state;
  const [tone, picture] = { lost: ["bad", "lost"], reading: ["busy", "busy"], starting: ["busy", "busy"], ready: ["wait", "wait"] }[state];
  const fault = reader.error?.fault;
  return h(
    "div",
    { class: "banner whole", "data-tone": tone, "data-state": state },
    shape(picture),
    h(
      "div",
      { class: "words" },
      h("p", { class: "word" }, t(`state.${state}`)),
      state === "lost" ? h("p", { class: "why" }, t(`fault.${fault}`)) : h("p", { class: "more" }, t(`state.${state}.more`)),
      state === "lost" && h("p", { class: "todo" }, t(`advice.${fault}`)),
    ),
  );
}

function outcome(reader) {
  const { card } = reader;
  return [
    card.stage === "unread" ? unread(card) : verdict(card),
    model.left[card.presence] && !card.lifted_at && h("p", { class: "warn" }, "▲ ", t("left.behind")),
    card.lifted_at && h("p", { class: "quiet" }, t("lifted")),
    card.verdict && h("div", { class: "body" }, person(card), h("div", { class: "side" }, checks(card))),
  ];
}

function unread(card) {
  const { fault } = card.error;
  return h(
    "div",
    { class: "banner", "data-tone": "bad", "data-state": "unread" },
    shape("bad"),
    h(
      "div",
      { class: "words" },
      h("p", { class: "word" }, t("state.unread")),
      h("p", { class: "why" }, t(`fault.${fault}`)),
      h("p", { class: "todo" }, t(`advice.${fault}`)),
    ),
  );
}

const reason = (check) => check[model.lang].replace(/^[^:：]*[:：] ?/, "");
const decisive = (card) => {
  const codes = [...card.verdict.failed, ...card.verdict.open];
  return card.verdict.checks.filter((check) => codes.includes(check.code));
};

function verdict(card) {
  const { outcome: word, failed, open, checks: all } = card.verdict;
  const count = { PASSED: all.filter((check) => check.required).length, FAILED: failed.length, INDETERMINATE: open.length }[word];
  const first = decisive(card)[0];
  return h(
    "div",
    { class: "banner", "data-tone": TONES[word], "data-outcome": word },
    shape(TONES[word]),
    h(
      "div",
      { class: "words" },
      h("p", { class: "word" }, t(`verdict.${word}`), card.training && h("small", {}, t("verdict.training"))),
      first && h("p", { class: "why" }, first[model.lang]),
      first?.[`advice_${model.lang}`] && h("p", { class: "todo" }, first[`advice_${model.lang}`]),
      h("p", { class: "more" }, t(`verdict.${word}.more`, { count, profile: profileTitle(card.profile) })),
      h("p", { class: "more" }, `${t("evidence")}${model.lang === "zh" ? "：" : ": "}${t(`outcome.${card.verdict.evidence_level}`)}`),
    ),
  );
}

const profileTitle = (name) => model.profiles?.[name]?.[model.lang] ?? name;

function person(card) {
  return h("div", { class: "person" }, photo(card), h("div", {}, fields(card)));
}

function photo(card) {
  if (card.photo === "png")
    return h("div", { class: "photo" }, h("img", { src: `/api/v1/presences/${card.presence}/photo`, alt: t("photo.alt"), width: 136, height: 168 }));
  return h("div", { class: "photo" }, h("div", {}, shape("wait"), h("p", {}, t(`photo.${card.photo}`))));
}

const BIG = ["name", "chinese_name", "english_name"];
const ORDER = ["layout", "chinese_name", "name", "english_name", "number", "sex", "nationality", "nation", "birth_date", "expiry_date", "issue_date"];
const place = ([name]) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
const LONG = ["number", "previous_number_link", "travel_permit_number"];

function fields(card) {
  const shown = model.shown[card.presence];
  if (!card.record) return h("p", {}, t("fields.none"));
  const allowed = ([name, value]) => value && (name === "layout" || card.may_show.includes(name));
  const rows = Object.entries({ ...card.record, ...shown?.fields }).filter(allowed).sort((one, other) => place(one) - place(other));
  const meaning = (name) => shown?.meanings[name]?.[model.lang];
  return [
    h("h3", {}, t("fields"), h("small", {}, t(shown ? "fields.was.logged" : "fields.logged"))),
    h(
      "dl",
      { class: "fields" },
      rows.map(([name, value]) => [
        h("dt", {}, name === "layout" ? t("fields.layout") : (card.labels[name]?.[model.lang] ?? name)),
        h("dd", { class: BIG.includes(name) ? "big" : LONG.includes(name) ? "long" : undefined, "data-field": name }, name === "layout" ? t(`layout.${value}`) : meaning(name) ? `${meaning(name)} (${value})` : value),
      ]),
    ),
  ];
}

function checks(card) {
  const needed = decisive(card);
  const others = card.verdict.checks.filter((check) => !needed.includes(check));
  const good = others.filter((check) => TONES[check.outcome] === "good").length;
  const minor = others.filter((check) => !check.required && check.outcome !== "FAILED");
  const list = h("ul", { class: "checks" }, others.filter((check) => !minor.includes(check)).map(row));
  return [
    h("h3", {}, t("checks"), h("small", {}, t("checks.good", { good }), " · ", t("checks.all", { count: card.verdict.checks.length }))),
    needed.length > 0 && h("ul", { class: "checks" }, needed.map(row)),
    needed.length > 0 || model.readers.length > 1 ? h("details", { "data-key": `more-${card.presence}` }, h("summary", {}, t("checks.good", { good })), list) : list,
    minor.length > 0 && h("details", { "data-key": `minor-${card.presence}` }, h("summary", {}, t("checks.minor", { count: minor.length })), h("ul", { class: "checks" }, minor.map(row))),
  ];
}

function row(check) {
  const bad = check.required && TONES[check.outcome] !== "good";
  const quiet = check.reason === "in-order";
  return h(
    "li",
    { class: bad ? "needed" : undefined, "data-tone": check.required || check.outcome !== "NOT_CHECKED" ? TONES[check.outcome] : "wait", "data-check": check.code },
    h("span", { class: "mark", "aria-hidden": "true" }, MARKS[check.outcome]),
    h(
      "span",
      {},
      h("span", { class: "unseen" }, `${t(`outcome.${check.outcome}`)} `),
      t(`check.${check.code}`),
      quiet ? "" : `${model.lang === "zh" ? "：" : ": "}${reason(check)}`,
      !check.required && h("span", { class: "opt" }, ` · ${t("checks.optional")}`),
    ),
    bad && check[`advice_${model.lang}`] && h("span", { class: "do" }, check[`advice_${model.lang}`]),
  );
}

function desk(reader) {
  const key = (name) => ({ id: `${reader.reader}-${name}`, "data-key": `${reader.reader}-${name}` });
  const option = (value, text) => h("option", { value }, text);
  const chosen = (name) => $(`${reader.reader}-${name}`).value;
  const act = (what, body) => () => attempt(() => counter.call("POST", `/training/${reader.reader}/${what}`, body?.()));
  return h(
    "div",
    { class: "desk", role: "group", "aria-label": `${t("training.desk")} ${reader.title}` },
    h("strong", {}, t("training.desk")),
    h("label", {}, t("training.specimen"), h("select", key("specimen"), model.training.specimens.map(({ name, shows }) => option(name, `${name} – ${shows}`)))),
    button(reader, "insert", t("training.insert"), act("insert", () => ({ specimen: chosen("specimen") }))),
    button(reader, "remove", t("training.remove"), act("remove")),
    h("label", {}, t("training.fault"), h("select", key("fault"), Object.entries(model.training.faults).map(([name, words]) => option(name, words[model.lang])))),
    button(reader, "inject", t("training.inject"), act("fault", () => ({ fault: chosen("fault"), specimen: chosen("specimen") }))),
  );
}

function shift() {
  const { history } = model;
  return h(
    "aside",
    { class: "shift", "aria-labelledby": "shift-title" },
    h("h2", { id: "shift-title" }, t("history"), h("small", {}, t("history.count", { count: history.length }))),
    history.length === 0
      ? h("p", { class: "none" }, t("history.none"))
      : h("div", { class: "rows", tabindex: "0", role: "region", "aria-labelledby": "shift-title", "data-key": "rows" }, h("ol", {}, history.map(past))),
  );
}

function past(entry) {
  const tone = entry.outcome ? TONES[entry.outcome] : "bad";
  const reader = model.readers.findIndex(({ reader: name }) => name === entry.reader) + 1;
  return h(
    "li",
    { "data-tone": tone },
    h("span", { class: "mark", "aria-hidden": "true" }, entry.outcome ? MARKS[entry.outcome] : "✗"),
    h("span", { class: "what" }, entry.outcome ? t(`verdict.${entry.outcome}`) : t("history.unread")),
    h("time", { datetime: entry.at }, clock(entry.at)),
    h(
      "span",
      { class: "code" },
      entry.training && h("span", { class: "tag" }, t("verdict.training")),
      [model.readers.length > 1 ? `#${reader}` : null, entry.number, entry.fault ? t(`fault.${entry.fault}`) : null, entry.failed[0] ? t(`check.${entry.failed[0]}`) : null, entry.revealed.length ? t("history.shown") : null].filter(Boolean).join(" · "),
    ),
  );
}

// The whole page

function render() {
  const focused = document.activeElement?.dataset?.key;
  const chosen = [...document.querySelectorAll("select[data-key]")].map((select) => [select.id, select.value]);
  const opened = [...document.querySelectorAll("details[open]")].map((details) => details.dataset.key);
  const main = $("main");
  document.documentElement.lang = model.lang === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
  const language = document.querySelector("[data-do=language]");
  language.lang = model.lang === "zh" ? "en" : "zh-CN";
  language.setAttribute("aria-label", t("language.hint"));
  document.title = `${t("title")} · prcard`;
  document.querySelector("[data-do=connect]").hidden = model.paired !== true;
  $("live").textContent = model.paired === true ? t(model.live === "open" ? "live.ok" : "live.lost") : "";
  $("live").dataset.live = model.live ?? "lost";
  $("live").hidden = model.paired !== true;
  const training = model.readers.some((reader) => reader.training);
  $("ribbon").hidden = !training;
  $("ribbon").replaceChildren(h("strong", {}, t("training")), t("training.explained"));
  const names = [...new Set(model.readers.map((reader) => reader.profile))];
  $("profile").hidden = names.length === 0;
  $("profile").textContent = `${t("profile")}${model.lang === "zh" ? "：" : ": "}${names.map(profileTitle).join(", ")}`;
  if (model.paired === false) {
    if (!$("pair-code")) main.replaceChildren(pairing());
    else relabel(main);
    return;
  }
  if (model.paired === null) return;
  const count = model.readers.length > 4 ? "many" : String(model.readers.length);
  main.replaceChildren(h("div", { class: "readers", "data-count": count }, model.readers.map(panel)), shift());
  for (const [id, value] of chosen) if ($(id)) $(id).value = value;
  for (const key of opened) document.querySelector(`details[data-key="${key}"]`)?.setAttribute("open", "");
  if (focused) document.querySelector(`[data-key="${focused}"]`)?.focus({ preventScroll: true });
}

function pairing() {
  const words = (tag, key, props = {}) => h(tag, { ...props, "data-text": key }, t(key));
  return h(
    "form",
    { class: "pair", onsubmit: pair },
    words("h2", "pair.title"),
    words("p", "pair.why"),
    h("label", {}, words("span", "pair.code"), h("input", { id: "pair-code", name: "code", inputmode: "numeric", autocomplete: "off", maxlength: 9, required: true, autofocus: true, "aria-describedby": "pair-problem" })),
    h("p", { class: "problem", id: "pair-problem", role: "alert" }),
    words("button", "pair.do", { type: "submit", class: "main" }),
  );
}

const relabel = (root) => {
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
};

async function pair(event) {
  event.preventDefault();
  try {
    await counter.pair($("pair-code").value, "counter page");
    $("pair-code").value = "";
    await begin();
  } catch (error) {
    $("pair-problem").textContent = words(error);
    $("pair-code").select();
  }
}

const words = (error) => (error instanceof CounterError && model.texts[model.lang][`refusal.${error.code}`]) || t("failed.request");

async function attempt(act) {
  try {
    await act();
  } catch (error) {
    if (error instanceof CounterError && error.status === 401) lock();
    else say(words(error), true);
  }
}

// What the clerk does

const selected = () => model.readers[model.selected];

async function toggleFields(reader) {
  const { presence, may_show: allowed } = reader.card;
  if (model.shown[presence]) return mask(presence);
  await attempt(async () => {
    model.shown[presence] = await counter.call("POST", `/presences/${presence}/reveal`, { fields: allowed });
    setTimeout(() => mask(presence), REMASK_MS);
    render();
    say(t("fields.was.logged"));
  });
}

function mask(presence) {
  if (!model.shown[presence]) return;
  delete model.shown[presence];
  render();
}

const clear = (reader) => attempt(() => counter.forget(reader.card.presence));

function printSlip(reader) {
  const { card } = reader;
  const line = (label, value) => value && [h("dt", {}, label), h("dd", {}, value)];
  const word = card.verdict ? t(`verdict.${card.verdict.outcome}`) : t("state.unread");
  $("slip").replaceChildren(
    ...[
      h("h2", {}, t("slip.title")),
      card.training && h("p", { class: "mock" }, t("training"), " – ", t("training.explained")),
      h("p", { class: "result" }, `${MARKS[card.verdict?.outcome] ?? "✗"} ${word}`),
      h(
        "dl",
        {},
        line(t("history.time"), new Date(card.inserted_at).toLocaleString(model.lang === "zh" ? "zh-CN" : "en-GB")),
        line(t("profile"), profileTitle(card.profile)),
        line(t("fields.layout"), card.record && t(`layout.${card.record.layout}`)),
        line(t("history.number"), card.may_print.includes("number") && card.record?.number),
        line(t("history.reader"), reader.title),
        card.verdict && line(t("evidence"), t(`outcome.${card.verdict.evidence_level}`)),
        line(t("slip.reference"), card.presence),
      ),
      card.verdict && h("ul", {}, decisive(card).map((check) => h("li", {}, `${MARKS[check.outcome]} ${check[model.lang]}`))),
      card.error && h("p", {}, t(`fault.${card.error.fault}`)),
      h("p", { class: "note" }, t("slip.note")),
      h("p", { class: "sign" }, t("slip.clerk")),
    ].filter(Boolean),
  );
  window.print();
}

const setting = (name, value) => {
  try {
    if (value !== undefined) localStorage.setItem(`prcard-${name}`, value);
    return localStorage.getItem(`prcard-${name}`);
  } catch {
    return null; // Storage may be turned off; the page works without it.
  }
};

const tools = {
  language() {
    model.lang = model.lang === "zh" ? "en" : "zh";
    setting("lang", model.lang);
    render();
  },
  contrast() {
    const high = document.documentElement.dataset.contrast !== "high";
    document.documentElement.dataset.contrast = high ? "high" : "";
    document.querySelector("[data-do=contrast]").setAttribute("aria-pressed", String(high));
    setting("contrast", high ? "high" : "");
  },
  help() {
    const keys = { "1–9": "reader", S: "show", P: "print", C: "clear", L: "language", H: "contrast", "?": "help" };
    const box = h("input", { type: "checkbox", onchange: () => setting("keys", box.checked ? "on" : "off") });
    box.checked = setting("keys") !== "off";
    $("help").replaceChildren(
      h("h2", { id: "help-title" }, t("keys.title")),
      h("table", {}, h("tbody", {}, Object.entries(keys).map(([key, what]) => h("tr", {}, h("td", {}, h("kbd", {}, key)), h("td", {}, t(`key.${what}`)))))),
      h("label", {}, box, " ", t("keys.on")),
      h("div", { class: "row" }, h("span"), h("button", { type: "button", class: "main", autofocus: true, onclick: () => $("help").close() }, t("close"))),
    );
    $("help").showModal();
  },
  async connect() {
    await attempt(async () => {
      const { code } = await counter.call("POST", "/pairing/codes");
      $("code").replaceChildren(
        h("h2", { id: "code-title" }, t("code.title")),
        h("p", {}, t("code.why")),
        h("output", { class: "bigcode", id: "new-code" }, `${code.slice(0, 4)} ${code.slice(4)}`),
        h(
          "div",
          { class: "row" },
          h("button", { type: "button", onclick: unpair }, t("unpair")),
          h("button", { type: "button", class: "main", autofocus: true, onclick: () => $("code").close() }, t("close")),
        ),
      );
      if (!$("code").open) $("code").showModal();
    });
  },
};

const unpair = () =>
  attempt(async () => {
    $("code").close();
    await counter.unpair();
    lock();
  });

const KEYS = {
  s: () => selected()?.card?.may_show.length && toggleFields(selected()),
  p: () => selected()?.card?.verdict && printSlip(selected()),
  c: () => selected()?.card && clear(selected()),
  l: tools.language,
  h: tools.contrast,
  "?": tools.help,
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, select, textarea, dialog");
  if (typing || event.ctrlKey || event.altKey || event.metaKey || setting("keys") === "off") return;
  const reader = Number(event.key) - 1;
  if (model.paired && model.readers[reader]) {
    model.selected = reader;
    render();
    say(`${t("selected")} ${model.readers[reader].title}`);
    $(`panel-${model.readers[reader].reader}`).scrollIntoView({ block: "nearest" });
  } else {
    KEYS[event.key.toLowerCase()]?.();
  }
});
$("tools").addEventListener("click", (event) => tools[event.target.closest("[data-do]")?.dataset.do]?.());

// What happens at the readers

const find = (event) => model.readers.find((reader) => reader.reader === event.reader);

const happenings = {
  "card-inserted"(event, reader) {
    model.selected = model.readers.indexOf(reader);
    Object.assign(reader, { state: "ready", error: null, card: { presence: event.presence, reader: event.reader, stage: "reading", may_show: [], may_print: [], lifted_at: null, training: reader.training } });
    say(`${reader.title}: ${t("state.reading")}`);
  },
  verdict(event, reader) {
    const { card } = event;
    reader.card = card;
    remember(event.row);
    const first = decisive(card)[0];
    const training = card.training ? `${t("training")}: ` : "";
    say(`${training}${reader.title}: ${t(`verdict.${card.verdict.outcome}`)}. ${first ? first[model.lang] : ""}`, card.verdict.outcome !== "PASSED");
  },
  "read-failed"(event, reader) {
    reader.card = event.card;
    remember(event.row);
    say(`${reader.title}: ${t("state.unread")}. ${t(`fault.${event.card.error.fault}`)}. ${t(`advice.${event.card.error.fault}`)}`, true);
  },
  "card-removed"(event, reader) {
    if (reader.card?.presence === event.presence) reader.card.lifted_at = event.at;
  },
  "card-left-behind"(event, reader) {
    model.left[event.presence] = true;
    say(`${reader.title}: ${t("left.behind")}`, true);
  },
  cleared(event, reader) {
    delete model.shown[event.presence];
    if (reader.card?.presence === event.presence) reader.card = null;
  },
  revealed(event) {
    const entry = model.history.find(({ presence }) => presence === event.presence);
    if (entry) entry.revealed = event.fields;
  },
  "reader-ready"(event, reader) {
    Object.assign(reader, { state: "ready", error: null });
    say(`${reader.title}: ${t("state.ready")}`);
  },
  "reader-lost"(event, reader) {
    Object.assign(reader, { state: "lost", error: { fault: event.fault } });
    say(`${reader.title}: ${t("state.lost")}. ${t(`advice.${event.fault}`)}`, true);
  },
};

const remember = (entry) => {
  model.history = [entry, ...model.history.filter(({ presence }) => presence !== entry.presence)].slice(0, 500);
};

function happened(event) {
  const reader = find(event);
  if (!reader || !happenings[event.kind]) return;
  happenings[event.kind](event, reader);
  render();
  document.documentElement.dataset.event = event.id; // Read by tests and by the benchmark.
}

let stop = () => {};

function lock() {
  stop();
  Object.assign(model, { paired: false, readers: [], history: [], shown: {}, live: "lost" });
  render();
  $("pair-code")?.focus();
}

async function take() {
  const [state, training] = await Promise.all([counter.state(), counter.call("GET", "/training")]);
  Object.assign(model, { readers: state.readers, history: state.history, profiles: state.profiles, training, paired: true });
  model.selected = Math.min(model.selected, Math.max(model.readers.length - 1, 0));
  return state.last_event_id;
}

async function begin() {
  stop();
  try {
    const last = await take();
    stop = counter.listen(
      {
        any: happened,
        reset: () => begin().then(() => say(t("live.back"))),
        status(status) {
          model.live = status;
          if (status === "lost") say(t("live.lost"), true);
          render();
        },
        error: (error) => error instanceof CounterError && error.status === 401 && lock(),
      },
      last,
    );
  } catch (error) {
    if (error instanceof CounterError && error.status === 401) return lock();
    model.live = "lost";
    setTimeout(begin, 1500);
  }
  render();
}

async function start() {
  const preferred = setting("lang") ?? (navigator.language.startsWith("zh") ? "zh" : "en");
  model.lang = preferred === "zh" ? "zh" : "en";
  if (setting("contrast") === "high") tools.contrast();
  model.texts = await (await fetch("/texts.json")).json();
  render();
  await begin();
}

start();
