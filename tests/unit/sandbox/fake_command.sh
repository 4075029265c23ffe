#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fake_command - a container engine's command that only keeps books, in the folder that it lies in
#
# calls: what it was called with, a line each; trouble: "N WORD", the call that goes wrong and how; containers/ID: what there
# is; events: what has happened. A container that is started has nobody inside: the test knocks at the door that was bound
# into it; and it echoes what it is told.
books=${0%/*}
printf '%s\n' "$*" >>"$books/calls"
number=$(($(wc -l <"$books/calls")))
read -r at trouble <"$books/trouble"
lost=
if [ "$number" = "$at" ]; then
        case $trouble in
                refuses) echo "Error: the test says so" >&2 && exit 125 ;;
                hangs) exec sleep 1000 ;;
                loses) lost=yes ;;
        esac
fi

fail() {
        echo "Error: $*" >&2
        exit 1
}

tell() {
        printf '{"Action":"%s","Actor":{"ID":"%s","Attributes":{"exitCode":"%s"}}}\n' "$1" "$2" "$3" >>"$books/events"
}

find_container() {
        for folder in "$books"/containers/*; do
                [ "${folder##*/}" != "$1" ] && [ "$(cat "$folder/name" 2>/dev/null)" != "$1" ] || return 0
        done
        fail "No such container: $1"
}

create() {
        [ ! -e "$books/no-image" ] || fail "No such image: sha256:1111"
        id=$(printf '%032x%032x' "$number" $$)
        folder=$books/containers/$id
        mkdir "$folder"
        labels=
        while [ $# -gt 0 ]; do
                case $1 in
                        --name) echo "$2" >"$folder/name" ;;
                        --label) labels="$labels${labels:+,}\"${2%%=*}\":\"${2#*=}\"" ;;
                        --env-file) cat "$2" >"$books/environment" ;;
                        --mount)
                                source=${2#*source=}
                                case $2 in
                                        *target=/lambent/link*) echo "${source%%\"*}" >"$folder/door" ;;
                                        *target=/lambent/init*) echo "${source%%\"*}" >"$folder/init" ;;
                                esac
                                ;;
                esac
                shift
        done
        echo "$labels" >"$folder/labels"
        [ -z "$lost" ] || kill -9 $$
        echo "a warning of no interest"
        echo "$id"
}

case "$1 $2" in
        --version*) echo "Docker version 1.0" ;;
        info*)
                printf '{"ServerVersion":"1.0","Architecture":"%s","OSType":"linux","KernelVersion":"%s"}\n' "$(uname -m)" "$(uname -r)"
                ;;
        context*) fail "there is no context" ;;
        network*) echo '[{"IPAM":{"Config":[{"Gateway":"172.17.0.1"}]}}]' ;;
        events*) exec tail -n +1 -f "$books/events" ;;
        image*)
                [ ! -e "$books/no-image" ] || fail "No such image: $5"
                machine=$(uname -m)
                [ "$machine" = x86_64 ] && machine=amd64 || machine=arm64
                printf '{"Id":"sha256:1111","Architecture":"%s","RepoDigests":[],"Config":{"Entrypoint":["/entry"]}}\n' $machine
                ;;
        pull*)
                [ ! -s "$books/no-image" ] || fail "$(cat "$books/no-image")"
                rm -f "$books/no-image"
                ;;
        ps*)
                for folder in "$books"/containers/*; do
                        [ ! -d "$folder" ] || printf '{"Id":"%s","Labels":{%s}}\n' "${folder##*/}" "$(cat "$folder/labels")"
                done
                ;;
        create*) create "$@" ;;
        container*)
                for id; do :; done
                find_container "$id"
                echo '[{"Id":"x"}]'
                ;;
        cp*)
                if [ "$2" = - ]; then
                        find_container "${3%%:*}"
                        cat >"$books/copied"
                else
                        find_container "${2%%:*}"
                        path=${2#*:/lambent/init}
                        [ -e "$(cat "$folder/init")$path" ] || fail "Could not find the file $path in container"
                fi
                ;;
        start*)
                for id; do :; done
                find_container "$id"
                [ -e "$books/silent" ] || tell start "${folder##*/}" 0
                touch "$folder/started"
                [ -z "$lost" ] || kill -9 $$
                [ "$2" != --attach ] || exec cat
                ;;
        kill*)
                for id; do :; done
                find_container "$id"
                ;;
        tag* | rmi*) ;;
        rm*)
                for id; do :; done
                if [ -e "$books/stubborn" ]; then
                        echo 'time="2026-01-01T00:00:00Z" level=error msg="1 errors:\\nit is being used"' >&2
                        exit 0
                fi
                find_container "$id"
                rm -r "$folder"
                tell destroy "${folder##*/}" 0
                ;;
        *) fail "unknown flag: $1" ;;
esac
[ -z "$lost" ] || kill -9 $$
