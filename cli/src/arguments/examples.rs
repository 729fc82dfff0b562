//! Examples at the end of each verb's help. The reference shows them too, and a test types them all, in this order.

pub(super) const INIT: &str = "\
Examples:
  cicdctl init shop-1.4.2 --base CicdBase/shop --cicd-context stage --set state.version=1.4.2
  cicdctl init shop-1.4.2 --if-exists=keep --ttl 7d";

pub(super) const GET: &str = "\
Examples:
  cicdctl get shop state.image
  cicdctl get shop state.image state.tests.passed
  cicdctl get shop state.reviewer --default nobody
  cicdctl get shop '$.state.suites[?@.ok == false].name' -o json";

pub(super) const SET: &str = "\
Examples:
  cicdctl set shop state.image=registry.example/shop:5 state.tests.passed:=128
  cicdctl set shop 'state.artifacts[]=shop.tar' 'state.zones{}:=[\"eu\", \"us\"]'
  cicdctl set shop state.phase=deploying --if state.phase=built --unset state.error";

pub(super) const UNSET: &str = "\
Examples:
  cicdctl unset shop state.tests.passed state.artifacts";

pub(super) const LOAD: &str = "\
Examples:
  cicdctl load shop --shell -
  cicdctl load shop state.tests --dotenv - --prefix TESTS_
  eval \"$(cicdctl load shop state.image --shell - --export)\"";

pub(super) const GENERATE: &str = "\
Examples:
  cicdctl generate shop build.tags";

pub(super) const EVENT: &str = "\
Examples:
  cicdctl event shop build=success --data run=17
  cicdctl event shop build=success --id 17 --wait --timeout 5m
  cicdctl event shop build=success --set state.image=registry.example/shop:6 --dry-run";

pub(super) const EVENTS: &str = "\
Examples:
  cicdctl events shop
  cicdctl events shop 17
  cicdctl events -o yaml";

pub(super) const EXPLAIN: &str = "\
Examples:
  cicdctl explain shop build=success
  cicdctl explain shop build=success --data run=17 -o json";

pub(super) const RENDER: &str = "\
Examples:
  cicdctl render shop 'built {{state.image}}'
  echo '{\"image\": \"shop:5\"}' | cicdctl render --data /dev/stdin 'built {{image}}'";

pub(super) const VALIDATE: &str = "\
Examples:
  cicdctl validate shop
  cicdctl validate -f deploy/samples/release";

pub(super) const TEST: &str = "\
Examples:
  cicdctl test -f deploy/samples/release deploy/samples/release/tests";

pub(super) const CONVERT: &str = "\
Examples:
  cicdctl convert --config config.yaml --secrets secrets.yaml --bases bases --app shop.yaml -o manifests";

pub(super) const REDELIVER: &str = "\
Examples:
  cicdctl redeliver shop 18
  cicdctl redeliver shop 19 tell --wait";

pub(super) const WAIT: &str = "\
Examples:
  cicdctl wait shop --for state.image --for condition=Ready --timeout 10m
  cicdctl wait shop --for state.phase=deploying --for event=17";

pub(super) const DELETE: &str = "\
Examples:
  cicdctl delete shop-1.4.2
  cicdctl delete shop-1.4.2 --ignore-not-found";

pub(super) const COPY_TO: &str = "\
Examples:
  cicdctl copy-to /tools";

pub(super) const VERSION: &str = "\
Examples:
  cicdctl version
  cicdctl version --server";

pub(super) const COMPLETION: &str = "\
Examples:
  cicdctl completion bash";
