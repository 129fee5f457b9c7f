# shellcheck shell=bash
# The Raspberry Pi 4's device tree. Sourced, after common.sh and setup.sh.
# SPDX-License-Identifier: BSD-2-Clause
#
# Debian ships it only inside the arm64 kernel package. That package is downloaded through a private apt
# state (the machine's own keeps its architectures), one file is taken out of it, nothing is installed.

PI_DTB=$CACHE/bcm2711-rpi-4-b.dtb

pi_extract_dtb() { # WORK: leaves WORK/dtb
    local work=$1 codename source uri key package
    codename=$(setup_release VERSION_CODENAME)
    source=$(setup_base_sources "$codename" | sed -n '1p')
    [ -n "$source" ] || { say "no package source of this machine serves $codename main"; return 1; }
    uri=${source%%|*}
    key=${source#*|}
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
    : >"$work/status"
    printf 'deb [arch=arm64%s] %s %s main\n' "${key:+ signed-by=$key}" "$uri" "$codename" >"$work/sources.list"
    cat >"$work/apt.conf" <<END
Dir::State "$work"; Dir::State::lists "$work/lists"; Dir::State::status "$work/status";
Dir::Cache "$work/cache"; Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "/dev/null"; Dir::Etc::preferencesparts "/dev/null";
APT::Architecture "arm64"; APT::Architectures { "arm64"; }; Acquire::Languages "none";
APT::Sandbox::User "";
END
    APT_CONFIG=$work/apt.conf apt-get -q=2 update >"$work/log" 2>&1 || { tail -n 5 "$work/log" >&2; return 1; }
    package=$(APT_CONFIG=$work/apt.conf apt-cache depends linux-image-arm64 2>/dev/null |
        awk '$1 == "Depends:" && !found++ { print $2 }')
    [ -n "$package" ] || { say "no package linux-image-arm64 for $codename"; return 1; }
    (cd "$work" && APT_CONFIG=$work/apt.conf apt-get -q=2 download "$package" >"$work/log" 2>&1) ||
        { tail -n 5 "$work/log" >&2; return 1; }
    dpkg-deb --fsys-tarfile "$work/$package"_*.deb |
        tar -xOf - --wildcards '*/broadcom/bcm2711-rpi-4-b.dtb' >"$work/dtb"
    [ -s "$work/dtb" ]
}

# Leaves the device tree in PI_DTB, with the console on the PL011: that is the port QEMU puts first, and
# the one whose clock does not follow the core's.
pi_fetch_dtb() {
    [ -s "$PI_DTB" ] && return 0
    local work status=0
    work=$(mktemp -d)
    say "fetching the Raspberry Pi 4's device tree (28 KB, out of a kernel package of 60 to 100 MB; once)"
    if pi_extract_dtb "$work" && fdtput -t s "$work/dtb" /chosen stdout-path serial0:115200n8; then
        mkdir -p "$CACHE"
        mv "$work/dtb" "$PI_DTB.new"
        mv "$PI_DTB.new" "$PI_DTB"
    else
        status=1
    fi
    rm -rf "$work"
    return "$status"
}
