#!/usr/bin/env node
// SPDX-License-Identifier: MIT
const fs = require("fs"), net = require("net");
let clients = 0;
const server = net.createServer(client => {
  if (clients++ === 0) tell(0); // TAKEN
  client.on("error", () => {}).on("close", () => --clients === 0 && tell(1)); // AVAIL
  client.end("hello from Node\n");
});
const message = word => Int32Array.of(process.pid, parseInt(process.env.GENERATION, 8), word);
const tell = word => {
  try { fs.writeSync(5, new Uint8Array(message(word).buffer)); } catch { server.close(); }
};
server.listen({ fd: 6 }, () => tell(1));
fs.read(5, Buffer.alloc(1), 0, 1, null, () => server.close()); // its end: leave when done
