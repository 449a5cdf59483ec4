// What both forms share: pair once, listen, fill the inputs whose `data-field` names a field of the card.
import { CounterClient, DEFAULT_BASE } from "../../clients/javascript/index.js";

const base = new URLSearchParams(location.search).get("counter") ?? DEFAULT_BASE;
const counter = new CounterClient({ base, token: sessionStorage.getItem("prcard-token") });
const status = document.getElementById("status");

const say = (text, tone = "") => {
  status.textContent = text;
  status.dataset.tone = tone;
};

const inputs = () => [...document.querySelectorAll("[data-field]")];

function empty() {
  for (const input of inputs()) {
    input.value = "";
    input.classList.remove("filled");
  }
}

// A field may have several names: the layouts of the card differ.
function fill(fields) {
  for (const input of inputs()) {
    const value = input.dataset.field.split(" ").map((name) => fields[name]).find(Boolean);
    input.value = value ?? "";
    input.classList.toggle("filled", Boolean(value));
  }
}

/**
 * Fills the form from cards that are accepted.
 *
 * @param {(card: object) => void} judged What else to do with a verdict.
 */
export function listen(judged = () => {}) {
  const stop = counter.listen({
    hello: () => say("Lay the card on the reader. / 请放置证件"),
    "card-inserted": () => (empty(), say("Reading… / 正在读取…")),
    verdict: async ({ card }) => {
      judged(card);
      const training = card.training ? "TRAINING 培训 – " : "";
      const why = card.verdict.checks.find((check) => [...card.verdict.failed, ...card.verdict.open].includes(check.code));
      if (card.verdict.outcome !== "PASSED") return say(`${training}${card.verdict.outcome}: ${why.en} / ${why.zh}`, card.verdict.outcome === "FAILED" ? "bad" : "open");
      // Only what this form has a place for, and only what the profile lets be shown.
      const wanted = inputs().flatMap((input) => input.dataset.field.split(" "));
      fill(await counter.reveal(card.presence, wanted.filter((name) => card.may_show.includes(name))));
      say(`${training}Accepted / 通过`, "good");
    },
    "read-failed": ({ card }) => say(card.error.advice, "bad"),
    "reader-lost": ({ advice }) => say(advice, "bad"),
    status: (state) => state === "lost" && say("The counter does not answer; trying again… / 正在重连…", "bad"),
    error: (error) => error.code === "not-paired" && pair(stop),
  });
}

function pair() {
  const code = prompt("Pairing code of the counter page / 柜台配对码:");
  if (!code) return say("Not paired. / 未配对", "bad");
  counter.pair(code, document.title).then(
    (token) => {
      sessionStorage.setItem("prcard-token", token);
      listen();
    },
    (error) => say(error.message, "bad"),
  );
}
