// Runs with `node --test`: the client against a service of a few lines that breaks off and goes on.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";

import { CounterClient, CounterError } from "./index.js";

async function serving(answer, act) {
  const server = createServer(answer);
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  try {
    await act(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const json = (response, status, body) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

test("a refusal is an error with its code", () =>
  serving(
    (_, response) => json(response, 401, { error: { code: "not-paired", zh: "尚未配对。", en: "Not paired." } }),
    async (base) => {
      await assert.rejects(new CounterClient({ base }).state(), (error) => {
        assert.ok(error instanceof CounterError);
        assert.deepEqual([error.status, error.code, error.zh, error.message], [401, "not-paired", "尚未配对。", "Not paired."]);
        return true;
      });
    },
  ));

test("pairing keeps the token and shows it in a header, never in the address", () => {
  const seen = [];
  return serving(
    (request, response) => {
      seen.push([request.url, request.headers.authorization]);
      json(response, 200, { token: "secret" });
    },
    async (base) => {
      const counter = new CounterClient({ base });
      assert.equal(await counter.pair("1234 5678"), "secret");
      await counter.state();
      assert.deepEqual(seen, [["/api/v1/pairing", undefined], ["/api/v1/state", "Bearer secret"]]);
    },
  );
});

test("listening goes on where it broke off", () => {
  const asked = [];
  const say = (event) => `id: ${event.id}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`;
  return serving(
    (request, response) => {
      asked.push(request.headers["last-event-id"]);
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`data: {"kind":"hello","resumed":${asked.length > 1}}\n\n: still here\n\n`);
      const text = say({ id: `run.${asked.length}`, kind: "verdict" });
      // In two pieces, cut in the middle of a line.
      response.write(text.slice(0, 9));
      setTimeout(() => response.end(text.slice(9)), 5);
    },
    (base) =>
      new Promise((done) => {
        const ids = [];
        const stop = new CounterClient({ base }).listen({
          verdict: ({ id }) => {
            ids.push(id);
            if (ids.length < 3) return;
            stop();
            assert.deepEqual(ids, ["run.1", "run.2", "run.3"]);
            assert.deepEqual(asked, [undefined, "run.1", "run.2"]);
            done();
          },
        });
      }),
  );
});

test("a service that began anew says that the state must be taken anew", () =>
  serving(
    (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write('data: {"kind":"hello","resumed":false}\n\n');
    },
    (base) =>
      new Promise((done) => {
        const stop = new CounterClient({ base }).listen({ reset: () => (stop(), done()) }, "old.7");
      }),
  ));

test("a page that is not paired does not ask again", () => {
  let asked = 0;
  return serving(
    (_, response) => {
      asked += 1;
      json(response, 401, { error: { code: "not-paired", zh: "", en: "" } });
    },
    (base) =>
      new Promise((done) => {
        new CounterClient({ base }).listen({
          error: (error) => {
            assert.equal(error.code, "not-paired");
            setTimeout(() => (assert.equal(asked, 1), done()), 600);
          },
        });
      }),
  );
});
