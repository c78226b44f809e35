#!/usr/bin/env bash
# Install what is missing, and say what.  Usage: tools/deps.sh [lint|test|all]   (default: test)
#   lint  what `make lint` runs        test  lint plus what building and `make test` need
#   all   test plus clang, its sanitizer runtimes, clang-tidy and gcovr (fuzz, tidy, coverage, CI), and
#         qemu-user (one more check of the emulator)
# Every requirement is probed by what it provides, so tools that did not come from a package count.
set -u

has_command() { command -v "$1" >/dev/null 2>&1; }
has_library() { has_command pkg-config && pkg-config --exists "$1"; }
has_libc() { echo '#include <stdio.h>' | cc -E -x c - >/dev/null 2>&1; }
has_sanitizers() {
    has_command clang && echo 'int main(void){return 0;}' |
        clang -fsanitize=address,undefined -x c - -o /dev/null >/dev/null 2>&1
}

# package | probe
LINT='python3|has_command python3
git|has_command git
clang-format|has_command clang-format
codespell|has_command codespell'
TEST='build-essential|has_command make && has_command gcc && has_libc
meson|has_command meson
ninja-build|has_command ninja
pkg-config|has_command pkg-config
libcriterion-dev|has_library criterion
libsecp256k1-dev|has_library libsecp256k1
libsodium-dev|has_library libsodium
libjansson-dev|has_library jansson
libssl-dev|has_library libcrypto
libsqlite3-dev|has_library sqlite3
libevent-dev|has_library libevent_core
spin|has_command spin
gcc-riscv64-unknown-elf|has_command riscv64-unknown-elf-gcc'
ALL='clang|has_command clang
libclang-rt-14-dev|has_sanitizers
clang-tidy|has_command clang-tidy
gcovr|has_command gcovr
qemu-user|has_command qemu-riscv32'

case "${1:-test}" in
    lint) wanted=$LINT ;;
    test) wanted=$LINT$'\n'$TEST ;;
    all) wanted=$LINT$'\n'$TEST$'\n'$ALL ;;
    *) echo "usage: tools/deps.sh [lint|test|all]" >&2; exit 64 ;;
esac

missing() {
    local package probe
    while IFS='|' read -r package probe; do
        eval "$probe" </dev/null || echo "$package"
    done <<<"$wanted"
}

give_up() {
    echo "deps: cannot install: $1" >&2
    echo "deps: $2" >&2
    echo "deps: install these by hand, then run the command again: $packages" >&2
    exit 69
}

packages=$(missing | tr '\n' ' ')
packages=${packages% }
if [ -z "$packages" ]; then
    echo "deps: everything is here"
    exit 0
fi
echo "deps: missing: $packages"

has_command apt-get || give_up "$packages" "this machine has no apt-get (Debian 12 is what Tandem is built on)"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    has_command sudo || give_up "$packages" "not root, and there is no sudo"
    as_root=(sudo)
fi

export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
    # shellcheck disable=SC2086  # one word per package is the point
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends $packages >"$log" 2>&1
}

# A fresh machine has no package lists, an old one has stale ones: refresh only when it matters.
echo "deps: apt-get install $packages"
if ! install; then
    echo "deps: apt-get update, then again"
    "${as_root[@]}" apt-get update >"$log" 2>&1 ||
        give_up "$packages" "apt-get update: $(grep -m1 -E '^(E|Err|W):' "$log")"
    install || give_up "$packages" "apt-get install: $(grep -m1 -E '^E:' "$log")"
fi

left=$(missing | tr '\n' ' ')
if [ -n "$left" ]; then
    packages=${left% }
    give_up "$packages" "apt-get installed them, and they still do not work"
fi
echo "deps: installed $packages"
