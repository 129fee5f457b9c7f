# shellcheck shell=bash
# Installing what is missing, from the machine's own package sources. Sourced by the scripts.
# SPDX-License-Identifier: BSD-2-Clause
#
#   setup_missing GROUP...            prints what is missing, one package a line
#   setup_groups INSTALL GROUP...     INSTALL=1: installs it; INSTALL=0: lists it and returns 2
#   setup_qemu_has MACHINE            whether the installed QEMU emulates MACHINE
#   setup_unpack CODENAME SUITE TREE PACKAGE...   unpacks another suite's packages in the folder TREE
#   setup_newer_qemu INSTALL          QEMU >= 9 for raspi4b, from backports where the release has an older one
#
# Nothing here pipes into a command that may end before its input does (grep -q, head): the writer then
# dies of SIGPIPE, and with pipefail a found line counts as not found, now and then.
#
# No mirror is named anywhere: the backports suite is derived from the source that serves the release
# itself, in a private directory, so that the machine's own configuration stays as it is.

SETUP_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

setup_say() { printf 'setup: %s\n' "$*" >&2; }

# One dpkg-query for all names: the usual case, nothing to do, costs some milliseconds.
setup_missing() {
    local group names=() package
    for group in "$@"; do
        while read -r package; do names+=("$package"); done < <(
            awk -v g="$group" '$1 == g { print $2 }' "$SETUP_DIR/packages.txt")
    done
    local have
    # dpkg-query fails when it does not know one of the names; that is an answer here, not an error.
    have=$({ dpkg-query -W -f='${Package} ${db:Status-Status}\n' "${names[@]}" 2>/dev/null || :; } |
        awk '$2 == "installed" { print $1 }')
    for package in "${names[@]}"; do
        grep -qxF -- "$package" <<<"$have" || printf '%s\n' "$package"
    done
}

setup_explain() { # PACKAGE...: name, size and purpose of each
    local package
    for package in "$@"; do
        awk -v p="$package" '$2 == p { n = $3; why = $4
            for (i = 5; i <= NF; i++) why = why " " $i
            printf "  %-24s about %4d MB  %s\n", p, n, why }' "$SETUP_DIR/packages.txt" >&2
    done
}

# Becomes root for one command, or says that it cannot.
setup_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        setup_say "not root and no sudo; please run as root: $*"
        return 2
    fi
}

setup_can_be_root() { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }

setup_apt_install() { # APT-OPTION... PACKAGE...
    local log status=0
    log=$(mktemp)
    setup_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" \
        </dev/null >"$log" 2>&1 || status=$?
    if [ "$status" -ne 0 ]; then
        tail -n 30 "$log" >&2
        setup_say "apt-get install failed ($status)"
    fi
    rm -f "$log"
    return "$status"
}

# The sizes that apt itself computes: "Need to get ...", "After this operation ...".
setup_apt_sizes() {
    LC_ALL=C apt-get install -s -o APT::Get::Show-User-Simulation-Note=false --no-install-recommends "$@" 2>/dev/null |
        awk '/^Inst /{ n++ } END { if (n) printf "  apt installs %d packages in all\n", n }' >&2
    LC_ALL=C apt-get install --assume-no --no-install-recommends "$@" 2>/dev/null </dev/null |
        grep -E '^(Need to get|After this operation)' | sed 's/^/  /' >&2 || return 0
}

setup_update() {
    local log status=0
    log=$(mktemp)
    setup_root apt-get -q update </dev/null >"$log" 2>&1 || status=$?
    [ "$status" -eq 0 ] || tail -n 20 "$log" >&2
    rm -f "$log"
    return "$status"
}

