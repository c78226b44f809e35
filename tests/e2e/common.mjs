// What the scripts share: the compiled contract, accounts of a development network, small checks.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import solc from "solc";

// Published with every development network; never fund them elsewhere.
export const KEYS = [
  "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
  "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
  "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
];
export const CHAIN_ID = 271828;

export function compile() {
  const source = readFileSync(new URL("Counter.sol", import.meta.url), "utf8");
  const input = {
    language: "Solidity",
    sources: { "Counter.sol": { content: source } },
    settings: {
      evmVersion: "prague",
      optimizer: { enabled: true },
      outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const errors = (output.errors ?? []).filter((e) => e.severity === "error");
  assert.deepEqual(errors, []);
  const { abi, evm } = output.contracts["Counter.sol"].Counter;
  return { abi, bytecode: `0x${evm.bytecode.object}` };
}

export async function rpc(url, method, params = []) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const reply = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  const answer = await reply.json();
  if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error);
  return answer.result;
}

export async function until(what, check, ms = 20000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise((r) => setTimeout(r, 50));
  }
}

// Runs named steps, prints one line each; returns how many failed.
export async function steps(title, list) {
  let failed = 0;
  for (const [name, run] of list) {
    try {
      await run();
      console.log(`ok   ${title}: ${name}`);
    } catch (e) {
      failed++;
      console.log(`FAIL ${title}: ${name}: ${e.shortMessage ?? e.message}`);
      if (process.env.VERBOSE) console.log(e);
    }
  }
  return [list.length - failed, failed];
}
