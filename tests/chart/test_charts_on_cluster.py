"""The rendered objects on a real API server, in a namespace that enforces restricted pods."""

import json
import re
import shlex

import pytest

from ibgateway_charts import kubernetes
from ibgateway_charts.generated import CRD, GATEWAY_CHART, OPERATOR_CHART
from ibgateway_charts.rendering import Helm, Manifest, Release, Values
from ibgateway_cluster import Cluster
from ibgateway_cluster.errors import CommandError
from ibgateway_stage.waiting import until

pytestmark = pytest.mark.cluster

OPERATOR = "first-ibgateway-operator"


@pytest.fixture(scope="module", autouse=True)
def resource(cluster: Cluster) -> None:
    """The resource of this checkout, known to the API server."""
    cluster.kubectl(
        "apply", "--server-side", "--force-conflicts", "--field-manager=tests", f"-f={CRD}"
    )
    cluster.kubectl("wait", "--for=condition=Established", "crd/ibgateways.ibgateway.dev")


@pytest.fixture(scope="module")
def place(cluster: Cluster, namespace: str) -> str:
    """The module's namespace, with the strictest pod security enforced."""
    label = "pod-security.kubernetes.io/enforce=restricted"
    cluster.kubectl("label", f"namespace/{namespace}", label)
    return namespace


def server_side(cluster: Cluster, objects: tuple[Manifest, ...], *flags: str) -> str:
    """Server-side apply of `objects`; raises CommandError with the API server's words."""
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    apply = ("apply", "--server-side", "--force-conflicts", "--field-manager=chart-tests")
    return cluster.kubectl(*apply, *flags, "-f=-", stdin=body)


