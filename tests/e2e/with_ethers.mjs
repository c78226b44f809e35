// ethers v6 as a wallet and an application use it.
import assert from "node:assert/strict";
import { Contract, ContractFactory, JsonRpcProvider, Wallet, WebSocketProvider, ZeroAddress, parseEther } from "ethers";
import { CHAIN_ID, KEYS, compile, rpc, steps, until } from "./common.mjs";

export async function withEthers(http, ws) {
  const provider = new JsonRpcProvider(http, undefined, { polling: true, pollingInterval: 200 });
  const socket = new WebSocketProvider(ws);
  const wallet = new Wallet(KEYS[0], provider);
  const { abi, bytecode } = compile();
  let counter, receipt;
  const result = await steps("ethers", [
    ["chain id and block number", async () => {
      assert.equal((await provider.getNetwork()).chainId, BigInt(CHAIN_ID));
      assert.ok((await provider.getBlockNumber()) >= 0);
    }],
    ["deploys a contract", async () => {
      counter = await new ContractFactory(abi, bytecode, wallet).deploy(7);
      await counter.waitForDeployment();
      assert.notEqual(await provider.getCode(await counter.getAddress()), "0x");
    }],
    ["calls it", async () => assert.equal(await counter.value(), 7n)],
    ["watches a transaction from pending to final, by receipt and subscription", async () => {
      const heard = new Promise((resolve) => {
        new Contract(counter.target, abi, socket).once("Raised", (...args) => resolve(args));
      });
      await socket.ready;
      await socket.send("eth_chainId", []); // the subscription was sent before this
      const before = await provider.getTransactionCount(wallet.address, "pending");
      const tx = await counter.raise(5, "by ethers");
      assert.equal(tx.nonce, before);
      // Asked past the library, which answers a repeated question from its cache for a while.
      assert.equal(Number(await rpc(http, "eth_getTransactionCount", [wallet.address, "pending"])), before + 1);
      receipt = await tx.wait();
      assert.equal(receipt.status, 1);
      const seen = await provider.getTransaction(tx.hash);
      assert.equal(seen.blockNumber, receipt.blockNumber);
      const event = await heard;
      assert.equal(event[2], 12n);
    }],
    ["finds the log by filter", async () => {
      const logs = await counter.queryFilter(counter.filters.Raised(wallet.address, 5n), 0);
      assert.equal(logs.length, 1);
      assert.equal(logs[0].args.note, "by ethers");
      assert.equal(logs[0].transactionHash, receipt.hash);
      assert.equal((await counter.queryFilter(counter.filters.Raised(wallet.address, 6n), 0)).length, 0);
    }],
    ["hears of new heads", async () => {
      const first = await new Promise((resolve) => socket.once("block", resolve));
      assert.ok(first > 0);
    }],
    ["is told why a call reverts", async () => {
      await assert.rejects(counter.raise.staticCall(0, ""), (e) => e.reason === "step is zero");
      await assert.rejects(counter.raise.staticCall(101, ""), (e) => e.revert?.name === "TooMuch" && e.revert.args[1] === 100n);
    }],
    ["gets a proof with the account's balance and nonce", async () => {
      const proof = await rpc(http, "eth_getProof", [wallet.address, [], "latest"]);
      assert.equal(BigInt(proof.balance), await provider.getBalance(wallet.address));
      assert.equal(Number(proof.nonce), await provider.getTransactionCount(wallet.address));
      assert.ok(proof.accountProof.length > 0);
    }],
    ["sends ether with EIP-1559 and legacy fees", async () => {
      const to = Wallet.createRandom().address;
      await (await wallet.sendTransaction({ to, value: parseEther("1") })).wait();
      const fee = await provider.getFeeData();
      await (await wallet.sendTransaction({ to, value: 1n, type: 0, gasPrice: fee.gasPrice })).wait();
      assert.equal(await provider.getBalance(to), parseEther("1") + 1n);
    }],
    ["is refused with the words it knows", async () => {
      const tx = { to: ZeroAddress, value: 0n, nonce: 0, gasLimit: 21000n, maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 1n };
      await assert.rejects(wallet.sendTransaction(tx), (e) => e.code === "NONCE_EXPIRED");
      const poor = Wallet.createRandom().connect(provider);
      await assert.rejects(poor.sendTransaction({ ...tx, value: 1n }), (e) => e.code === "INSUFFICIENT_FUNDS");
    }],
    ["block, receipts and transactions agree", async () => {
      const block = await provider.getBlock(receipt.blockNumber, true);
      assert.equal(block.hash, receipt.blockHash);
      assert.ok(block.prefetchedTransactions.some((t) => t.hash === receipt.hash));
      assert.equal((await provider.getBlock(block.hash)).number, block.number);
    }],
  ]);
  await until("idle", () => true);
  provider.destroy();
  await socket.destroy();
  return result;
}
