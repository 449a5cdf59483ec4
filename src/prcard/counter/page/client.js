// Client of the prcard counter's local service: pairing, cards, events. No dependency; runs in browsers and in Node 18+.
//
//     const counter = new CounterClient({ token: localStorage.getItem("prcard-token") });
//     const stop = counter.listen({ verdict: (event) => fillForm(event.card) });

export const DEFAULT_BASE = "http://127.0.0.1:8964";

const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 10_000;
const SILENCE_MS = 40_000; // The service says something every 15 s; silence for longer means a dead connection.

/** What the service refused: `code` for programs, the message and `zh` for people. */
export class CounterError extends Error {
  constructor(status, code, en, zh) {
    super(en);
    this.name = "CounterError";
    Object.assign(this, { status, code, zh });
  }
}

export class CounterClient {
  /**
   * @param {object} options
   * @param {string} [options.base] Where the service is; "" for a page that it serves itself.
   * @param {string|null} [options.token] Token from an earlier `pair`; keep it where only this page reads it.
   * @param {typeof fetch} [options.fetch] Another fetch, for tests.
   */
  constructor({ base = DEFAULT_BASE, token = null, fetch: ask = globalThis.fetch.bind(globalThis) } = {}) {
    Object.assign(this, { base, token, ask });
  }

  /** Tells that the service is there; needs no pairing. */
  service() {
    return this.call("GET", "/service");
  }

  /** Exchanges the code that the counter shows for a token, which it keeps and returns. */
  async pair(code, name = "page") {
    const { token } = await this.call("POST", "/pairing", { code, name });
    if (token) this.token = token;
    return token;
  }

  /** Ends this pairing. */
  async unpair() {
    await this.call("DELETE", "/pairing");
    this.token = null;
  }

  /** Readers, the cards on them (masked), the history of the shift. */
  state() {
    return this.call("GET", "/state");
  }

  /** Fields of a card as they stand there, as far as the profile allows; that you asked is logged. */
  async reveal(presence, fields) {
    return (await this.call("POST", `/presences/${encodeURIComponent(presence)}/reveal`, { fields })).fields;
  }

  /** What was read, to keep; only where the profile allows it. */
  capture(presence) {
    return this.call("POST", `/presences/${encodeURIComponent(presence)}/capture`);
  }

  /** Makes the counter forget a card. */
  forget(presence) {
    return this.call("DELETE", `/presences/${encodeURIComponent(presence)}`);
  }

  /** Calls a place of the API; gives the JSON of the answer, or null. */
  async call(method, path, body) {
    const response = await this.fetch(path, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
      headers: body === undefined ? {} : { "content-type": "application/json" },
    });
    return response.status === 204 ? null : response.json();
  }

  /** The bare request, with the token; throws a CounterError unless the answer is good. */
  async fetch(path, { headers = {}, ...options } = {}) {
    if (this.token) headers.authorization = `Bearer ${this.token}`;
    const response = await this.ask(`${this.base}/api/v1${path}`, { cache: "no-store", ...options, headers });
    if (response.ok) return response;
    const { error = {} } = await response.json().catch(() => ({}));
    throw new CounterError(response.status, error.code ?? "unknown", error.en ?? response.statusText, error.zh ?? "");
  }

  /**
   * Listens to events until the function that it returns is called. A connection that breaks is made anew with growing
   * pauses, from the last event on, so that none is missed; `reset` says when that was not possible and the state must
   * be taken anew.
   *
   * @param {Record<string, (event: any) => void>} handlers By kind of event; `any` gets all of them, `status` the state
   *   of the connection ("open" or "lost"), `reset` and `error` as above.
   * @param {string|null} lastEventId Where to go on from, for instance `last_event_id` of `state()`.
   */
  listen(handlers, lastEventId = null) {
    const control = new AbortController();
    this.#keepListening(handlers, lastEventId, control.signal);
    return () => control.abort();
  }

  async #keepListening(handlers, lastEventId, signal) {
    let wait = FIRST_WAIT_MS;
    const seen = (event) => {
      if (event.id) lastEventId = event.id;
      if (event.kind === "hello") {
        wait = FIRST_WAIT_MS;
        handlers.status?.("open");
        if (lastEventId !== null && !event.resumed) {
          lastEventId = null;
          handlers.reset?.(event);
        }
      }
      handlers[event.kind]?.(event);
      handlers.any?.(event);
    };
    while (!signal.aborted) {
      try {
        await this.#listenOnce(seen, lastEventId, signal);
      } catch (error) {
        if (signal.aborted) return;
        handlers.error?.(error);
        // A page that is not paired, or not on the list, need not ask again.
        if (error instanceof CounterError && [401, 403].includes(error.status)) return;
      }
      if (signal.aborted) return;
      handlers.status?.("lost");
      // Spread out, so that many pages do not come back in the same moment.
      await pause(wait * (0.75 + Math.random() / 2), signal);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
  }

  async #listenOnce(seen, lastEventId, signal) {
    const once = new AbortController();
    const end = () => once.abort();
    signal.addEventListener("abort", end);
    let timer = setTimeout(end, SILENCE_MS);
    try {
      const headers = lastEventId ? { "last-event-id": lastEventId } : {};
      const response = await this.fetch("/events", { headers, signal: once.signal });
      const reader = response.body.getReader();
      const decoder = new TextDecoder();
      let text = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(timer);
        timer = setTimeout(end, SILENCE_MS);
        text += decoder.decode(value, { stream: true });
        const messages = text.split("\n\n");
        text = messages.pop();
        for (const message of messages) {
          const data = message.split("\n").filter((line) => line.startsWith("data: "));
          if (data.length) seen(JSON.parse(data.map((line) => line.slice(6)).join("\n")));
        }
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      once.abort();
    }
  }
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