FULL: Values = {
    "replicas": 2,
    "rbac": {"ownerReferencesPermissionEnforcement": True, "aggregate": ["view", "edit", "admin"]},
    "commonLabels": {"team": "desk"},
    "commonAnnotations": {"owner": "desk"},
    "images": {"registry": "registry.example.com/me"},
    "gateways": [{"name": "listed", "spec": {"credentialsSecretRef": {"name": "ib"}}}],
    "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
    ],
    "extraEnvFrom": [{"configMapRef": {"name": "proxy", "optional": True}}],
    "extraVolumes": [{"name": "ca", "configMap": {"name": "ca"}}],
    "extraVolumeMounts": [{"name": "ca", "mountPath": "/etc/ssl/ours", "readOnly": True}],
    "extraObjects": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-more"}}
    ],
    "calendar": {"marginSeconds": 60},
    "imagePullSecrets": [{"name": "registry"}],
    "priorityClassName": "system-cluster-critical",
    "tolerations": [{"operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
    "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
    "networkPolicy": {
        "apiServer": {"cidrs": ["10.96.0.1/32"]},
        "notifications": {"cidrs": ["192.0.2.0/24"], "ports": [443, 587]},
        "metricsFrom": [{"namespaceSelector": {"matchLabels": {"team": "watch"}}}],
    },
}


@pytest.mark.parametrize("values", [{}, FULL, {"rbac": {"scope": "cluster"}}], ids=str)
def test_the_api_server_takes_every_object_of_the_operators_chart(
    helm: Helm, cluster: Cluster, place: str, values: Values
) -> None:
    release = Release("first", place, kinds=("ibgateway.dev/v1alpha1/IBGateway",))
    rendered = helm.render(OPERATOR_CHART, values, release)
    # Admission of helm test's pod wants its account there.
    server_side(cluster, (rendered.named("ServiceAccount", OPERATOR),))
    objects = (*rendered.objects, *helm.tests(OPERATOR_CHART, values, release).objects)
    placed = tuple(_placed(one, place) for one in objects)
    said = server_side(cluster, placed, "--dry-run=server", "--warnings-as-errors")
    assert said.count("serverside-applied (server dry run)") == len(objects)


def _placed(one: Manifest, place: str) -> Manifest:
    """One without a namespace goes where helm's --namespace points."""
    cluster_wide = ("ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition")
    if one["kind"] in cluster_wide:
        return one
    return {**one, "metadata": {"namespace": place, **one["metadata"]}}


def test_the_operators_pod_passes_restricted_admission(
    helm: Helm, cluster: Cluster, place: str
) -> None:
    rendered = helm.render(OPERATOR_CHART, {}, Release("first", place)).without("watchdog")
    server_side(cluster, (rendered.one("ServiceAccount"),))
    template = rendered.one("Deployment")["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", **template}
    named = {**pod, "metadata": {**pod["metadata"], "name": "operator", "namespace": place}}
    server_side(cluster, (named,), "--dry-run=server")
    open_root = {**named["spec"]["containers"][0], "securityContext": {"privileged": True}}
    loose = {**named, "spec": {**named["spec"], "containers": [open_root]}}
    with pytest.raises(CommandError, match="violates PodSecurity"):
        server_side(cluster, (loose,), "--dry-run=server")


@pytest.fixture(scope="module")
def bound(helm: Helm, cluster: Cluster, place: str) -> str:
    """The operator's account with its role, really there; gives the account's user name."""
    rendered = helm.render(OPERATOR_CHART, {}, Release("first", place)).without("watchdog")
    kinds = ("ServiceAccount", "Role", "RoleBinding")
    server_side(cluster, tuple(one for kind in kinds for one in rendered.all(kind)))
    user = f"system:serviceaccount:{place}:{OPERATOR}"
    until(
        "its rights count", lambda: may(cluster, user, "watch", "ibgateways.ibgateway.dev", place)
    )
    return user


@pytest.mark.parametrize(
    ("verb", "resource", "here", "elsewhere"),
    [
        ("watch", "ibgateways.ibgateway.dev", True, False),
        ("patch", "ibgateways.ibgateway.dev", False, False),
        ("patch", "ibgateways.ibgateway.dev/status", True, False),
        ("create", "statefulsets.apps", True, False),
        ("delete", "persistentvolumeclaims", False, False),
        ("get", "secrets", True, False),
        ("list", "secrets", False, False),
        ("watch", "secrets", False, False),
        ("patch", "secrets", False, False),
        ("create", "pods", False, False),
        ("create", "pods/exec", False, False),
        ("create", "pods/portforward", False, False),
        ("patch", "pods/status", True, False),
        ("create", "events.events.k8s.io", True, False),
        ("create", "roles.rbac.authorization.k8s.io", False, False),
        ("create", "leases.coordination.k8s.io", True, False),
        ("delete", "leases.coordination.k8s.io", False, False),
    ],
)
def test_the_api_server_grants_what_is_needed_and_nothing_elsewhere(
    cluster: Cluster, bound: str, *, verb: str, resource: str, here: bool, elsewhere: bool
) -> None:
    assert may(cluster, bound, verb, resource, bound.split(":")[2]) is here
    assert may(cluster, bound, verb, resource, "kube-system") is elsewhere


def may(cluster: Cluster, user: str, verb: str, resource: str, namespace: str) -> bool:
    """Whether `user` may do it, by the API server's own word."""
    group, _, sub = resource.partition("/")
    name, _, api_group = group.partition(".")
    attributes = {"namespace": namespace, "verb": verb, "group": api_group, "resource": name}
    if sub:
        attributes["subresource"] = sub
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": attributes},
    }
    answer = cluster.kubectl("create", "-f=-", "-o=json", stdin=json.dumps(review))
    allowed = json.loads(answer)["status"]["allowed"]
    assert isinstance(allowed, bool)
    return allowed


