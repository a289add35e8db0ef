#!/bin/sh
# Installs realign-edge from this folder on a machine without a network.
#
#   ./install.sh --key release.pub     install, or upgrade; run again after an interruption, it ends the same
#   ./install.sh services              let the services write where realign-edge.toml says, after it was changed
#   ./install.sh rollback              back to the version before
#   ./install.sh uninstall [--purge]   remove the programs; with --purge, after a question, also data and settings
#
# Options: --root DIR (install below DIR, for images and tests), --python FILE, --yes (do not ask). Once it is installed,
# /opt/realign-edge/current/share/install.sh does all but the first.
set -eu
umask 022

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
action=install root='' key='' python='' purge='' yes=''
user=realign-edge photos=realign-edge-photos
# What tools say is read below; people are spoken to in their own language at the end.
locale=${LC_ALL-}
LC_ALL=C
# `su` without `-` leaves these out, and users are made by what lies there.
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL PATH
# Neither the shell of whoever calls this nor a configuration of pip decides what is installed.
unset PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONUSERBASE
export PIP_CONFIG_FILE=/dev/null

say() { printf '%s\n' "$*"; }
fail() {
    told=1
    printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
    exit 1
}

# Whatever ends this early leaves nothing half-made behind, and is told in two lines.
told='' doing='reading what was asked for' version='' writing=''
ended() {
    code=$?
    trap - EXIT
    [ "$code" = 0 ] && exit 0
    [ -z "$version" ] || [ -f "$version/.complete" ] || rm -rf "$version"
    [ -z "$writing" ] || rm -f "$writing"
    rm -f "$opt/.current.tmp" "$opt/.previous.tmp"
    [ -n "$told" ] || printf 'error: stopped while %s: see the line above\nhint: %s\n' "$doing" \
        "if the disk is full, free some space; then run the same command again, it ends the same" >&2
    exit "$code"
}
interrupted() {
    told=1
    printf 'error: interrupted while %s\nhint: run the same command again, it goes on\n' "$doing" >&2
    exit "$1"
}

# `attempt WHAT HINT COMMAND...`: what it says is shown where it fails, and a full disk is told as one.
attempt() {
    what=$1 hint=$2
    shift 2
    said=$("$@" 2>&1) && return
    [ -z "$said" ] || printf '%s\n' "$said" >&2
    case $said in
        *'No space left on device'*) fail "no space left on the disk of $opt: $what" \
            "free some space (df -h, df -i), then run the same command again" ;;
        *) fail "$what" "$hint" ;;
    esac
}

