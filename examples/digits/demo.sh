#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# `make demo`: ten handwritten digits, read by the program given as $1, with the digests that every backend must agree on.
# Run it from the root of the repository.
set -eu

lockstep=${1:?usage: demo.sh PATH_OF_LOCKSTEP}
here=examples/digits
model=$here/digits.tflite
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
trap 'exit 1' HUP INT TERM

# The picture of digit $1 goes to $temp/$1.picture, the answer to $temp/$1.answer.
ask() {
    "$lockstep" run "$model" "$here/$1.png" --labels "$here/labels.txt" --top 1 --show > "$temp/$1.run"
    sed '/^model /,$d' "$temp/$1.run" > "$temp/$1.picture"
    awk '$1 == 1 { printf "%s %.1f %%\n", $5, 100 * $4 }' "$temp/$1.run" > "$temp/$1.answer"
}

# Five digits side by side: pictures, then answers.
row() {
    for i in "$@"; do ask "$i"; done
    (cd "$temp" && paste -d '|' "$1.picture" "$2.picture" "$3.picture" "$4.picture" "$5.picture" | sed 's/|/   /g; s/ *$//')
    for i in "$@"; do printf '%-19s' "$(cat "$temp/$i.answer")"; done | sed 's/ *$//'
    printf '\n\n'
}

right() {
    n=0
    for i in 0 1 2 3 4 5 6 7 8 9; do
        label=$(sed -n "$((i + 1))p" "$here/labels.txt")
        case $(cat "$temp/$i.answer") in "$label "*) n=$((n + 1)) ;; esac
    done
    echo "$n"
}

# The ten pictures as one batch on device $2 of backend $1: prints the digest of what came out.
digest() {
    "$lockstep" run "$model" "$here"/[0-9].png --backend "$1" --device "$2" > "$temp/batch"
    awk '$1 == "output" && $3 == "sha256" { print $4 }' "$temp/batch"
}

row 0 1 2 3 4
row 5 6 7 8 9
echo "$(right) of 10 right."

"$lockstep" devices > "$temp/devices"
printf '\nThe ten answers as one batch, SHA-256 by backend and device:\n'
for backend in cpu_ref cpu cuda opencl; do
    grep "^$backend " "$temp/devices" > "$temp/rows" || printf '  %-9s  not in this build\n' "$backend"
    while read -r name device usable rest; do
        if [ "$usable" = yes ]; then
            found=$(digest "$name" "$device")
            echo "$found" >> "$temp/digests"
            printf '  %-7s %s  %s\n' "$name" "$device" "$found"
        else
            printf '  %-7s %s  not usable here: %s (see lockstep devices)\n' "$name" "$device" "$rest"
        fi
    done < "$temp/rows"
done
awk '$1 == "model" { print "  model      " $3 } $1 == "input" { print "  pictures   " $4 }' "$temp/batch"

if [ "$(sort -u "$temp/digests" | wc -l)" -ne 1 ]; then
    echo 'The backends disagree.'
    exit 1
fi

printf '\n$ lockstep verify %s\n' "$model"
"$lockstep" verify "$model" "$here"/[0-9].png
