#!/usr/bin/env bash
# Set up a build folder once, later bring only changed options up to date, so that a `make` without
# news is quiet and quick.  Usage: tools/configure.sh FOLDER --KEY=VALUE… (CC decides at first set-up)
set -eu
folder=$1
shift
applied=$folder/.make-options

changed=no
for option in "$@"; do
    grep -qxF -- "$option" "$applied" 2>/dev/null || changed=yes
done
if [ ! -f "$folder/build.ninja" ]; then
    meson setup "$folder" "$@"
elif [ "$changed" = yes ]; then
    meson configure "$folder" "$@"
else
    exit 0
fi
# What this run did not name keeps its value in meson, so it stays in the list.
kept=$(cat "$applied" 2>/dev/null || true)
for option in "$@"; do
    kept=$(grep -vF -- "${option%%=*}=" <<<"$kept" || true)
done
printf '%s\n' "$kept" "$@" >"$applied"