absolute() { case $1 in '' | /*) printf '%s' "$1" ;; *) printf '%s/%s' "$PWD" "$1" ;; esac; }

while [ $# -gt 0 ]; do
    case $1 in
        install | services | rollback | uninstall) action=$1 ;;
        --key | --root | --python)
            [ -n "${2:-}" ] || fail "$1 needs a value" "see ./install.sh --help"
            case $1 in --key) key=$2 ;; --root) root=$2 ;; *) python=$2 ;; esac
            shift
            ;;
        --purge) purge=1 ;;
        --yes) yes=1 ;;
        -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0" && exit 0 ;;
        *) fail "unknown option $1" "see ./install.sh --help" ;;
    esac
    shift
done
key=$(absolute "$key") root=$(absolute "${root%/}")
case $python in */*) python=$(absolute "$python") ;; esac
opt=$root/opt/realign-edge etc=$root/etc/realign-edge state=$root/var/lib/realign-edge
units=$root/etc/systemd/system wrapper=$root/usr/local/bin/realign-edge
trap ended EXIT
trap 'interrupted 129' HUP
trap 'interrupted 130' INT
trap 'interrupted 143' TERM
# Nothing that lies where this is called from is taken for a part of it.
cd /
[ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "this must be run as root" "sudo $0 ..."

# --- What is believed -------------------------------------------------------------------------------------------------

check_key() {
    command -v openssl >/dev/null || fail "openssl is not installed" "install it from the system's own media"
    openssl pkeyutl -help 2>&1 | grep -q rawin ||
        fail "$(openssl version) is too old: it cannot check this signature" "3.0 or newer, from the system's own media"
    if [ -z "$key" ]; then
        key=$etc/release.pub
        [ -f "$key" ] || fail "no release key is known on this machine yet" \
            "add --key FILE: the release.pub that you were given, by another way than this archive"
    fi
    [ -f "$key" ] || fail "there is no key at $key" "name the release.pub that you were given: --key FILE"
    openssl pkey -pubin -in "$key" -noout 2>/dev/null ||
        fail "$key is no public key" "the file that is meant is release.pub; it begins with BEGIN PUBLIC KEY"
    [ ! -f "$etc/release.pub" ] || cmp -s "$key" "$etc/release.pub" ||
        fail "$key is not the key that this machine was installed with" \
            "if the release key was renewed, remove $etc/release.pub first"
}

verify() {
    cd "$here"
    for file in SHA256SUMS SHA256SUMS.sig bundle.json; do
        [ -f "$file" ] || fail "$here/$file is not there" "unpack the archive again, whole"
    done
    # Before anything is read: a pipe in the place of a file would be waited for.
    odd=$(find . ! -type d ! -type f | head -n 1)
    [ -z "$odd" ] || fail "the folder holds what is no plain file: $odd" "unpack the archive again, into an empty folder"
    check_key
    openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig >/dev/null 2>&1 ||
        fail "the signature of $here is not by the key $key" "do not install it; ask whoever gave it to you"
    sha256sum --check --strict --quiet SHA256SUMS >/dev/null 2>&1 || {
        changed=$(sha256sum --check --quiet SHA256SUMS 2>/dev/null | head -n 3 | tr '\n' ' ')
        fail "files are not as they were signed: $changed" "copy the archive again, and unpack it into an empty folder"
    }
    # Every file is one of the list.
    listed=$(sed 's/^[0-9a-f]*  //' SHA256SUMS | sort)
    there=$(find . ! -type d | sed 's|^\./||' | grep -v -x -e SHA256SUMS -e SHA256SUMS.sig | sort)
    [ "$listed" = "$there" ] || fail "the folder holds files that were not signed" "unpack it into an empty folder"
    say "signature and sums are right"
}

# `fact NAME [FILE]`: what an archive says of itself.
fact() { sed -n "s/^ \"$1\": \"\(.*\)\",\{0,1\}$/\1/p" "${2:-$here/bundle.json}"; }

# --- The parts, each of which may be done again -----------------------------------------------------------------------

find_python() {
    wanted=$(fact python) seen=''
    if [ -n "$python" ]; then set -- "$python"; else set -- "python$wanted" python3; fi
    for candidate in "$@"; do
        found=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
        if [ "$found" = "$wanted" ]; then
            python=$(command -v "$candidate")
            "$python" -c 'import venv' 2>/dev/null ||
                fail "$python has no venv module" "install python3-venv from the system's own media"
            return
        fi
        seen=" ($candidate is $found)"
    done
    fail "Python $wanted was not found$seen" "install it from the system's own media, or name it: --python FILE"
}

# `not_older WANTED HAVE`: of versions.
not_older() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

check_machine() {
    [ "$(uname -s) $(uname -m)" = "Linux $(fact machine)" ] ||
        fail "this archive is for Linux $(fact machine), this machine is $(uname -s) $(uname -m)" \
            "take the archive for this machine"
    libc=$(getconf GNU_LIBC_VERSION 2>/dev/null || echo "glibc 0, which is none")
    not_older "$(fact glibc)" "${libc#glibc }" ||
        fail "this archive needs glibc $(fact glibc) or newer, this system has $libc" \
            "build the archive on a system as old as this one"
    there=$(fact role "$opt/current/share/bundle.json" 2>/dev/null || true)
    [ -z "$there" ] || [ "$there" = "$(fact role)" ] ||
        fail "this machine is a $there, and the archive is for a $(fact role)" \
            "take the other archive; or uninstall first (the data stays)"
}

# The user's name may have been taken by a person, whose files the services would then read.
check_user() {
    [ -z "$root" ] || return 0
    lives=$(getent passwd "$user" | cut -d : -f 6)
    [ -z "$lives" ] || [ "$lives" = /var/lib/realign-edge ] ||
        fail "a user $user is here already, with the home $lives: not the one of the services" \
            "rename it (usermod --login NEW $user; groupmod --new-name NEW $user), then run this again"
}

# Each place is looked at before anything is changed in any.
check_places() {
    for place in "$opt" "$etc" "$state" "$units" "${wrapper%/*}" "$root/usr/lib/sysusers.d" "$root/usr/lib/tmpfiles.d"; do
        above=$place
        until [ -e "$above" ] || [ -L "$above" ]; do above=$(dirname "$above"); done
        [ -d "$above" ] || fail "$above is no folder" "move it away, then run this again"
        [ -w "$above" ] || fail "nothing can be written in $above" \
            "where its file system is mounted read-only: mount -o remount,rw; then run this again"
    done
}

# One at a time: the lock goes with the last process that holds it, however that ends.
alone() {
    mkdir -p "$root/opt"
    exec 9<"$root/opt"
    flock -n 9 || fail "another install.sh is at work in $opt" "wait until it has ended, then run this again"
}

check_room() {
    mkdir -p "$opt"
    case ,$(findmnt -n -o OPTIONS -T "$opt" 2>/dev/null), in
        *,noexec,*) fail "no program can run in $opt: its file system is mounted noexec" "mount it with exec" ;;
    esac
    free=$(df -Pm "$opt" | awk 'NR == 2 {print $4}')
    need=$(($(du -sm "$here" | cut -f 1) * 4 + 200))
    [ "$free" -ge "$need" ] || fail "only $free MB are free for $opt, $need are needed" "free some space"
}

