#!/bin/sh
# A workstation's alignment as a service of systemd, with a power cut; inside the machine of prove_boot.sh.
set -eu
# shellcheck source=boot_steps.sh
. /usr/local/sbin/proof-steps
photos=/srv/photos/line-1
unit=realign-edge-align@$(systemd-escape --path $photos).service
runs=/var/lib/realign-edge/runs
stage() { grep -h -o '"stage": *"[a-z]*"' $runs/latest/status.json 2>/dev/null | grep -o '[a-z]*"$' | tr -d '"' || true; }
trains() { [ "$(stage)" = train ]; }
ended() { case $(of "$unit" ActiveState) in inactive | failed) ;; *) return 1 ;; esac; }

case $(phase) in
    1)
        machine_is_up
        step "install"
        unpack archive
        began=$(date +%s)
        ./install.sh --key /stick/release.pub
        echo "installed in $(($(date +%s) - began)) s"
        mkdir -p $photos
        cp -r /stick/photos/. $photos
        chgrp -R realign-edge-photos $photos
        chmod -R u=rwX,g=rX,o= $photos

        step "the alignment starts"
        systemctl start "$unit"
        confined "$unit"
        ! nsenter -t "$(of "$unit" MainPID)" -m touch $photos/x 2>/dev/null || die "it may write to the photos"
        systemd-analyze security --no-pager "$unit" | tail -n 1
        until_so 900 trains
        step "the power goes in training"
        next_phase 2
        sync
        sleep 5
        cut_power
        ;;
    2)
        machine_is_up
        step "started again: it goes on"
        ls $runs
        systemctl start "$unit"
        until_so 1500 ended
        is "$(of "$unit" Result)" success "result of the alignment"
        is "$(find $runs -mindepth 1 -maxdepth 1 -type d | wc -l)" 1 "runs"
        journalctl -b --no-pager -o cat -u "$unit" | tail -n 12
        [ -f $runs/latest/adapter/adapter_model.safetensors ] || die "there is no adapter"
        [ -f $runs/latest/bundle/manifest.json ] || die "there is no bundle"
        step "a finished one does nothing"
        began=$(date +%s)
        systemctl start "$unit"
        until_so 300 ended
        is "$(find $runs -mindepth 1 -maxdepth 1 -type d | wc -l)" 1 "runs"
        echo "over after $(($(date +%s) - began)) s"
        realign-edge doctor || true
        passed "an alignment as a service, through a power cut"
        ;;
esac
