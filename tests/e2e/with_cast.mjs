// cast, the command line that operators use.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CHAIN_ID, KEYS, compile, steps } from "./common.mjs";

const run = promisify(execFile);

export function castPath() {
  const machine = process.arch === "x64" ? "amd64" : process.arch;
  const at = new URL(`node_modules/@foundry-rs/cast-${process.platform}-${machine}/bin/cast`, import.meta.url);
  return existsSync(at) ? fileURLToPath(at) : null;
}

export async function withCast(http) {
  const program = castPath();
  const cast = async (command, ...args) =>
    (await run(program, [command, "--rpc-url", http, ...args])).stdout.trim();
  const { bytecode } = compile();
  const key = KEYS[2];
  let address;
  return steps("cast", [
    ["chain id and block number", async () => {
      assert.equal(await cast("chain-id"), String(CHAIN_ID));
      assert.ok(Number(await cast("block-number")) >= 0);
    }],
    ["deploys a contract", async () => {
      const start = "3".padStart(64, "0");
      const receipt = JSON.parse(await cast("send", "--private-key", key, "--json", "--create", bytecode + start));
      assert.equal(receipt.status, "0x1");
      address = receipt.contractAddress;
    }],
    ["calls and sends", async () => {
      assert.equal(await cast("call", address, "value()(uint256)"), "3");
      const receipt = JSON.parse(await cast("send", "--private-key", key, "--json", address, "raise(uint256,string)", "4", "by cast"));
      assert.equal(receipt.status, "0x1");
      assert.equal(await cast("call", address, "value()(uint256)"), "7");
    }],
    ["reads logs", async () => {
      const logs = JSON.parse(await cast("logs", "--json", "--from-block", "0", "--address", address, "Raised(address indexed,uint256 indexed,uint256,string)"));
      assert.equal(logs.length, 1);
    }],
    ["sees the receipt, the block and the nonce", async () => {
      const block = JSON.parse(await cast("block", "latest", "--json"));
      assert.ok(Number(block.number) > 0);
      const wallet = (await run(program, ["wallet", "address", "--private-key", key])).stdout.trim();
      assert.equal(await cast("nonce", wallet), "2");
    }],
  ]);
}
