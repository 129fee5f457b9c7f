# shellcheck shell=bash
# Boot media, made without root and without mounting anything. Sourced.
# SPDX-License-Identifier: BSD-2-Clause

# RAM disk: a cpio archive (newc) of all files in DIRECTORY.
make_ramdisk() { # OUT DIRECTORY
    (cd "$2" && find . -mindepth 1 -maxdepth 1 -type f -printf '%P\n' | LC_ALL=C sort |
        cpio --create --format=newc --owner=0:0 --reproducible --quiet) >"$1"
}

disk_le32() { # NUMBER as the escapes of four bytes, lowest first
    printf '\\x%02x\\x%02x\\x%02x\\x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255))
}

# A disk with one active FAT32 partition from 1 MiB on, holding FILEs under their base names. The
# partition table is 16 bytes and a signature, so it is written here; mkfs.fat formats in place.
make_disk() { # OUT FILE...
    local out=$1 file bytes=0 mib sectors
    shift
    for file in "$@"; do bytes=$((bytes + $(stat -c %s "$file"))); done
    mib=$((bytes / 1048576 + 8))
    [ "$mib" -ge 48 ] || mib=48 # mkfs.fat refuses FAT32 below about 33 MiB
    sectors=$(((mib - 1) * 2048))
    rm -f "$out"
    truncate -s "${mib}M" "$out"
    # status active, type 0x0c (FAT32, LBA), CHS fields unused, first sector, number of sectors
    printf '%b' "\\x80\\xfe\\xff\\xff\\x0c\\xfe\\xff\\xff$(disk_le32 2048)$(disk_le32 $sectors)" |
        dd of="$out" bs=1 seek=446 conv=notrunc status=none
    printf '\x55\xaa' | dd of="$out" bs=1 seek=510 conv=notrunc status=none
    PATH=$PATH:/sbin:/usr/sbin mkfs.fat -F 32 -n SHEAF --offset 2048 "$out" $((sectors / 2)) >/dev/null
    MTOOLS_SKIP_CHECK=1 mcopy -o -i "$out@@1M" "$@" ::
}

# The second flash bank of QEMU's virt machine, where U-Boot keeps its environment. A stored environment
# replaces the whole built-in one: no boot delay, no search of the network, one way to boot.
make_uboot_flash() { # OUT BOOTARGS
    local text
    text=$(mktemp)
    cat >"$text" <<END
bootdelay=0
fdt_addr=0x40000000
kernel_addr_r=0x40400000
ramdisk_addr_r=0x44000000
initrd_high=0xffffffffffffffff
bootargs=$2
bootcmd=virtio scan; load virtio 0:1 \${kernel_addr_r} sheaf.img && load virtio 0:1 \${ramdisk_addr_r} ramdisk.cpio && booti \${kernel_addr_r} \${ramdisk_addr_r}:\${filesize} \${fdtcontroladdr}
END
    mkenvimage -s 0x40000 -o "$1" "$text"
    rm -f "$text"
    truncate -s 64M "$1"
}