setup_groups() { # INSTALL GROUP...
    local install=$1 missing
    shift
    mapfile -t missing < <(setup_missing "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    setup_say "missing:"
    setup_explain "${missing[@]}"
    if [ "$install" = 0 ]; then
        return 2
    fi
    if ! setup_can_be_root; then
        setup_say "not root and no sudo; please install as root: apt-get install --no-install-recommends ${missing[*]}"
        return 2
    fi
    setup_update || return
    local package known=()
    for package in "${missing[@]}"; do
        if apt-cache show "$package" >/dev/null 2>&1; then
            known+=("$package")
        else
            setup_say "$package is not in this machine's package sources"
        fi
    done
    [ ${#known[@]} -gt 0 ] || return 1
    setup_apt_sizes "${known[@]}"
    setup_say "installing"
    setup_apt_install "${known[@]}" && [ ${#known[@]} -eq ${#missing[@]} ]
}

setup_qemu_has() {
    command -v qemu-system-aarch64 >/dev/null || return 1
    qemu-system-aarch64 -M help 2>/dev/null | grep "^$1 " >/dev/null
}

# Prints "URI|SIGNED-BY" of every source that serves the release's main component; SIGNED-BY may be
# empty. Reads one-line (.list) and deb822 (.sources) files.
setup_base_sources() { # CODENAME
    local files
    # SETUP_APT: another place to look, for the tests of this function.
    mapfile -t files < <(find "${SETUP_APT:-/etc/apt}" -maxdepth 2 -type f \
        \( -name '*.list' -o -name '*.sources' \) 2>/dev/null)
    awk -v suite="$1" '
        function flush() {
            if (deb && enabled && index(suites, " " suite " ") && index(components, " main ")) print uri "|" key
            deb = 0; enabled = 1; suites = components = uri = key = ""
        }
        FNR == 1 { if (NR > 1 && deb822) flush(); deb822 = FILENAME ~ /\.sources$/; enabled = 1; deb = 0 }
        /^[ \t]*#/ { next }
        !deb822 && $1 == "deb" {
            key = ""; i = 2
            if ($2 ~ /^\[/) {
                for (; i <= NF; i++) {
                    if ($i ~ /signed-by=/) { key = $i; sub(/.*signed-by=/, "", key); sub(/\].*/, "", key) }
                    if ($i ~ /\]$/) { i++; break }
                }
            }
            if ($(i + 1) == suite && index($0 " ", " main ")) print $i "|" key
            next
        }
        deb822 && /^[ \t]*$/ { flush(); next }
        deb822 {
            name = tolower($1); value = $0; sub(/^[^:]*:[ \t]*/, "", value)
            if (name == "types:") deb = index(" " value " ", " deb ") > 0
            else if (name == "enabled:") enabled = value !~ /^[Nn]o/
            else if (name == "uris:") { split(value, parts, " "); uri = parts[1] }
            else if (name == "suites:") suites = " " value " "
            else if (name == "components:") components = " " value " "
            else if (name == "signed-by:") key = value
        }
        END { if (deb822) flush() }
    ' ${files[@]+"${files[@]}"} /dev/null
}

setup_release() { # prints one field of os-release: ID, VERSION_CODENAME
    # shellcheck disable=SC1091
    (. /etc/os-release && eval "printf '%s\n' \"\${$1:-}\"")
}

setup_candidate() { # APT-OPTION... PACKAGE: the upstream part of the candidate's version
    LC_ALL=C apt-cache policy "$@" 2>/dev/null |
        sed -n 's/^ *Candidate: *//p' | sed 's/^[0-9]*://; s/[^0-9.].*//'
}

setup_at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | sed -n '1p')" = "$2" ]; }

# Installs from CODENAME-backports, in a private copy of the sources with that suite added.
setup_from_backports() { # CODENAME PACKAGE...
    local codename=$1 source uri key private status=0
    shift
    source=$(setup_base_sources "$codename" | sed -n '1p')
    if [ -z "$source" ]; then
        setup_say "no package source of this machine serves $codename main"
        return 1
    fi
    uri=${source%%|*}
    key=${source#*|}
    private=$(mktemp -d)
    chmod 755 "$private"
    mkdir -p "$private/parts" "$private/lists/partial"
    cp /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources "$private/parts/" 2>/dev/null || true
    printf 'deb %s%s %s-backports main\n' "${key:+[signed-by=$key] }" "$uri" "$codename" >"$private/parts/sheaf-backports.list"
    local options=(-o "Dir::Etc::sourceparts=$private/parts" -o "Dir::State::lists=$private/lists")
    if setup_root apt-get "${options[@]}" -q update </dev/null >"$private/log" 2>&1 &&
        apt-cache "${options[@]}" policy "$1" | grep "$codename-backports" >/dev/null; then
        setup_apt_sizes "${options[@]}" -t "$codename-backports" "$@"
        setup_apt_install "${options[@]}" -t "$codename-backports" "$@" || status=$?
    else
        setup_say "the suite $codename-backports is not available from this machine's package sources"
        status=1
    fi
    setup_root rm -rf "$private"
    return "$status"
}

# From the mirror that serves CODENAME. Nothing is installed, so it needs no root.
setup_unpack() { # CODENAME SUITE TREE PACKAGE...
    local codename=$1 suite=$2 tree=$3 source uri key private status=0 package
    shift 3
    source=$(setup_base_sources "$codename" | sed -n '1p')
    if [ -z "$source" ]; then
        setup_say "no package source of this machine serves $codename main"
        return 1
    fi
    uri=${source%%|*}
    key=${source#*|}
    private=$(mktemp -d)
    mkdir -p "$private/parts" "$private/lists/partial" "$private/cache/archives/partial" "$private/packages" "$private/tree"
    : >"$private/status"
    printf 'deb %s%s %s main\n' "${key:+[signed-by=$key] }" "$uri" "$suite" >"$private/parts/$suite.list"
    local options=(-o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$private/parts" -o "Dir::State::lists=$private/lists"
        -o "Dir::State::status=$private/status" -o "Dir::Cache=$private/cache" -o APT::Sandbox::User=)
    setup_say "getting $* of $suite"
    if apt-get "${options[@]}" -q update </dev/null >"$private/log" 2>&1 &&
        (cd "$private/packages" && apt-get "${options[@]}" -q download "$@") </dev/null >>"$private/log" 2>&1; then
        for package in "$private"/packages/*.deb; do
            dpkg-deb -x "$package" "$private/tree" || status=$?
        done
        # Whole or not at all: who is interrupted here finds nothing next time.
        if [ "$status" = 0 ]; then
            rm -rf "$tree"
            mkdir -p "$(dirname "$tree")"
            mv "$private/tree" "$tree"
        fi
    else
        tail -n 20 "$private/log" >&2
        setup_say "the suite $suite is not available from this machine's package sources"
        status=1
    fi
    rm -rf "$private"
    return "$status"
}

setup_newer_qemu() { # INSTALL
    setup_qemu_has raspi4b && return 0
    setup_say "QEMU 9 or newer is needed for its machine raspi4b (about 150 MB, replaces the installed one)"
    [ "$1" = 1 ] || return 2
    setup_can_be_root || return 2
    local candidate codename
    codename=$(setup_release VERSION_CODENAME)
    candidate=$(setup_candidate qemu-system-arm)
    if [ -n "$candidate" ] && setup_at_least "$candidate" 9.0; then
        setup_apt_install qemu-system-arm
    elif [ "$(setup_release ID)" = debian ]; then
        setup_from_backports "$codename" qemu-system-arm
    else
        setup_say "this release has QEMU ${candidate:-none}; no newer one in its package sources"
        return 1
    fi
}
