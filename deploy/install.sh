#!/bin/sh
# Installs realign-edge from this folder on a machine without a network.
#
#   ./install.sh --key release.pub     install, or upgrade; run again after an interruption, it ends the same
#   ./install.sh rollback              back to the version before
#   ./install.sh uninstall [--purge]   remove the programs; with --purge, after a question, also data and settings
#
# Options: --root DIR (install below DIR, for images and tests), --python FILE, --yes (do not ask).
set -eu
umask 022

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
action=install root='' key='' python='' purge='' yes=''
user=realign-edge photos=realign-edge-photos
LC_ALL=C
export LC_ALL

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

while [ $# -gt 0 ]; do
    case $1 in
        install | rollback | uninstall) action=$1 ;;
        --key) key=$(realpath -- "${2:-}") && shift ;;
        --root) root=${2:-} && shift ;;
        --python) python=${2:-} && shift ;;
        --purge) purge=1 ;;
        --yes) yes=1 ;;
        -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0" && exit 0 ;;
        *) fail "unknown option $1" "see ./install.sh --help" ;;
    esac
    shift
done
root=${root%/}
trap ended EXIT
case $root in '' | /*) ;; *) root=$PWD/$root ;; esac
opt=$root/opt/realign-edge etc=$root/etc/realign-edge state=$root/var/lib/realign-edge
units=$root/etc/systemd/system wrapper=$root/usr/local/bin/realign-edge
# Nothing that lies where this is called from is taken for a part of it.
cd /
[ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "this must be run as root" "sudo $0 ..."

# --- What is believed -------------------------------------------------------------------------------------------------

verify() {
    cd "$here"
    for file in SHA256SUMS SHA256SUMS.sig bundle.json; do
        [ -f "$file" ] || fail "$here/$file is not there" "unpack the archive again, whole"
    done
    if [ -z "$key" ]; then
        key=$etc/release.pub
        [ -f "$key" ] || fail "no release key is known on this machine yet" \
            "add --key FILE: the release.pub that you were given, by another way than this archive"
    elif [ -f "$etc/release.pub" ] && ! cmp -s "$key" "$etc/release.pub"; then
        fail "$key is not the key that this machine was installed with" \
            "if the release key was renewed, remove $etc/release.pub first"
    fi
    command -v openssl >/dev/null || fail "openssl is not installed" "install it from the system's own media"
    openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig >/dev/null 2>&1 ||
        fail "the signature of $here is not by the key $key" "do not install it; ask whoever gave it to you"
    sha256sum --check --strict --quiet SHA256SUMS >/dev/null 2>&1 || {
        changed=$(sha256sum --check --quiet SHA256SUMS 2>/dev/null | head -n 3 | tr '\n' ' ')
        fail "files are not as they were signed: $changed" "copy the archive again, and unpack it into an empty folder"
    }
    # Every file is one of the list, and none is a link that leads elsewhere.
    listed=$(sed 's/^[0-9a-f]*  //' SHA256SUMS | sort)
    there=$(find . ! -type d | sed 's|^\./||' | grep -v -x -e SHA256SUMS -e SHA256SUMS.sig | sort)
    [ "$listed" = "$there" ] || fail "the folder holds files that were not signed" "unpack it into an empty folder"
    [ -z "$(find . -type l)" ] || fail "the folder holds links" "unpack the archive again, into an empty folder"
    say "signature and sums are right"
}

fact() { sed -n "s/^ \"$1\": \"\(.*\)\",\{0,1\}$/\1/p" "$here/bundle.json"; }

# --- The parts, each of which may be done again -----------------------------------------------------------------------

find_python() {
    wanted=$(fact python)
    for candidate in ${python:+"$python"} "python$wanted" python3; do
        if "$candidate" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$wanted')" 2>/dev/null; then
            python=$(command -v "$candidate")
            "$python" -c 'import venv' 2>/dev/null ||
                fail "$python has no venv module" "install python3-venv from the system's own media"
            return
        fi
    done
    fail "Python $wanted was not found" "install it from the system's own media, or name it with --python"
}

check_machine() {
    [ "$(uname -m)" = "$(fact machine)" ] ||
        fail "this archive is for $(fact machine), this machine is $(uname -m)" "take the archive for this machine"
    mkdir -p "$opt"
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
        attempt "the packages could not be installed" "the message above says which; is this Python $(fact python)?" \
            env PYTHONPATH="$pip" "$version/bin/python" -m pip install --quiet --disable-pip-version-check --no-index \
            --find-links "$here/wheels" "realign-edge[$(fact extras)]==$(fact version)"
        mkdir -p "$version/share"
        attempt "the documents could not be copied" "see the message above" cp -R "$here/doc" "$here/systemd" \
            "$here/licences" "$here/sbom.cdx.json" "$here/bundle.json" "$version/share/"
        "$version/bin/realign-edge" --version >/dev/null || fail "the program does not start" "see the message above"
        [ -n "$root" ] || as_user "$version/bin/realign-edge" --version >/dev/null 2>&1 ||
            fail "the user $user may not run $python" "use a Python that every user can reach: --python /usr/bin/python3"
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
        systemctl try-restart realign-edge-inspect.service realign-edge-maintain.timer
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
        run models add "$model" --quiet
    done
}

run() {
    if [ -n "$root" ]; then
        REALIGN_EDGE_HOME=$state REALIGN_EDGE_CONFIG=$etc/realign-edge.toml "$opt/current/bin/realign-edge" "$@"
    else
        "$wrapper" "$@"
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
    say ""
    say "realign-edge $(fact version) ($(fact role)) is installed. Next:"
    say "  1. edit ${etc#"$root"}/realign-edge.toml, then run this again: it allows the services what the file names"
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
        find_python
        check_machine
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
    rollback)
        doing="going back to the version before"
        before=$(readlink "$opt/previous" 2>/dev/null || true)
        [ -n "$before" ] && [ -f "$opt/$before/.complete" ] ||
            fail "there is no version before this one" "install the archive of the version that you want"
        now=$(readlink "$opt/current")
        links current "$before" previous "$now"
        put_units
        say "active: $before (before: $now)"
        ;;
    uninstall)
        doing="removing realign-edge"
        if [ -n "$purge" ] && [ -z "$yes" ]; then
            printf 'This deletes every verdict, run and setting in %s and %s. Type "purge": ' "$state" "$etc"
            read -r answer
            [ "$answer" = purge ] || fail "nothing was removed" "leave --purge out to keep the data"
        fi
        if [ -z "$root" ] && [ -d /run/systemd/system ]; then
            systemctl disable --now realign-edge-inspect.service realign-edge-maintain.timer 2>/dev/null || true
            systemctl stop 'realign-edge-align@*' 2>/dev/null || true
        fi
        rm -rf "$units"/realign-edge-* "$wrapper" "$opt"
        rm -f "$root/usr/lib/sysusers.d/realign-edge.conf" "$root/usr/lib/tmpfiles.d/realign-edge.conf"
        if [ -n "$purge" ]; then
            rm -rf "$state" "$etc"
            say "removed, with data and settings; photos in $root/srv/realign-edge were left"
        else
            say "removed; data stays in $state, settings in $etc"
        fi
        [ -n "$root" ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload
        ;;
esac
