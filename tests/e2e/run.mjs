// usage: node run.mjs --http URL --ws URL     against a fresh development network (`make testnet`)
import { castPath, withCast } from "./with_cast.mjs";
import { withEthers } from "./with_ethers.mjs";
import { withViem } from "./with_viem.mjs";

function option(name, fallback) {
  const at = process.argv.indexOf(name);
  return at < 0 ? fallback : process.argv[at + 1];
}

const http = option("--http", "http://127.0.0.1:8645");
const ws = option("--ws", "ws://127.0.0.1:8646");
let passed = 0, failed = 0, skipped = 0;
for (const run of [withEthers, withViem]) {
  const [p, f] = await run(http, ws);
  passed += p;
  failed += f;
}
if (castPath() === null) {
  console.log("skip cast: no program for this platform in its package");
  skipped++;
} else {
  const [p, f] = await withCast(http);
  passed += p;
  failed += f;
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 ? 0 : 1);