def test_a_gateway_release_comes_changes_and_goes(cluster: Cluster, place: str) -> None:
    release = ("paper", str(GATEWAY_CHART), f"--namespace={place}")
    cluster.helm("install", *release)
    cluster.helm("upgrade", *release, "--set=spec.login.dailyAttempts=4")
    found = json.loads(cluster.kubectl("get", "ibgw", "paper", f"-n={place}", "-o=json"))
    assert found["spec"]["login"]["dailyAttempts"] == 4
    assert found["spec"]["executor"]["clientId"] == 17
    assert "The next commands:" in cluster.helm("get", "notes", "paper", f"--namespace={place}")
    cluster.helm("uninstall", "paper", f"--namespace={place}")
    assert cluster.kubectl("get", "ibgw", f"-n={place}", "-o=name") == ""


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--set=spec.tradingMode=live"], "live trading needs executor.accounts"),
        (
            ["--set=spec.gateway.autoRestartTime=11:30 PM"],
            "lies in IBKR's nightly reset or Friday's outage",
        ),
    ],
)
def test_a_rule_across_fields_is_refused_by_the_api_server(
    cluster: Cluster, place: str, flags: list[str], message: str
) -> None:
    with pytest.raises(CommandError) as refused:
        cluster.helm(
            *("upgrade", "--install", "wrong", str(GATEWAY_CHART), f"--namespace={place}"), *flags
        )
    assert message in str(refused.value)
    assert cluster.kubectl("get", "ibgw", f"-n={place}", "-o=name") == ""


def test_the_commands_of_the_notes_run(helm: Helm, cluster: Cluster, place: str) -> None:
    notes = helm.notes(GATEWAY_CHART, {}, Release("paper", place))
    server_side(cluster, helm.render(GATEWAY_CHART, {}, Release("paper", place)).objects)
    cluster.kubectl(
        *("create", "secret", "generic", "paper-executor-token", f"-n={place}"),
        "--from-literal=token=the-token",
    )
    assert "paper" in run(cluster, notes, "get ibgw").splitlines()[1]
    assert run(cluster, notes, "get secret") == "Authorization: Bearer the-token"
    assert "Trading Mode:" in run(cluster, notes, "describe")
    run(cluster, notes, "annotate")
    cluster.kubectl("delete", "ibgw", "paper", f"-n={place}")


def run(cluster: Cluster, notes: str, words: str) -> str:
    """Run the command of the NOTES that contains `words`, without its endless --watch."""
    joined = re.sub(r"\\\n\s*", "", notes)
    command = next(line for line in joined.splitlines() if words in line and "kubectl" in line)
    arguments = [
        word for word in shlex.split(command.strip().removesuffix("|")) if word != "--watch"
    ]
    assert arguments[0] == "kubectl"
    return cluster.kubectl(*arguments[1:])


def test_the_secret_command_of_the_operators_notes_keeps_values_out_of_arguments(
    helm: Helm, cluster: Cluster, place: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("login") / "ib.env"
    file.write_text("IB_USERNAME=u\nIB_PASSWORD=p#1 'x\nVNC_PASSWORD=eightchr\n")
    notes = helm.notes(OPERATOR_CHART, {}, Release("first", place))
    run(cluster, notes.replace("ib.env", str(file)), "create secret")
    found = json.loads(cluster.kubectl("get", "secret/ib-credentials", f"-n={place}", "-o=json"))
    assert found["data"] == {
        "IB_USERNAME": "dQ==",
        "IB_PASSWORD": "cCMxICd4",
        "VNC_PASSWORD": "ZWlnaHRjaHI=",
    }


def test_the_schemas_for_kubeconform_are_the_api_servers(cluster: Cluster) -> None:
    version = json.loads(cluster.kubectl("version", "-o=json"))["serverVersion"]
    ours = kubernetes.read(f"{version['major']}.{version['minor']}")["definitions"]
    index = json.loads(cluster.kubectl("get", "--raw", "/openapi/v3"))["paths"]
    theirs: dict[str, Manifest] = {}
    for path in index:
        if path.startswith(("api/v1", "apis/")) and "ibgateway" not in path:
            document = json.loads(cluster.kubectl("get", "--raw", f"/openapi/v3/{path}"))
            theirs |= document["components"]["schemas"]
    assert len(ours) > 100
    different = {
        name: set(one["properties"]) ^ set(theirs[name].get("properties", {}))
        for name, one in ours.items()
        if set(one["properties"]) != set(theirs[name].get("properties", {}))
    }
    assert different == {}
    types = {
        f"{name}.{key}": (mine["type"], theirs[name]["properties"][key].get("type"))
        for name, one in ours.items()
        for key, mine in one["properties"].items()
        if isinstance(mine.get("type"), str)
    }
    assert {key: pair for key, pair in types.items() if pair[0] != pair[1]} == {}
