#!/bin/sh
# A station, from its archive to its end, on a machine that systemd runs; inside the machine of prove_boot.sh.
set -eu
# shellcheck source=boot_steps.sh
. /usr/local/sbin/proof-steps
unit=realign-edge-inspect.service
incoming=/srv/realign-edge/incoming
rows() { realign-edge results list --last 0 --json --quiet | grep -c '"kind": "inspection"' || true; }
names() {
    realign-edge results list --last 0 --json --quiet |
        python3 -c 'import json, sys; print(*(row["name"] for row in json.load(sys.stdin)["rows"]), sep="\n")'
}
active() { [ "$(of $unit ActiveState)" = active ]; }
watching() { [ "$(rows)" = "$1" ]; }
later_than() { [ "$(of $unit NRestarts)" -gt "$1" ] && active; }
# Somebody of the photos' group delivers them, and they are safe on the disk.
deliver() {
    for photo in "$@"; do setpriv --reuid camera --regid camera --init-groups cp "$photo" $incoming/; done
    sync
}

first() {
    step "install"
    unpack archive
    began=$(date +%s)
    ./install.sh --key /stick/release.pub
    echo "installed in $(($(date +%s) - began)) s"
    sed -i 's|^# folder = .*|folder = "/srv/realign-edge/incoming"\ndone = "done"|' /etc/realign-edge/realign-edge.toml
    ./install.sh >/dev/null
    realign-edge bundle install /stick/bundle --trust /stick/workstation.pub --quiet
    # So that the proof does not take five minutes for it.
    mkdir -p /etc/systemd/system/$unit.d
    watchdog=$((15 + 5 * slow))
    printf '[Service]\nWatchdogSec=%s\nRestartSec=2\n' $watchdog >/etc/systemd/system/$unit.d/proof.conf
    systemctl daemon-reload

    step "the service"
    systemctl enable --now $unit realign-edge-maintain.timer
    is "$(of $unit Type) $(of $unit ActiveState)/$(of $unit SubState)" "notify active/running" "$unit, after READY=1"
    echo "status: $(of $unit StatusText)"
    confined $unit
    systemd-analyze security --no-pager $unit | tail -n 1

    step "photos arrive"
    useradd --system --groups realign-edge-photos camera
    count=$(find /stick/photos -type f | wc -l)
    half=$((count / 2))
    began=$(date +%s)
    find /stick/photos -type f | sort | head -n 4 | while read -r photo; do deliver "$photo"; done
    until_so 120 watching 4
    echo "4 verdicts $(($(date +%s) - began)) s after the first delivery; status: $(of $unit StatusText)"
    is "$(find $incoming/done -type f | wc -l)" 4 "photos moved to done"

    step "the work loop hangs"
    is "$(of $unit NRestarts)" 0 "restarts so far"
    sleep $((watchdog + 5))
    active || die "the watchdog ended a service that works"
    echo "longer than the watchdog's $watchdog s without a photo: fed, still the same process"
    began=$(date +%s)
    kill -STOP "$(of $unit MainPID)"
    until_so 120 later_than 0
    echo "stopped by hand: systemd ended it and started another within $(($(date +%s) - began)) s"
    journalctl -b --no-pager -o cat -u $unit | grep -m 1 -i 'watchdog timeout'

    step "killed"
    kill -KILL "$(of $unit MainPID)"
    until_so 60 later_than 1
    realign-edge results verify --quiet

    step "the power goes while it works"
    find /stick/photos -type f | sort | sed -n "5,${half}p" | while read -r photo; do deliver "$photo"; done
    next_phase 2
    until_so 60 more_than 6
    cut_power
}

more_than() { [ "$(rows)" -ge "$1" ]; }

second() {
    step "the machine starts again"
    machine_is_up
    until_so 60 active
    echo "$unit is active, without being asked"
    photos=$(find /stick/photos -type f | sort | head -n $(($(find /stick/photos -type f | wc -l) / 2)) | wc -l)
    until_so 180 watching "$photos"
    realign-edge results verify
    is "$(names | sort | uniq -d | grep -c .)" 0 "photos with two rows"
    echo "$photos photos, a row each, none twice"

    if [ -f /stick/newer.tar.gz ]; then
        step "upgrade and rollback while it watches"
        before=$(readlink /opt/realign-edge/current)
        unpack newer
        ./install.sh >/dev/null
        [ "$(readlink /opt/realign-edge/current)" != "$before" ] || die "the version did not change"
        is "$(of $unit ActiveState)" active "$unit after the upgrade"
        uses "$(readlink /opt/realign-edge/current)"
        find /stick/photos -type f | sort | tail -n 1 | while read -r photo; do deliver "$photo"; done
        until_so 120 watching $((photos + 1))
        ./install.sh rollback
        is "$(readlink /opt/realign-edge/current)" "$before" "current after the rollback"
        is "$(of $unit ActiveState)" active "$unit after the rollback"
        uses "$before"
    fi

    step "the night"
    systemctl start realign-edge-maintain.service || die "the upkeep failed"
    is "$(of realign-edge-maintain.service Result)" success "result of the upkeep"
    journalctl -b --no-pager -o cat -u realign-edge-maintain.service | grep -v '^Start\|^Finish\|Consumed' | head -n 12
    systemctl list-timers --no-pager realign-edge-maintain.timer | sed -n 2p
    realign-edge doctor || true

    step "uninstall"
    cd /srv/archive/*
    ./install.sh uninstall
    ! systemctl cat $unit >/dev/null 2>&1 || die "the unit is still there"
    ! pgrep -u realign-edge >/dev/null || die "something of it still runs"
    [ -f /var/lib/realign-edge/results.sqlite ] || die "the verdicts are gone"
    passed "installed, watched, hung, killed, without power, upgraded, rolled back, looked after, removed"
}

# The running service is that of the version.
uses() {
    tr '\0' ' ' <"/proc/$(of $unit MainPID)/cmdline" | grep -q /opt/realign-edge || die "another program runs"
    grep -q "/opt/realign-edge/$1/" "/proc/$(of $unit MainPID)/maps" || die "$unit runs another version than $1"
    echo "$unit runs $1"
}

case $(phase) in
    1)
        machine_is_up
        first
        ;;
    2) second ;;
esac
