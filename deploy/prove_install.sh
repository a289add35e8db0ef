#!/bin/sh
# Proof of the offline installation: on a copy-on-write copy of this machine, in an empty network namespace.
#
#   sudo deploy/prove_install.sh ARCHIVE RELEASE_KEY MODEL_BUNDLE WORKSTATION_KEY PHOTOS [KILLS]
#
# It installs the archive, KILLS times killing the installer (kill -9) at a moment of its time and running it again,
# then installs the model bundle, inspects the photos, does the upkeep, tries a changed archive, installs once more over
# the state, and uninstalls. Upgrade and rollback between two versions are in tests/unit/deploy/test_install.py.
# Nothing of this machine is changed: all of it goes with the namespace.
set -eu
[ "$(id -u)" = 0 ] || { echo "error: this must be run as root (it makes namespaces)" >&2; exit 2; }
[ $# -ge 5 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2; }

if [ -z "${REALIGN_EDGE_PROOF:-}" ]; then
    scratch=$(mktemp -d)
    mkdir "$scratch/given"
    cp -r "$1" "$scratch/given/archive.tar.gz"
    cp "$2" "$scratch/given/release.pub"
    cp -r "$3" "$scratch/given/bundle"
    cp "$4" "$scratch/given/workstation.pub"
    cp -r "$5" "$scratch/given/photos"
    chmod -R a+rX "$scratch/given"
    trap 'rm -rf "$scratch"' EXIT
    REALIGN_EDGE_PROOF=$scratch KILLS=${6:-5} unshare --mount --net --pid --fork sh "$(realpath "$0")" 1 2 3 4 5
    exit
fi

scratch=$REALIGN_EDGE_PROOF
mkdir "$scratch/layers"
mount -t tmpfs tmpfs "$scratch/layers"
mkdir "$scratch/layers/up" "$scratch/layers/work" "$scratch/layers/machine"
new=$scratch/layers/machine
mount -t overlay overlay -o "lowerdir=/,upperdir=$scratch/layers/up,workdir=$scratch/layers/work" "$new"
mount -t proc proc "$new/proc"
mount --bind /dev "$new/dev"
for folder in run tmp home root; do mount -t tmpfs tmpfs "$new/$folder"; done
mkdir -p "$new/run/lock" "$new/tmp/stick"
mount --bind "$scratch/given" "$new/tmp/stick"

cat >"$new/tmp/steps.sh" <<'STEPS'
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LANG=C.UTF-8
export PATH LANG
step() { printf '\n== %s\n' "$*"; }
state() { find /opt/realign-edge /etc/realign-edge /etc/systemd/system/realign-edge* -not -path '*__pycache__*' | sort | sha256sum; }

step "there is no network: $(wc -l </proc/net/route) line in the routing table (its head)"
mkdir /tmp/unpacked
tar -xf /tmp/stick/archive.tar.gz -C /tmp/unpacked
cd /tmp/unpacked/*
step "what is refused before anything is done"
# `refused WORDS COMMAND...`: it fails, says so, and has made nothing.
refused() {
    words=$1
    shift
    ! "$@" >/tmp/said 2>&1 || { echo "PROOF FAILED: not refused: $words"; exit 1; }
    grep "^error: .*$words" /tmp/said || { cat /tmp/said; echo "PROOF FAILED: other words than: $words"; exit 1; }
    [ ! -e /opt/realign-edge ] && [ ! -e /etc/realign-edge ] || { echo "PROOF FAILED: something was made"; exit 1; }
}
refused "must be run as root" setpriv --reuid 65534 --regid 65534 --clear-groups ./install.sh --key /tmp/stick/release.pub
useradd --create-home realign-edge
refused "a user realign-edge is here already" ./install.sh --key /tmp/stick/release.pub
userdel --remove realign-edge 2>/dev/null
step "install, from a place where no program may be run"
mount -o remount,noexec /tmp
began=$(date +%s)
sh ./install.sh --key /tmp/stick/release.pub
mount -o remount,exec /tmp
took=$(($(date +%s) - began))
wanted=$(state)
step "installed in $took s; killing the installer $KILLS times"
n=0
while [ "$n" -lt "$KILLS" ]; do
    ./install.sh uninstall --purge --yes >/dev/null
    setsid ./install.sh --key /tmp/stick/release.pub >/dev/null 2>&1 &
    sleep "$(awk "BEGIN { print $took * ($n + 0.5) / $KILLS }")"
    pkill -KILL -g $! 2>/dev/null || true
    wait $! 2>/dev/null || true
    ./install.sh --key /tmp/stick/release.pub >/dev/null
    [ "$(state)" = "$wanted" ] || { echo "PROOF FAILED: another end after kill $n"; exit 1; }
    n=$((n + 1))
done
echo "$KILLS kills: the same tree after each"
step "a bundle of models, photos, upkeep"
realign-edge bundle install /tmp/stick/bundle --trust /tmp/stick/workstation.pub
realign-edge inspect /tmp/stick/photos --quiet | tail -n 1
realign-edge maintain run
realign-edge doctor --quiet
rows=$(realign-edge results verify --json)
step "a changed archive, and the same one once more over the state"
cp -r . /tmp/newer && cd /tmp/newer
echo "changed" >>doc/README.md
! ./install.sh >/dev/null 2>&1 || { echo "PROOF FAILED: a changed file was installed"; exit 1; }
echo "a changed file is refused"
cd /tmp/unpacked/*
./install.sh >/dev/null
[ "$(realign-edge results verify --json)" = "$rows" ] || { echo "PROOF FAILED: verdicts changed"; exit 1; }
echo "installed again: the verdicts are as they were"
step "uninstall"
./install.sh uninstall
ls /var/lib/realign-edge
! command -v realign-edge
echo
echo "PROOF PASSED: $took s to install, $KILLS kills"
STEPS
chroot "$new" /usr/bin/env -i KILLS="$KILLS" TERM=dumb sh /tmp/steps.sh