make_user() {
    if [ -n "$root" ]; then
        say "user $user: made when the image starts (systemd-sysusers)"
    elif command -v systemd-sysusers >/dev/null; then
        systemd-sysusers - <"$here/systemd/realign-edge.sysusers.conf"
    else
        getent group "$photos" >/dev/null || groupadd --system "$photos"
        getent passwd "$user" >/dev/null ||
            useradd --system --home-dir /var/lib/realign-edge --shell /usr/sbin/nologin --user-group "$user"
        usermod --append --groups "$photos" "$user"
    fi
    mkdir -p "$root/usr/lib/sysusers.d" "$root/usr/lib/tmpfiles.d"
    put "$here/systemd/realign-edge.sysusers.conf" "$root/usr/lib/sysusers.d/realign-edge.conf"
    put "$here/systemd/realign-edge.tmpfiles.conf" "$root/usr/lib/tmpfiles.d/realign-edge.conf"
}

make_folders() {
    if [ -z "$root" ] && command -v systemd-tmpfiles >/dev/null; then
        systemd-tmpfiles --create /usr/lib/tmpfiles.d/realign-edge.conf
    else
        mkdir -p "$etc" "$state" "$root/srv/realign-edge/incoming" "$root/run/lock/realign-edge"
        chmod 0700 "$state"
        if [ -z "$root" ]; then
            : >>/run/lock/realign-edge/gpu.lock
            chmod 0666 /run/lock/realign-edge/gpu.lock
            chown "$user:$user" "$state"
            chown "$user:$photos" /srv/realign-edge /srv/realign-edge/incoming
            chmod 0750 /srv/realign-edge
            chmod 3770 /srv/realign-edge/incoming
        fi
    fi
    mkdir -p "$etc"
    [ -e "$etc/realign-edge.toml" ] || put "$here/etc/realign-edge.toml" "$etc/realign-edge.toml"
    put "$key" "$etc/release.pub"
}

as_user() { setpriv --reuid "$user" --regid "$user" --init-groups env HOME=/var/lib/realign-edge "$@"; }

# A file in place at once, whole, and only where it differs.
put() {
    cmp -s "$1" "$2" 2>/dev/null && return 0
    writing=$2.tmp
    cp "$1" "$writing"
    chmod 0644 "$writing"
    mv -f "$writing" "$2"
}

make_programs() {
    digest=$(sha256sum "$here/SHA256SUMS" | cut -c 1-12)
    version=$opt/$(fact version)-$digest
    if [ ! -f "$version/.complete" ]; then
        # What an interrupted installation left is made anew: the same at the end as if nothing had happened.
        rm -rf "$version"
        attempt "the environment could not be made" "see the message above; is this Python $(fact python)?" \
            "$python" -m venv --without-pip "$version"
        say "installing $(fact version) into ${version#"$root"} ..."
        pip=$(find "$here/wheels" -name 'pip-*.whl' | head -n 1)
        # A /tmp that is full, or that nothing may be run from, is no matter.
        mkdir -p "$version/.tmp" "$version/share"
        attempt "the packages could not be installed" "the message above says which; is this Python $(fact python)?" \
            env PYTHONPATH="$pip" TMPDIR="$version/.tmp" "$version/bin/python" -m pip --isolated install --quiet --disable-pip-version-check --no-index \
            --find-links "$here/wheels" "realign-edge[$(fact extras)]==$(fact version)"
        rm -rf "$version/.tmp"
        attempt "the documents could not be copied" "see the message above" cp -R "$here/doc" "$here/systemd" \
            "$here/licences" "$here/sbom.cdx.json" "$here/bundle.json" "$here/install.sh" "$version/share/"
        # Unpacked under a narrow umask they were root's alone.
        chmod -R u+rwX,go+rX "$version/share"
        "$version/bin/realign-edge" --version >/dev/null || fail "the program does not start" "see the message above"
        [ -n "$root" ] || as_user "$version/bin/realign-edge" --version >/dev/null 2>&1 ||
            fail "the user $user may not run $python" "use a Python that every user can reach: --python /usr/bin/python3"
        # A power cut must not leave the mark and lose what it stands for.
        sync -f "$version"
        : >"$version/.complete"
    fi
}

