# shellcheck shell=bash
# What the scripts share: messages, the build, the place of the cache. Sourced.
# SPDX-License-Identifier: BSD-2-Clause

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC2034 # used by those who source this
CACHE=${SHEAF_CACHE:-$TOP/build/cache}

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() { # [-STATUS] MESSAGE
    local status=1
    if [[ $1 =~ ^-[0-9]+$ ]]; then
        status=${1#-}
        shift
    fi
    say "$*"
    exit "$status"
}

# Configures and builds a preset. Quiet; what the tools said is in build/PRESET.log and shown when they
# fail. The lock is for two scripts at a time: Ninja does not guard a build directory itself.
build_preset() { # PRESET [TARGET...]
    local preset=$1 log=$TOP/build/$1.log
    shift
    mkdir -p "$TOP/build" 2>/dev/null || :
    [ -w "$TOP/build" ] || die "cannot write to $TOP/build"
    (
        flock 8
        cd "$TOP"
        : >"$log"
        if [ ! -f "build/$preset/build.ninja" ]; then
            say "building $preset for the first time (a minute or two)"
            cmake --preset "$preset" >>"$log" 2>&1 || exit 1
        fi
        cmake --build --preset "$preset" ${1:+--target "$@"} >>"$log" 2>&1
    ) 8>"$TOP/build/$preset.lock" || {
        tail -n 60 "$log" >&2
        die "the build of $preset failed; the whole log is $log"
    }
}

# Encodes one argument for the boot arguments: init splits at spaces and takes %XX back. A lone % is
# the empty argument.
encode_argument() {
    local LC_ALL=C text=$1 out='' i byte code
    if [ -z "$text" ]; then
        printf '%%'
        return
    fi
    for ((i = 0; i < ${#text}; i++)); do
        byte=${text:i:1}
        printf -v code '%d' "'$byte"
        code=$((code & 255))
        if [ "$code" -le 32 ] || [ "$code" -ge 127 ] || [ "$byte" = % ]; then
            printf -v byte '%%%02X' "$code"
        fi
        out+=$byte
    done
    printf '%s' "$out"
}
