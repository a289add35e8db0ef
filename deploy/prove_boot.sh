#!/bin/sh
# Proof that the services run: a Debian without a network boots, and systemd is its first process.
#
#   sudo deploy/prove_boot.sh ARCHIVE RELEASE_KEY PHOTOS [MODEL_BUNDLE WORKSTATION_KEY [NEWER_ARCHIVE]]
#
# With a model bundle the archive is a station's: it is installed, inspects photos as a service, is stopped by the
# watchdog, loses its power in the middle of its work, comes back by itself, is upgraded to the newer archive, rolled
# back, looked after at night, and uninstalled. Without one it is a workstation's: an alignment runs as a service, loses
# its power, and is started again.
#
# SYSTEM=DIR: the Debian that boots; made there by debootstrap where it is not. MIRROR=URL: where its packages are taken
# from, else debootstrap's own.
# ENGINE=nspawn: in namespaces of this machine; ENGINE=qemu: in a virtual machine with a kernel and a disk of its own.
# Nothing of this machine is changed.
set -eu
here=$(dirname "$(realpath "$0")")
[ "$(id -u)" = 0 ] || { echo "error: this must be run as root (it makes a file system)" >&2; exit 2; }
[ $# -ge 3 ] || { sed -n '2,15s/^# \{0,1\}//p' "$0"; exit 2; }
engine=${ENGINE:-nspawn}
case $engine in
    nspawn) tools="debootstrap systemd-nspawn" ;;
    qemu) tools="debootstrap qemu-system-x86_64 mke2fs" ;;
    *) echo "error: ENGINE is nspawn or qemu" >&2; exit 2 ;;
esac
for tool in $tools; do
    command -v "$tool" >/dev/null || {
        echo "error: $tool is not installed" >&2
        echo "hint: Debian, Ubuntu: apt-get install debootstrap systemd-container qemu-system-x86 e2fsprogs" >&2
        exit 2
    }
done

scratch=$(mktemp -d)
machine=''
trap '[ -z "$machine" ] || power_off; rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP
system=${SYSTEM:-$scratch/system}
if [ ! -f "$system/.whole" ]; then
    echo "making a Debian in $system ..."
    debootstrap --variant=minbase --include=systemd,systemd-sysv,udev,dbus,python3,openssl,linux-image-cloud-amd64,initramfs-tools,iproute2,procps \
        bookworm "$system" ${MIRROR:+"$MIRROR"} >"$scratch/said" || { tail -n 5 "$scratch/said" >&2; exit 1; }
    ! mountpoint -q "$system/proc" || umount "$system/proc"
    : >"$system/.whole"
fi

role=station
[ $# -ge 4 ] || role=workstation
mkdir -p "$scratch/upper/stick" "$scratch/upper/etc/systemd/system/multi-user.target.wants" "$scratch/upper/usr/local/sbin"
cp "$1" "$scratch/upper/stick/archive.tar.gz"
cp "$2" "$scratch/upper/stick/release.pub"
cp -r "$3" "$scratch/upper/stick/photos"
[ $# -lt 5 ] || { cp -r "$4" "$scratch/upper/stick/bundle"; cp "$5" "$scratch/upper/stick/workstation.pub"; }
[ $# -lt 6 ] || cp "$6" "$scratch/upper/stick/newer.tar.gz"
cp "$here/boot_$role.sh" "$scratch/upper/usr/local/sbin/proof"
cp "$here/boot_steps.sh" "$scratch/upper/usr/local/sbin/proof-steps"
chmod -R a+rX "$scratch/upper"
chmod 0755 "$scratch/upper/usr/local/sbin/proof"
cat >"$scratch/upper/etc/systemd/system/proof.service" <<'UNIT'
[Unit]
After=local-fs.target
[Service]
Type=exec
ExecStart=/bin/sh /usr/local/sbin/proof
StandardOutput=journal
UNIT
ln -s ../proof.service "$scratch/upper/etc/systemd/system/multi-user.target.wants/proof.service"

# The machine: the system, and over it what was given.
mkdir "$scratch/machine"
cp -a "$system/." "$scratch/machine/"
cp -a "$scratch/upper/." "$scratch/machine/"
rm -rf "$scratch/upper"
if [ "$engine" = qemu ]; then
    cp "$(find "$scratch/machine/boot" -name 'vmlinuz-*' | sort | tail -n 1)" "$scratch/kernel"
    cp "$(find "$scratch/machine/boot" -name 'initrd.img-*' | sort | tail -n 1)" "$scratch/initrd"
    truncate -s "${DISK:-12G}" "$scratch/disk"
    mke2fs -q -t ext4 -d "$scratch/machine" "$scratch/disk"
    rm -rf "$scratch/machine"
fi

console=$scratch/console
[ "$engine" = qemu ] || console=$scratch/machine/var/log/proof.txt

# Without a card, and without the mirror and the clock of this machine; what it says comes to a file.
start() {
    if [ "$engine" = nspawn ]; then
        systemd-nspawn --quiet --directory "$scratch/machine" --machine realign-proof --private-network --register=no \
            --keep-unit --resolv-conf=off --timezone=off --console=pipe --boot systemd.show_status=no \
            systemd.mask=console-getty.service </dev/null >"$scratch/said" 2>&1 &
    else
        qemu-system-x86_64 -machine accel=tcg -cpu max -smp "${CPUS:-2}" -m "${MEMORY:-4096}" -nic none -no-reboot \
            -display none -monitor none -serial "file:$console" -kernel "$scratch/kernel" \
            -initrd "$scratch/initrd" -drive "file=$scratch/disk,format=raw,if=virtio,cache=none" \
            -append "root=/dev/vda rw console=ttyS0 quiet systemd.show_status=no systemd.mask=serial-getty@ttyS0.service" \
            2>"$scratch/qemu" &
    fi
    machine=$!
}

# Everything in it ends at once. In namespaces its first process does it, and takes the others along.
power_off() {
    inside=$(pgrep -P "$machine" || true)
    # shellcheck disable=SC2086
    kill -KILL "$machine" $inside 2>/dev/null || true
    for process in $inside; do
        while [ -d "/proc/$process" ]; do sleep 0.1; done
    done
}

# Until it switches itself off, or asks for its power to be cut.
boot() {
    : >"$console"
    start
    shown=0
    while kill -0 "$machine" 2>/dev/null; do
        sleep 0.2
        ! grep -q '^CUT THE POWER' "$console" || power_off
        lines=$(wc -l <"$console")
        [ "$lines" = "$shown" ] || sed -n "$((shown + 1)),${lines}p" "$console" | tr -d '\r'
        shown=$lines
    done
    wait "$machine" 2>/dev/null || true
    machine=''
    sed -n "$((shown + 1)),\$p" "$console" | tr -d '\r'
}

for n in 1 2 3; do
    echo "== start $n ($engine)"
    boot
    ! grep -q '^PROOF FAILED' "$console" || exit 1
    ! grep -q '^PROOF PASSED' "$console" || exit 0
    grep -q '^CUT THE POWER' "$console" || break
done
echo "PROOF FAILED: the machine ended without a word (see above)" >&2
exit 1
