# shellcheck shell=bash
# CBMC, the bounded model checker. Sourced, after common.sh and setup.sh.
# SPDX-License-Identifier: BSD-2-Clause
#
#   cbmc_find INSTALL      sets the array CBMC to the command; with INSTALL=1 gets it where it is missing
#
# Debian 12 has no package of it, and Debian 13's runs there: unpacked beside the libraries it was made
# for, in the cache, started by their loader. The machine's own packages stay as they are.

# Old ones know neither the options nor the C that is used here.
CBMC_OLDEST=5.95
# Its package, and those with the libraries it needs.
CBMC_TREE=(cbmc minisat libstdc++6 libgcc-s1 libc6 zlib1g)

cbmc_is_good() { # COMMAND...
    local version
    version=$("$@" --version 2>/dev/null) || return 1
    setup_at_least "${version%% *}" "$CBMC_OLDEST"
}

cbmc_use_tree() { # TREE: sets CBMC to what is unpacked there, if it runs
    local tree=$1 loader
    loader=$(find "$tree/lib64" "$tree/lib" "$tree/usr/lib64" "$tree/usr/lib" -maxdepth 2 -name 'ld-linux*.so.*' 2>/dev/null | sed -n '1p')
    [ -n "$loader" ] || return 1
    CBMC=("$loader" --library-path "$(dirname "$(find "$tree/usr/lib" -name 'libstdc++.so.6' | sed -n '1p')"):$tree/usr/lib" "$tree/usr/bin/cbmc")
    cbmc_is_good "${CBMC[@]}"
}

cbmc_find() { # INSTALL
    local tree=$CACHE/cbmc candidate
    CBMC=(cbmc)
    if command -v cbmc >/dev/null && cbmc_is_good cbmc; then return 0; fi
    if cbmc_use_tree "$tree"; then return 0; fi
    CBMC=(cbmc)
    setup_say "missing: CBMC $CBMC_OLDEST or newer, which proves the planner and the encoder (26 MB to get, 110 MB unpacked)"
    [ "$1" = 1 ] || return 2
    candidate=$(setup_candidate cbmc)
    if [ -n "$candidate" ] && setup_at_least "$candidate" "$CBMC_OLDEST"; then
        setup_can_be_root || { setup_say "not root and no sudo; please install as root: apt-get install cbmc"; return 2; }
        setup_apt_install cbmc
    elif [ "$(setup_release VERSION_CODENAME)" = bookworm ]; then
        setup_unpack bookworm trixie "$tree" "${CBMC_TREE[@]}" && cbmc_use_tree "$tree"
    else
        setup_say "this release's package sources have CBMC ${candidate:-not at all}"
        return 1
    fi
}
