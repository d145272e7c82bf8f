#!/bin/sh
# Container entrypoint of the data product watcher: environment variables become flags, then the watcher takes this
# process's place, so that signals reach it. Arguments come after the variables and win; a first argument that is no
# flag is run as a command instead.
set -eu

if [ $# -gt 0 ]; then
    case $1 in
        -*) ;;
        *) exec "$@" ;;
    esac
fi

fail() {
    echo "entrypoint: $*" >&2
    exit 2
}

# yes NAME: whether the variable asks for something. Empty is no; what is neither yes nor no is a mistake.
yes() {
    eval "value=\${$1:-}"
    # shellcheck disable=SC2154 # set by eval
    case $(printf %s "$value" | tr '[:upper:]' '[:lower:]') in
        true | 1 | yes | y | on) return 0 ;;
        '' | false | 0 | no | n | off) return 1 ;;
        *) fail "$1 is '$value': write true or false" ;;
    esac
}

# A variable that is set and empty, as charts write those that nobody filled in, means the default.
for name in USER LOGLEVEL LOCATION_NAME LOCATION_TYPE LOCATION_COUNTRY LOCATION_CITY LOCATION_FACILITY \
    UID_EXPIRATION_DAYS OID_EXPIRATION_DAYS STAITHE_STATE_DIR STAITHE_SOCKET; do
    eval "value=\${$name:-}"
    [ -n "$value" ] || unset "$name"
done

[ -n "${DIRECTORY_TO_WATCH:-}" ] && set -- "--directory-to-watch=$DIRECTORY_TO_WATCH" "$@"
[ -n "${SOURCE_NAME:-}" ] && set -- "--source-name=$SOURCE_NAME" "$@"
[ -n "${SOURCE_ROOT:-}" ] && set -- "--source-root=$SOURCE_ROOT" "$@"
[ -n "${TARGET_NAME:-}" ] && set -- "--target-name=$TARGET_NAME" "$@"
[ -n "${INGEST_URL:-}" ] && set -- "--ingest-url=$INGEST_URL" "$@"
[ -n "${REQUEST_URL:-}" ] && set -- "--request-url=$REQUEST_URL" "$@"
[ -n "${STORAGE_URL:-}" ] && set -- "--storage-url=$STORAGE_URL" "$@"
[ -n "${MIGRATION_URL:-}" ] && set -- "--migration-url=$MIGRATION_URL" "$@"
[ -n "${WATCHER_HOSTNAME:-}" ] && set -- "--watcher-hostname=$WATCHER_HOSTNAME" "$@"
[ -n "${READINESS_PROBE_FILE:-}" ] && set -- "--readiness-probe-file=$READINESS_PROBE_FILE" "$@"
[ -n "${DIR_UPDATES_WAIT_TIME:-}" ] && set -- "--dir-updates-wait-time=$DIR_UPDATES_WAIT_TIME" "$@"
[ -n "${STATUS_FILE_FILENAME:-}" ] && set -- "--status-file-filename=$STATUS_FILE_FILENAME" "$@"
[ -n "${UID_EXPIRATION_DAYS:-}" ] && set -- "--uid-expiration-days=$UID_EXPIRATION_DAYS" "$@"
[ -n "${OID_EXPIRATION_DAYS:-}" ] && set -- "--oid-expiration-days=$OID_EXPIRATION_DAYS" "$@"
[ -n "${DLM_COMPAT:-}" ] && set -- "--dlm-compat=$DLM_COMPAT" "$@"
[ -n "${TOKEN_FILE:-}" ] && set -- "--token-file=$TOKEN_FILE" "$@"
[ -n "${CA_FILE:-}" ] && set -- "--ca-file=$CA_FILE" "$@"
yes INCLUDE_EXISTING && set -- --include-existing "$@"
yes SKIP_RCLONE_ACCESS_CHECK_ON_REGISTER && set -- --skip-rclone-access-check-on-register "$@"
yes USE_POLLING_WATCHER && set -- --use-polling-watcher "$@"
yes USE_STATUS_FILE && set -- --use-status-file "$@"
yes RELOAD_STATUS_FILE && set -- --reload-status-file "$@"
yes REGISTER_ONLY && set -- --register-only "$@"
yes DLM_STRICT && set -- --dlm-strict "$@"

# The owner is named, nothing below is touched, and only if asked for: the data is somebody's.
if [ -n "${CHOWN_DIRECTORY_TO_WATCH:-}" ] && [ -n "${DIRECTORY_TO_WATCH:-}" ]; then
    mkdir -p -- "$DIRECTORY_TO_WATCH"
    chown -- "$CHOWN_DIRECTORY_TO_WATCH" "$DIRECTORY_TO_WATCH"
fi

# The services fetch the data from here over sftp; where another sshd serves the same directory, none is needed.
if yes START_SSHD; then
    sshd=$(command -v sshd || echo /usr/sbin/sshd)
    [ -x "$sshd" ] || fail "START_SSHD is set, but there is no sshd in this image"
    ssh-keygen -A
    mkdir -p /run/sshd
    "$sshd"
fi

exec dlm-directory-watcher "$@"
