# What the proofs inside the machine share (deploy/prove_boot.sh); read by boot_station.sh and boot_workstation.sh.
# shellcheck shell=sh
# Where the script outside reads: a file in namespaces, else the serial line.
# A virtual machine without help of the processor is ten times slower.
if systemd-detect-virt --quiet --container; then
    exec >>/var/log/proof.txt 2>&1
    slow=1
else
    exec >/dev/console 2>&1
    slow=10
fi
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LANG=C.UTF-8 TERM=dumb
export PATH LANG TERM
done=''
trap 'if [ -z "$done" ]; then echo "PROOF FAILED: see the line above"; journalctl -b --no-pager -o cat -u "realign-edge*" | tail -n 40; systemctl poweroff --force --force; fi' EXIT

began_at=$(date +%s)
step() { printf '\n== %s s: %s\n' $(($(date +%s) - began_at)) "$*"; }
die() { echo "not so: $*"; exit 1; }
is() { [ "$1" = "$2" ] || die "$3: $1, not $2"; }
of() { systemctl show -P "$2" "$1"; }
# `until_so SECONDS COMMAND...`
until_so() {
    left=$(($1 * slow))
    shift
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || die "never came: $*"
        sleep 1
    done
}
phase() { cat /var/lib/proof 2>/dev/null || echo 1; }
# What follows is done after the next start.
next_phase() { echo "$1" >/var/lib/proof; sync; }
cut_power() { done=1; echo "CUT THE POWER"; sleep 600; }
passed() { done=1; echo; echo "PROOF PASSED: $*"; sync; systemctl poweroff --force --force; sleep 60; }

machine_is_up() {
    systemctl is-system-running --wait || systemctl --failed --no-pager
    is "$(cat /proc/1/comm)" systemd "the first process"
    is "$(ip -o link | grep -c .)" 1 "network devices, the loopback alone"
    echo "$(systemctl --version | head -n 1), kernel $(uname -r), $(nproc) processors, no network card"
}

# `confined UNIT`: what the kernel says of its process.
confined() {
    pid=$(of "$1" MainPID)
    is "$(ps -o user= -p "$pid" | tr -d ' ')" realign-edge "the user of $1"
    for fact in CapEff:0000000000000000 CapBnd:0000000000000000 NoNewPrivs:1 Seccomp:2; do
        is "$(awk -v name="${fact%%:*}:" '$1 == name {print $2}' "/proc/$pid/status")" "${fact#*:}" "${fact%%:*} of $1"
    done
    is "$(nsenter -t "$pid" -n ip -o link | grep -c .)" 1 "network devices of $1"
    ! nsenter -t "$pid" -m touch /etc/realign-edge/x /opt/realign-edge/x /usr/x 2>/dev/null || die "$1 may write to the system"
    nsenter -t "$pid" -m sh -c 'touch /var/lib/realign-edge/x && rm /var/lib/realign-edge/x' || die "$1 may not write its state"
    echo "$1: user realign-edge, no capability, system calls filtered, no network, system read-only"
}

unpack() {
    mkdir -p "/srv/$1"
    tar -xf "/stick/$1.tar.gz" -C "/srv/$1"
    cd "/srv/$1"/* || die "the archive holds no folder"
}
