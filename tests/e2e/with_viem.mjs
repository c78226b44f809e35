// viem as an application uses it.
import assert from "node:assert/strict";
import { createPublicClient, createWalletClient, defineChain, http as overHttp, parseEther, webSocket } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { CHAIN_ID, KEYS, compile, steps } from "./common.mjs";

export async function withViem(http, ws) {
  const chain = defineChain({
    id: CHAIN_ID,
    name: "Tandem",
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [http], webSocket: [ws] } },
  });
  const account = privateKeyToAccount(KEYS[1]);
  const reader = createPublicClient({ chain, transport: overHttp(http), pollingInterval: 200 });
  const socket = createPublicClient({ chain, transport: webSocket(ws) });
  const wallet = createWalletClient({ account, chain, transport: overHttp(http) });
  const { abi, bytecode } = compile();
  let address, hash;
  const result = await steps("viem", [
    ["chain id", async () => assert.equal(await reader.getChainId(), CHAIN_ID)],
    ["deploys a contract", async () => {
      const deployed = await wallet.deployContract({ abi, bytecode, args: [1n] });
      const receipt = await reader.waitForTransactionReceipt({ hash: deployed });
      assert.equal(receipt.status, "success");
      address = receipt.contractAddress;
    }],
    ["simulates, writes, and is told the event over a subscription", async () => {
      let unwatch;
      const heard = new Promise((resolve, reject) => {
        unwatch = socket.watchContractEvent({ address, abi, eventName: "Raised", onLogs: resolve, onError: reject });
      });
      await socket.getChainId();
      const { request, result } = await reader.simulateContract({ account, address, abi, functionName: "raise", args: [9n, "by viem"] });
      assert.equal(result, 10n);
      hash = await wallet.writeContract(request);
      const receipt = await reader.waitForTransactionReceipt({ hash });
      assert.equal(receipt.status, "success");
      const logs = await heard;
      unwatch();
      assert.equal(logs[0].args.note, "by viem");
    }],
    ["reads logs by filter", async () => {
      const logs = await reader.getContractEvents({ address, abi, eventName: "Raised", args: { by: account.address }, fromBlock: 0n });
      assert.equal(logs.length, 1);
      assert.equal(logs[0].transactionHash, hash);
      const filter = await reader.createContractEventFilter({ address, abi, eventName: "Raised", fromBlock: 0n });
      assert.equal((await reader.getFilterLogs({ filter })).length, 1);
      assert.ok(await reader.uninstallFilter({ filter }));
    }],
    ["estimates gas that suffices and not more than a twentieth too much", async () => {
      const gas = await reader.estimateContractGas({ account, address, abi, functionName: "raise", args: [1n, "x"] });
      const sent = await wallet.writeContract({ address, abi, functionName: "raise", args: [1n, "x"], gas });
      const receipt = await reader.waitForTransactionReceipt({ hash: sent });
      assert.equal(receipt.status, "success");
      assert.ok(gas * 100n <= receipt.gasUsed * 125n, `${gas} for ${receipt.gasUsed}`);
    }],
    ["batches calls over JSON-RPC", async () => {
      const batched = createPublicClient({ chain, transport: overHttp(http, { batch: true }) });
      const all = await Promise.all([1, 2, 3, 4].map(() => batched.getBalance({ address: account.address })));
      assert.equal(new Set(all).size, 1);
    }],
    ["fee history and fees", async () => {
      const history = await reader.getFeeHistory({ blockCount: 4, rewardPercentiles: [25, 75] });
      assert.ok(history.baseFeePerGas.length >= 2);
      const fees = await reader.estimateFeesPerGas();
      assert.ok(fees.maxFeePerGas > 0n);
    }],
    ["state overrides in a call", async () => {
      const { data } = await reader.call({
        to: "0x000000000000000000000000000000000000c0de",
        // PUSH1 42, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN
        stateOverride: [{ address: "0x000000000000000000000000000000000000c0de", code: "0x602a5f5260205ff3" }],
      });
      assert.equal(BigInt(data), 42n);
    }],
    ["sends ether and sees it", async () => {
      const to = "0x00000000000000000000000000000000000fee1e";
      const before = await reader.getBalance({ address: to });
      const sent = await wallet.sendTransaction({ to, value: parseEther("0.5") });
      await reader.waitForTransactionReceipt({ hash: sent });
      assert.equal((await reader.getBalance({ address: to })) - before, parseEther("0.5"));
    }],
    ["proof, code and storage", async () => {
      const proof = await reader.getProof({ address, storageKeys: [`0x${"00".repeat(32)}`] });
      assert.equal(proof.storageProof[0].value, 11n);
      assert.equal(BigInt(await reader.getStorageAt({ address, slot: "0x0" })), 11n);
    }],
  ]);
  (await socket.transport.getRpcClient()).close();
  return result;
}
