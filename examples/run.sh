#!/bin/sh
# Runs a Python script in the Python Executor, with curl and jq.
#
#   PYTHON_EXECUTOR_URL=http://localhost:8080 PYTHON_EXECUTOR_KEY=... examples/run.sh script.py
#
# Standard output is the result as JSON; standard error has the script's output and the error.
# Exit code 0: main() returned; 1: the script is at fault; 2: anything else.
set -eu

url=${PYTHON_EXECUTOR_URL:-http://localhost:8080}
if [ $# != 1 ]; then
    echo "usage: $0 script.py" >&2
    exit 2
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# In a file, because other users of the machine can read arguments.
if [ -n "${PYTHON_EXECUTOR_KEY:-}" ]; then
    printf 'header = "Authorization: Bearer %s"\n' "$PYTHON_EXECUTOR_KEY"
fi >"$work/settings"

if [ -d "$1" ]; then
    echo "$1 is a directory" >&2
    exit 2
fi
# jq reports on standard error why a file cannot be read.
jq --raw-input --slurp '{script: .}' "$1" >"$work/request" || exit 2

# --retry: when the service is busy (429, 503), curl waits as long as Retry-After says and tries again.
if ! head=$(
    curl --config "$work/settings" --no-progress-meter --max-time 60 --retry 5 \
        --header 'Content-Type: application/json' --data-binary "@$work/request" --output "$work/response" \
        --write-out '%{http_code} %header{x-error-kind} %header{x-request-id}' "$url/execute"
); then
    echo "no response from $url" >&2
    exit 2
fi
read -r status kind id <<END
$head
END

case "$status $kind" in
200*)
    jq --join-output .stdout "$work/response" >&2
    jq --compact-output .result "$work/response"
    ;;
400\ | 400\ invalid_request | [!4]* | 4[!0]* | 40[!0]*)
    # The request or the service is at fault, not the script, or a proxy in between has responded.
    echo "the status is $status ($kind, request $id): $(jq --raw-output .error "$work/response" 2>/dev/null)" >&2
    exit 2
    ;;
*)
    # syntax_error, exception, cpu_limit, memory_limit...
    jq --join-output '.stdout, .stderr' "$work/response" >&2
    echo "$kind: $(jq --raw-output .error "$work/response")" >&2
    exit 1
    ;;
esac
