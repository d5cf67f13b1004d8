#!/bin/sh
# Machines are containers.
set -eu
rows='{{.ID}}	{{if eq .State "running" "created"}}running{{else}}ended{{end}}	{{.Label "gharun"}}'
case $1 in
launch)
    id=$(docker ps -aq --no-trunc --filter "name=^$GHARUN_NAME\$")
    [ -z "$id" ] || { echo "$id" && exit; } # the same name twice is one machine
    boot=$(mktemp) && trap 'rm -f "$boot"' EXIT && cat >"$boot"
    id=$(docker create --name "$GHARUN_NAME" --label "gharun=$GHARUN_TAGS" --network host "$GHARUN_SET_IMAGE" sh /boot)
    if docker cp -q "$boot" "$id:/boot" && docker start "$id" >/dev/null; then echo "$id"; else docker rm -f "$id" >/dev/null && exit 1; fi ;;
list)
    list=$(docker ps -a --no-trunc --filter label=gharun --format "$rows") # no pipe: it would hide a failure
    printf '%s\nend\n' "$list" ;;
terminate)
    ours=$(docker ps -aq --filter "id=$2" --filter label=gharun)
    [ -z "$ours" ] || docker rm -f "$2" >/dev/null ;;
logs) docker logs --tail 400 "$2" 2>&1 ;;
check) docker version --format 'daemon {{.Server.Version}}' ;;
*) exit 64 ;;
esac
