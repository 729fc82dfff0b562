#!/bin/sh
# Plays the release of the README with cicdctl alone, as the steps of its pipelines would. The arguments say where:
#
#   release.sh                                a cluster to which this folder was applied
#   release.sh -n shop                        the same, in another namespace
#   release.sh -f deploy/samples/release      no cluster: the manifests themselves; the state goes into a folder
#
# It prints what it did, and ends with the state of both contexts. Each event has an id, so that a script that is run
# again fires none of them twice.
set -eu

say() { printf '\n==> %s\n' "$*"; }

say 'stage: the build starts'
run=17
cicdctl set "$@" shop-stage state.app.version=1.4.2 state.git.branch=main state.git.commit=4f9d2c7
cicdctl event "$@" shop-stage build=started --id "$run-started" --data-json run="$run" --wait

say 'stage: the build succeeds'
cicdctl set "$@" shop-stage state.build.digest=sha256:9b1f6a0c
cicdctl event "$@" shop-stage build=success --id "$run-success" --wait

# The CI system has answered with the number of the run that it started.
run=$(cicdctl get "$@" shop-stage state.deploy.run)
say "stage: the deployment, run $run"
cicdctl event "$@" shop-stage deploy=started --id "$run-started" --data-json run="$run" --wait
cicdctl event "$@" shop-stage deploy=success --id "$run-success" --data-json run="$run" --wait

run=$(cicdctl get "$@" shop-stage state.verify.run)
say "stage: the tests, run $run, fail, and succeed when they are repeated"
cicdctl event "$@" shop-stage verify=failure --id "$run-failure" --wait \
    --data-json run="$run" --data-json failed=2 --data-json 'cases=["checkout", "refund"]'
cicdctl event "$@" shop-stage verify=success --id "$run-success" --data-json run="$run" --wait
test "$(cicdctl get "$@" shop-stage state.release.status)" = verified

# What prod needs of stage goes through a file that a shell reads.
variables=$(mktemp)
trap 'rm -f "$variables"' EXIT
cicdctl load "$@" shop-stage state.app state.build.digest state.promotion --shell "$variables"
# shellcheck source=/dev/null
. "$variables"
run=$promotion_run
say "prod: the deployment, run $run"
cicdctl set "$@" shop-prod state.app.version="$app_version" state.build.digest="$build_digest"
cicdctl event "$@" shop-prod deploy=started --id "$run-started" --data-json run="$run" --wait
cicdctl event "$@" shop-prod deploy=success --id "$run-success" --data-json run="$run" --set state.deploy.replicas:=3 \
    --wait

run=$(cicdctl get "$@" shop-prod state.verify.run)
say "prod: the tests, run $run"
cicdctl event "$@" shop-prod verify=success --id "$run-success" --data-json run="$run" --wait

say 'what is known at the end'
for context in shop-stage shop-prod; do
    printf '%s: ' "$context"
    cicdctl get "$@" "$context" -o json
done
