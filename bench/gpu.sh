#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What there is to know about one NVIDIA card, in at most eight minutes each:
#
#     bench/gpu.sh check OUT      is it right?  selftest of every variant, models, compute-sanitizer
#     bench/gpu.sh perf OUT       is it fast?  networks and layers, against the measured peak of the card
#
# Needs the CUDA toolkit, CMake 3.25 and a C and C++ compiler, nothing else, and no network.  OUT is a folder, made if absent:
# check.json and check.txt, or perf.json and perf.txt, and a log of each step.  A step that this machine refuses is NOT RUN, and
# says why.  Exit 0 only if something ran and nothing failed.
#
#     LOCKSTEP=PROGRAM            use this build instead of making one in OUT/build
#     LOCKSTEP_BACKEND=NAME       default cuda
#     LOCKSTEP_MODELS=FOLDER      .tflite and .lks files to verify besides digits.tflite
#     LOCKSTEP_GOLDENS=FOLDER     NAME.json here, or beside NAME.tflite, is its golden file
#     LOCKSTEP_SECONDS=N          for all steps but the build (default 360)
set -uo pipefail

usage() { echo "usage: bench/gpu.sh check OUT | perf OUT" >&2; exit 2; }
[ $# -eq 2 ] || usage
what=$1 out=$2
[ "$what" = check ] || [ "$what" = perf ] || usage
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$out" || exit 1
out=$(cd "$out" && pwd)
backend=${LOCKSTEP_BACKEND:-cuda}
seconds=${LOCKSTEP_SECONDS:-360}
program=${LOCKSTEP:-$out/build/lockstep}

# ---- the machine ------------------------------------------------------------------------------------------------------------

ask_card() { nvidia-smi --query-gpu="$1" --format=csv,noheader --id=0 2>/dev/null | head -n 1; }

card=$(ask_card name) driver=$(ask_card driver_version) capability=$(ask_card compute_cap)
nvcc=$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)
toolkit=$("$nvcc" --version 2>/dev/null | sed -n 's/.*release \([0-9.]*\).*/\1/p')
revision=$(git -C "$root" describe --always --dirty 2>/dev/null || echo unknown)
date=$(date -u +%Y-%m-%dT%H:%M:%SZ)

# ---- steps ------------------------------------------------------------------------------------------------------------------

names=() results=() times=() notes=()
started=$SECONDS

left() { echo $((seconds - (SECONDS - started))); }

# record NAME RESULT SECONDS NOTE
record() {
    names+=("$1") results+=("$2") times+=("$3") notes+=("$4")
    printf '%-28s %-8s %5ss  %s\n' "$1" "$2" "$3" "$4"
}

# The last line of a log, fit for one line of a report.
last_line() { grep -v '^[[:space:]]*$' "$1" 2>/dev/null | tail -n 1 | tr -d '\r' | cut -c 1-160; }

# step NAME LIMIT COMMAND...: OK where the command succeeds
step() {
    local name=$1 limit=$2 begin=$SECONDS log status
    shift 2
    log=$out/$name.log
    if [ "$limit" -lt 1 ]; then
        record "$name" "NOT RUN" 0 "no time is left"
        return 0
    fi
    timeout -k 5 "$limit" "$@" >"$log" 2>&1
    status=$?
    case $status in
    0) record "$name" OK $((SECONDS - begin)) "" ;;
    124|137) record "$name" FAILED $((SECONDS - begin)) "took more than $limit seconds" ;;
    *) record "$name" FAILED $((SECONDS - begin)) "$(last_line "$log")" ;;
    esac
    return $status
}

# At most $1 seconds, and no more than are left.
at_most() { local l; l=$(left); [ "$l" -lt "$1" ] && echo "$l" || echo "$1"; }

build() {
    cmake -S "$root" -B "$out/build" -DCMAKE_BUILD_TYPE=Release -DLOCKSTEP_CUDA=ON -DLOCKSTEP_CUDA_ARCHITECTURES="$1" \
        -DLOCKSTEP_PICTURES=OFF -DLOCKSTEP_JANSSON=OFF && cmake --build "$out/build" --parallel "$(nproc)" --target lockstep
}

