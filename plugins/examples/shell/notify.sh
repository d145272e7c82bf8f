#!/bin/sh
# A plugin in plain sh: appends a line for each file that was written and closed, or that arrived complete.
#
# The host promises that each message is one line and that "type", "seq" and "kind" stand first, in that order, so
# parameters can be cut out without a parser of JSON. The path stays as JSON writes it: a quote in it is \".
#
# Option: "file", where the lines go (standard: notify.log beside the manifest).

file=notify.log

# text NAME LINE: the text of a member, in $value.
text() {
    case $2 in
        *"\"$1\":\""*) ;;
        *) value=; return 1 ;;
    esac
    rest=${2#*"\"$1\":\""}
    value=
    while :; do
        part=${rest%%\"*}
        value=$value$part
        # An odd number of backslashes before it: the quote is part of the text.
        slashes=${part##*[!\\]}
        [ $((${#slashes} % 2)) -eq 1 ] || return 0
        rest=${rest#*\"} value=$value\"
    done
}

while IFS= read -r line; do
    case $line in
        '{"type":"hello"'*)
            printf '%s\n' '{"type":"hello","protocol":1,"name":"notify","version":"1.0","events":["close_write","complete"]}'
            ;;
        '{"type":"configure"'*)
            text file "$line" && file=$value
            ;;
        '{"type":"event"'*)
            seq=${line#'{"type":"event","seq":'}
            seq=${seq%%,*}
            text kind "$line" && kind=$value
            text path "$line" && path=$value
            if printf '%s %s\n' "$kind" "$path" >>"$file"; then
                printf '{"type":"ack","seq":%s}\n' "$seq"
            else
                printf '{"type":"error","seq":%s,"message":"cannot append to its file"}\n' "$seq"
            fi
            ;;
        '{"type":"bye"'*)
            exit 0
            ;;
    esac
done
