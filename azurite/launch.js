// Runs Azurite in this process and ends it gently when our stdin closes. So it never outlives the host that started it,
// however that ends, and always saves what it holds in memory.
"use strict";

const { createRequire } = require("node:module");
const { hurry } = require("./loki.js");

const [azurite, ...options] = process.argv.slice(2);
process.argv.splice(1, process.argv.length, azurite, ...options);

const GRACE = 10_000;
const requireOfAzurite = createRequire(azurite);

// Telemetry is off, yet its library alone takes half of Azurite's start.
function leaveOut(name) {
  const path = requireOfAzurite.resolve(name);
  require.cache[path] = { id: path, filename: path, loaded: true, exports: {} };
}

function stop() {
  const isStarting = process.listenerCount("SIGTERM") === 0;
  if (isStarting) process.exit(0);
  process.emit("SIGTERM");
  setTimeout(() => process.exit(1), GRACE).unref();
}

for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {}); // the host may be gone already
process.stdin.once("close", stop).on("error", () => {}).resume();
process.stdin.unref();

leaveOut("applicationinsights");
hurry(requireOfAzurite("lokijs"));
require(azurite);