# `links NAME TARGET [NAME TARGET]`: each in one step, so that there is never no version; none where there is no room
# for both.
links() {
    rm -f "$opt/.current.tmp" "$opt/.previous.tmp"
    ln -s "$2" "$opt/.$1.tmp"
    [ $# = 2 ] || ln -s "$4" "$opt/.$3.tmp"
    mv -T "$opt/.$1.tmp" "$opt/$1"
    [ $# = 2 ] || mv -T "$opt/.$3.tmp" "$opt/$3"
}

switch() {
    now=$(readlink "$opt/current" 2>/dev/null || true)
    new=$(basename "$version")
    rm -f "$opt/.rollback"
    if [ -z "$now" ]; then
        links current "$new"
    elif [ "$now" != "$new" ]; then
        links previous "$now" current "$new"
    fi
    mkdir -p "$(dirname "$wrapper")"
    writing=$wrapper.tmp
    {
        say '#!/bin/sh'
        say '# Made by install.sh. For root it works with the state of the services, as their user.'
        # The variables are those of the script that is written.
        # shellcheck disable=SC2016
        say '[ "$(id -u)" = 0 ] || exec /opt/realign-edge/current/bin/realign-edge "$@"'
        # shellcheck disable=SC2016,SC1003
        say 'exec setpriv --reuid realign-edge --regid realign-edge --init-groups env HOME=/var/lib/realign-edge \'
        # shellcheck disable=SC2016
        say '    REALIGN_EDGE_HOME=/var/lib/realign-edge /opt/realign-edge/current/bin/realign-edge "$@"'
    } >"$wrapper.tmp"
    chmod 0755 "$wrapper.tmp"
    mv -f "$wrapper.tmp" "$wrapper"
}

put_units() {
    mkdir -p "$units"
    for unit in "$opt/current/share/systemd"/*.service "$opt/current/share/systemd"/*.timer; do
        put "$unit" "$units/$(basename "$unit")"
    done
    allow_writing
    if [ -z "$root" ] && [ -d /run/systemd/system ]; then
        systemctl daemon-reload
        systemctl try-restart realign-edge-inspect.service realign-edge-maintain.timer ||
            say "a service did not start again: journalctl -u realign-edge-inspect says why" >&2
    fi
}

# The units may write where the configuration says that photos are moved, and that backups go.
allow_writing() {
    places=$(REALIGN_EDGE_CONFIG=$etc/realign-edge.toml "$opt/current/bin/python" -I -m realign_edge.appliance.places) ||
        fail "$etc/realign-edge.toml has mistakes" "correct them (realign-edge config check), then run this again"
    for unit in realign-edge-inspect realign-edge-maintain; do
        lines=$(say "$places" | sed -n "s/^$unit //p")
        drop=$units/$unit.service.d
        if [ -n "$lines" ]; then
            mkdir -p "$drop"
            writing=$drop/places.conf.tmp
            { say "# Made by install.sh from realign-edge.toml."; say "[Service]"; say "$lines"; } >"$drop/places.conf.tmp"
            mv -f "$drop/places.conf.tmp" "$drop/places.conf"
        elif [ -f "$drop/places.conf" ]; then
            rm -f "$drop/places.conf"
            rmdir "$drop" 2>/dev/null || true
        fi
    done
}

add_models() {
    for model in "$here"/models/*/; do
        [ -d "$model" ] || continue
        [ -n "$root" ] || as_user test -r "${model}config.json" || fail "the user $user cannot read $model" \
            "unpack the archive where every user may read, such as /srv/install, and run it there"
        run models add "$model" --quiet
    done
}

run() {
    if [ -n "$root" ]; then
        LC_ALL=$locale REALIGN_EDGE_HOME=$state REALIGN_EDGE_CONFIG=$etc/realign-edge.toml "$opt/current/bin/realign-edge" "$@"
    else
        LC_ALL=$locale "$wrapper" "$@"
    fi
}

tidy() {
    # The current version and the one before stay; older ones go.
    for old in "$opt"/*/; do
        old=${old%/}
        name=$(basename "$old")
        [ -L "$old" ] || [ "$name" = "$(readlink "$opt/current")" ] ||
            [ "$name" = "$(readlink "$opt/previous" 2>/dev/null || true)" ] || rm -rf "$old"
    done
}

next_steps() {
    again=/opt/realign-edge/current/share/install.sh
    say ""
    if [ -n "$now" ] && [ "$now" != "$new" ]; then
        say "realign-edge $(fact version) ($(fact role)) is installed, in the place of $now; state and settings stayed."
        say "If it is worse than that one: $again rollback"
        return
    fi
    say "realign-edge $(fact version) ($(fact role)) is installed. Next:"
    say "  1. edit ${etc#"$root"}/realign-edge.toml, then let the services write where it says:"
    say "     $again services"
    if [ "$(fact role)" = station ]; then
        say "  2. realign-edge bundle install /media/usb/bundle --trust /media/usb/workstation.pub"
        say "  3. systemctl enable --now realign-edge-inspect.service realign-edge-maintain.timer"
    else
        say "  2. realign-edge align /srv/photos   (or systemctl start realign-edge-align@...)"
        say "  3. systemctl enable --now realign-edge-maintain.timer"
    fi
    say "The guide: /opt/realign-edge/current/share/doc/operations.md"
}

# --- What is asked for ------------------------------------------------------------------------------------------------

case $action in
    install)
        doing="checking this archive"
        verify
        check_machine
        find_python
        check_user
        check_places
        alone
        check_room
        doing="making the user and folders"
        make_user
        doing="putting the programs into $opt"
        make_programs
        doing="making folders and settings"
        make_folders
        doing="making the new version the current one"
        switch
        doing="putting the services into $units"
        put_units
        doing="adding the models"
        add_models
        tidy
        say ""
        run doctor || true
        next_steps
        ;;
    services)
        doing="putting the services into $units"
        [ -f "$opt/current/.complete" ] || fail "realign-edge is not installed in $opt" "./install.sh --key release.pub"
        check_places
        alone
        put_units
        say "the services may write where $etc/realign-edge.toml says"
        ;;
    rollback)
        doing="going back to the version before"
        check_places
        alone
        # What was meant is written down first: run again after an interruption, it does not go forth again.
        if [ -f "$opt/.rollback" ]; then
            read -r before now <"$opt/.rollback"
        else
            before=$(readlink "$opt/previous" 2>/dev/null || true)
            now=$(readlink "$opt/current" 2>/dev/null || true)
        fi
        [ -n "$before" ] && [ -f "$opt/$before/.complete" ] ||
            fail "there is no version before this one" "install the archive of the version that you want"
        writing=$opt/.rollback.tmp
        say "$before $now" >"$writing"
        mv -f "$writing" "$opt/.rollback"
        links current "$before" previous "$now"
        put_units
        rm -f "$opt/.rollback"
        say "active: $before (before: $now)"
        ;;
    uninstall)
        doing="removing realign-edge"
        check_places
        alone
        if [ -n "$purge" ] && [ -z "$yes" ]; then
            printf 'This deletes every verdict, run and setting in %s and %s. Type "purge": ' "$state" "$etc"
            read -r answer || answer=''
            [ "$answer" = purge ] || fail "nothing was removed" "leave --purge out to keep the data"
        fi
        [ -e "$opt" ] || say "realign-edge is not installed here; what may be left of it goes"
        if [ -z "$root" ] && [ -d /run/systemd/system ]; then
            systemctl disable --now realign-edge-inspect.service realign-edge-maintain.timer 2>/dev/null || true
            systemctl stop realign-edge-maintain.service 'realign-edge-align@*' 2>/dev/null || true
        fi
        rm -rf "$units"/realign-edge-* "$units"/*.wants/realign-edge-* "$wrapper" "$opt"
        rm -f "$root/usr/lib/sysusers.d/realign-edge.conf" "$root/usr/lib/tmpfiles.d/realign-edge.conf"
        rm -rf "$root/run/lock/realign-edge"
        if [ -n "$purge" ]; then
            rm -rf "$state" "$etc" "$root/var/cache/realign-edge"
            say "removed, with data and settings; photos in $root/srv/realign-edge were left"
        elif [ -e "$state" ] || [ -e "$etc" ]; then
            say "removed; data stays in $state, settings in $etc"
        fi
        [ -n "$root" ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload
        ;;
esac
