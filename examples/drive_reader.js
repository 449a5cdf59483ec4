// Drives a virtual reader from JavaScript: lays cards down through the control socket, and reads them over TCP.
//
//     prcard simulate --face tcp --json          prints control socket and port
//     node examples/drive_reader.js CONTROL HOST PORT
//
// Nothing of prcard is used: a test in any language can lift a card or damage a reply in the same way.
"use strict";
const net = require("node:net");

const [control, host, port] = process.argv.slice(2);

/** Gives a function that waits for the next bytes of a socket until `enough` of them are there. */
function reading(socket) {
  let buffer = Buffer.alloc(0);
  let wake = () => {};
  socket.on("data", (piece) => { buffer = Buffer.concat([buffer, piece]); wake(); });
  return async (enough) => {
    for (;;) {
      const count = enough(buffer);
      if (count) {
        const taken = buffer.subarray(0, count);
        buffer = buffer.subarray(count);
        return taken;
      }
      await new Promise((resolve) => { wake = resolve; });
    }
  };
}

async function main() {
  const drive = net.connect(control);
  const line = net.connect({ host, port: Number(port) });
  const readLine = reading(drive);
  const readFrame = reading(line);

  const ctl = async (request) => {
    drive.write(request + "\n");
    const answer = JSON.parse(await readLine((data) => data.indexOf("\n") + 1));
    if (!answer.ok) throw new Error(answer.error);
    return answer;
  };
  /** Sends CMD and PARA, gives SW3 and data; null when the check byte is wrong. */
  const ask = async (cmd, para) => {
    const counted = Buffer.from([0, 3, cmd, para]);
    const check = counted.reduce((a, b) => a ^ b, 0);
    line.write(Buffer.concat([Buffer.from("AAAAAA9669", "hex"), counted, Buffer.from([check])]));
    const frame = await readFrame((data) => (data.length >= 7 && data.length >= 7 + data.readUInt16BE(5) ? 7 + data.readUInt16BE(5) : 0));
    if (frame.subarray(5).reduce((a, b) => a ^ b, 0) !== 0) return null;
    return { status: frame[9], data: frame.subarray(10, -1) };
  };
  const hex = (status) => status.toString(16).toUpperCase();
  const read = async (name) => {
    await ask(0x20, 0x01);
    await ask(0x20, 0x02);
    const reply = await ask(0x30, 0x01);
    const marker = reply.data.length ? reply.data.subarray(4 + 248, 4 + 250).toString("utf16le") : "";
    console.log(`${name}: ${hex(reply.status)} ${marker} ${Math.max(reply.data.length - 4, 0)}`.replace("  0", ""));
  };

  console.log(`no card: ${hex((await ask(0x20, 0x01)).status)}`);
  await ctl("insert alice");
  await read("alice");
  console.log(`still lying: ${hex((await ask(0x20, 0x01)).status)}`);
  await ctl("insert bob");
  await ctl("fault wrong-check command=FIND_CARD");
  console.log(`damaged: ${(await ask(0x20, 0x01)) === null ? "check byte wrong" : "whole"}`);
  await read("bob");
  await ctl("remove");
  await ctl("insert alice");
  await ctl("fault card-lifted");
  await read("lifted");
  drive.end();
  line.end();
}

main().catch((error) => { console.error(error); process.exitCode = 1; });
