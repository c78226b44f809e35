#!/usr/bin/env bash
# Unpack an archive of public test vectors and record that it happened.
# Usage: tools/vectors.sh ARCHIVE FOLDER STAMP   (FOLDER/<what the archive holds> is replaced)
set -eu
archive=$1
folder=$2
stamp=$3

fresh=$folder/.unpacking
rm -rf "$fresh"
mkdir -p "$fresh"
tar -xf "$archive" -C "$fresh" --no-same-owner
# Renamed only when complete: an interrupted run leaves no half of a suite that would pass.
for entry in "$fresh"/*; do
    rm -rf "${folder:?}/${entry##*/}"
    mv "$entry" "$folder/"
done
rmdir "$fresh"
: >"$stamp"