make_program() {
    local sm=${capability//./}
    [ -z "${LOCKSTEP:-}" ] || return 0
    [ "$sm" = 90 ] && sm=90a
    export -f build
    export root out
    step build 120 bash -c "build ${sm:-75}-real"
    started=$SECONDS
}

# ---- check ------------------------------------------------------------------------------------------------------------------

# A tool may be absent, or refused by the machine: then it says nothing about errors, and neither do we.  It may also be so slow
# that selftest is cut short before it came to every kind of case, which is selftest's only complaint then: NOT RUN to the end.
sanitizer() {
    local tool=$1 name=sanitizer-$1 limit begin=$SECONDS log summary
    shift
    limit=$(at_most 60)
    log=$out/$name.log
    if ! command -v compute-sanitizer >/dev/null; then
        record "$name" "NOT RUN" 0 "compute-sanitizer is not installed"
        return
    fi
    if [ "$limit" -lt 10 ]; then
        record "$name" "NOT RUN" 0 "no time is left"
        return
    fi
    timeout -k 5 "$limit" compute-sanitizer --tool "$tool" "$program" selftest --backend "$backend" --cases 4 \
        --time $((limit * 3 / 4)) --no-graph >"$log" 2>&1
    summary=$(grep -E 'SUMMARY:' "$log" | tail -n 1 | sed 's/^=* *//')
    if [ -z "$summary" ]; then
        record "$name" "NOT RUN" $((SECONDS - begin)) "$(last_line "$log")"
    elif echo "$summary" | grep -Eq '(: | )0 (errors|hazards)' && grep -q '^PASSED' "$log"; then
        record "$name" OK $((SECONDS - begin)) "$summary"
    elif echo "$summary" | grep -Eq '(: | )0 (errors|hazards)' && grep -q 'cut short by --time' "$log" &&
        grep -q '): FAIL; no case passed of ' "$log" && ! grep -Eq '[0-9] +FAIL$' "$log"; then
        record "$name" "NOT RUN" $((SECONDS - begin)) "$summary in $(grep -o '^[0-9]* cases' "$log"), not all kinds"
    else
        record "$name" FAILED $((SECONDS - begin)) "$summary"
    fi
}

verify_model() {
    local model=$1 name golden
    name=$(basename "${model%.*}")
    step "verify-$name" "$(at_most 60)" "$program" verify "$model" --backend "$backend" --backend cpu_ref --cases 1
    for golden in "${model%.*}.json" "${LOCKSTEP_GOLDENS:-/nowhere}/$name.json"; do
        [ -e "$golden" ] && step "golden-$name" "$(at_most 60)" "$program" verify "$model" --backend "$backend" --expect "$golden"
    done
}

check() {
    step devices 60 "$program" devices
    step selftest "$(at_most $((seconds / 4 + 60)))" "$program" selftest --backend "$backend" --time $((seconds / 4))
    step selftest-no-graph "$(at_most $((seconds / 16 + 60)))" "$program" selftest --backend "$backend" \
        --time $((seconds / 16)) --no-graph --seed 1
    step selftest-no-fuse "$(at_most $((seconds / 32 + 60)))" "$program" selftest --backend "$backend" \
        --time $((seconds / 32)) --no-fuse --seed 2
    [ "$capability" = 9.0 ] && step selftest-wgmma "$(at_most $((seconds / 16 + 60)))" "$program" selftest --backend "$backend" \
        --isa wgmma --time $((seconds / 16)) --seed 3
    verify_model "$root/examples/digits/digits.tflite"
    for model in "${LOCKSTEP_MODELS:-/nowhere}"/*.tflite "${LOCKSTEP_MODELS:-/nowhere}"/*.lks; do
        [ -e "$model" ] || continue
        if "$program" info "$model" >"$out/info.log" 2>&1; then
            verify_model "$model"
        else
            record "verify-$(basename "${model%.*}")" "NOT RUN" 0 "$(last_line "$out/info.log")"
        fi
    done
    for tool in memcheck racecheck initcheck synccheck; do
        sanitizer $tool
    done
}

# ---- perf -------------------------------------------------------------------------------------------------------------------

# bench NAME LIMIT ARGUMENTS...: the rows go to NAME.json, the table to NAME.log
bench() {
    local name=$1 limit=$2
    shift 2
    rm -f "$out/$name.json"
    step "$name" "$(at_most "$limit")" "$program" bench "$@" --backend "$backend" --rounds 3 --save "$out/$name.json"
}

perf() {
    bench peak 60 --peak
    bench resnet50 90 resnet50 --batch 1,8,64 --duration 3
    bench resnet50-offline 60 resnet50 --batch 128 --scenario Offline --duration 3
    bench mobilenet_v2 60 mobilenet_v2 --batch 1,64 --duration 3
    bench vgg16 60 vgg16 --batch 1,32 --duration 3
    bench bert_base 60 bert_base --batch 1,16 --duration 3
    bench layers 60 --op conv:32,56,56,64,64,3,3 --op conv:32,56,56,256,64,1,1,1,0 --op conv:32,7,7,512,512,3,3 \
        --op depthwise:32,112,112,32,3,3 --op fc:1,2048,1000 --op fc:128,1024,1024 --op add:32,56,56,256 --duration 1
}

# ---- the report -------------------------------------------------------------------------------------------------------------

quoted() { printf '"%s"' "$(printf '%s' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g; s/[[:cntrl:]]/ /g')"; }

write_json() {
    printf '{\n  "what": "%s",\n  "result": "%s",\n  "date": "%s",\n  "revision": %s,\n' "$what" "$1" "$date" \
        "$(quoted "$revision")"
    printf '  "card": %s,\n  "compute_capability": %s,\n  "driver": %s,\n  "cuda_toolkit": %s,\n' "$(quoted "$card")" \
        "$(quoted "$capability")" "$(quoted "$driver")" "$(quoted "$toolkit")"
    printf '  "steps": [\n'
    for i in "${!names[@]}"; do
        printf '    { "name": %s, "result": "%s", "seconds": %s, "note": %s' "$(quoted "${names[i]}")" "${results[i]}" \
            "${times[i]}" "$(quoted "${notes[i]}")"
        if [ "$what" = perf ] && [ -s "$out/${names[i]}.json" ]; then
            printf ',\n      "bench": '
            cat "$out/${names[i]}.json"
        fi
        [ "$i" -lt $((${#names[@]} - 1)) ] && printf ' },\n' || printf ' }\n'
    done
    printf '  ]\n}\n'
}

write_table() {
    printf '%s of %s, driver %s, CUDA %s, %s, revision %s\n\n' "$what" "${card:-no card}" "${driver:-none}" \
        "${toolkit:-none}" "$date" "$revision"
    for i in "${!names[@]}"; do
        printf '%-28s %-8s %5ss  %s\n' "${names[i]}" "${results[i]}" "${times[i]}" "${notes[i]}"
    done
    if [ "$what" = perf ]; then
        for name in "${names[@]}"; do
            printf '\n## %s\n\n' "$name"
            cat "$out/$name.log" 2>/dev/null
        done
    fi
    printf '\n%s\n' "$1"
}

# PASSED: something ran, and nothing failed; what was not run is in the report.
verdict() {
    local any=FAILED r
    for r in "${results[@]}"; do
        [ "$r" = FAILED ] && { echo FAILED; return; }
        [ "$r" = OK ] && any=PASSED
    done
    echo $any
}

make_program
if [ -x "$program" ]; then
    $what
else
    record program FAILED 0 "$program is not there: see $out/build.log"
fi
result=$(verdict)
write_json "$result" >"$out/$what.json"
write_table "$result" >"$out/$what.txt"
echo
echo "$out/$what.json and $out/$what.txt"
echo "$result"
[ "$result" = PASSED ]
