#!/usr/bin/env bash
# Wallet libraries (ethers, viem, cast) against real nodes:  tools/e2e.sh BUILD
#
# Installs what tests/e2e/package-lock.json names, starts a fresh network of four validators in a
# temporary folder on ports that are free, runs the scripts, stops the network.  Closes with
# "N passed, N failed, N skipped"; a failure shows the ends of the nodes' logs.
set -eu -o pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
tandem=$(cd "$1" && pwd)/tandem

if ! command -v npm >/dev/null; then
    echo "SKIP e2e: no npm here (Debian: apt-get install npm)"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if ! npm ci --prefix "$root/tests/e2e" --loglevel=error --fetch-retries=1 >"$folder/npm" 2>&1; then
    cat "$folder/npm"
    # Without a registry nothing can be said; anything else, a lock that does not fit, is a fault.
    if grep -qE 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH' "$folder/npm"; then
        echo "SKIP e2e: the npm registry cannot be reached"
        echo "0 passed, 0 failed, 1 skipped"
        exit 0
    fi
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi

export TANDEM_TESTNET=$folder/net
stop() {
    "$tandem" testnet down >/dev/null || true
    rm -rf "$folder"
}
trap stop EXIT

# `up` ends with 69 when another process holds one of its ports; then others are tried.
up() {
    local port=$((10000 + RANDOM % 8000)) status
    for _ in 1 2 3 4 5 6 7 8; do
        status=0
        "$tandem" testnet up -n 4 --base-port "$port" --fresh --detach >"$folder/up" 2>&1 || status=$?
        [ "$status" -ne 69 ] && break
        port=$((port + 100))
    done
    if [ "$status" -ne 0 ]; then
        cat "$folder/up"
        return "$status"
    fi
    base=$port
}
up || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }

status=0
node "$root/tests/e2e/run.mjs" --http "http://127.0.0.1:$base" \
    --ws "ws://127.0.0.1:$((base + 1))" >"$folder/run" 2>&1 || status=$?
if [ "$status" -ne 0 ]; then
    for i in 0 1 2 3; do
        echo "--- end of n$i's log"
        "$tandem" testnet logs "$i" 2>&1 | tail -n 15
    done
fi
cat "$folder/run"
exit "$status"
