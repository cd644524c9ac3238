"""The values for Dagster's chart 1.13.27. Without a cluster: their keys by what the chart's release knows of them, each part by Kubernetes' own
models, the launcher's by Dagster's schema, and their meaning against compose.yaml and dagster.yaml, which are tried for real.
"""

import importlib.metadata
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from dagster._config import process_config, resolve_to_config_type
from dagster_k8s import K8sRunLauncher
from dagster_k8s.models import k8s_model_from_dict, k8s_snake_case_dict
from kubernetes import client

from returns_pipeline_tests.deploy.composed import ACCOUNTS, DEPLOY, ROOT, filled_in, services

VALUES = yaml.safe_load((DEPLOY / "values.yaml").read_text(encoding="utf-8"))
ON_CELERY = yaml.safe_load((DEPLOY / "values-celery.yaml").read_text(encoding="utf-8"))
MANIFESTS = list(yaml.safe_load_all((DEPLOY / "celery-workers.yaml").read_text(encoding="utf-8")))
DEPLOYMENTS = VALUES["dagster-user-deployments"]["deployments"]
ON_CELERY_DEPLOYMENTS = ON_CELERY["dagster-user-deployments"]["deployments"]
COMPOSED = services(filled_in())
# The keys of the chart that are used here, as its release 1.13.27 has them. Helm says nothing of a key that no template reads.
POD = {"image", "env", "envSecrets", "podSecurityContext", "securityContext", "resources"}
KEYS = {
    "": {
        "global", "generatePostgresqlPasswordSecret", "generateCeleryConfigSecret", "postgresql", "dagsterWebserver", "ingress",
        "dagster-user-deployments", "runLauncher", "dagsterDaemon", "retention", "telemetry", "additionalInstanceConfig", "migrate",
        "rabbitmq", "redis", "flower",
    },
    "global": {"dagsterHome", "postgresqlSecretName"},
    "postgresql": {"enabled", "postgresqlHost", "postgresqlUsername", "postgresqlDatabase", "postgresqlParams"},
    "dagsterWebserver": POD | {"replicaCount", "service"},
    "dagsterDaemon": POD | {"enabled", "runCoordinator", "runMonitoring", "runRetries"},
    "dagsterDaemon.runCoordinator": {"enabled", "type", "config"},
    "dagsterDaemon.runCoordinator.config": {"queuedRunCoordinator"},
    "dagsterDaemon.runCoordinator.config.queuedRunCoordinator": {"maxConcurrentRuns", "tagConcurrencyLimits"},
    "dagsterDaemon.runMonitoring": {"enabled", "startTimeoutSeconds", "maxResumeRunAttempts", "pollIntervalSeconds"},
    "dagsterDaemon.runRetries": {"enabled", "maxRetries", "retryOnAssetOrOpFailure"},
    "ingress": {"enabled", "ingressClassName", "annotations", "dagsterWebserver"},
    "ingress.dagsterWebserver": {"host", "path", "pathType", "tls"},
    "dagster-user-deployments": {"enabled", "enableSubchart", "deployments"},
    "runLauncher": {"type", "config"},
    "runLauncher.config": {"k8sRunLauncher"},
    "runLauncher.config.k8sRunLauncher": {"imagePullPolicy", "securityContext", "runK8sConfig"},
    "runLauncher.config.k8sRunLauncher.runK8sConfig": {"podSpecConfig", "jobSpecConfig"},
    "retention": {"enabled", "schedule", "sensor"},
    "migrate": {"enabled", "initContainers"},
}  # fmt: skip
DEPLOYMENT_KEYS = POD | {"name", "dagsterApiGrpcArgs", "port", "includeConfigInLaunchedRuns", "volumes", "volumeMounts"}


@pytest.mark.parametrize("path", KEYS)
def test_every_key_is_one_that_the_chart_reads(path: str) -> None:
    """A key with a slip changes nothing, and nobody is told."""
    assert set(at(VALUES, path)) <= KEYS[path]


@pytest.mark.parametrize("deployment", [*DEPLOYMENTS, *ON_CELERY_DEPLOYMENTS], ids=lambda each: each["name"])
def test_a_code_server_is_what_kubernetes_takes(deployment: dict[str, Any]) -> None:
    """Built as the chart builds it: Kubernetes' models refuse a key that they do not have."""
    assert set(deployment) <= DEPLOYMENT_KEYS
    container = {
        "name": deployment["name"],
        "args": deployment["dagsterApiGrpcArgs"],
        "env": deployment["env"],
        "envFrom": [{"secretRef": secret} for secret in deployment["envSecrets"]],
        "volumeMounts": deployment["volumeMounts"],
        "resources": deployment["resources"],
        "securityContext": deployment["securityContext"],
    }
    pod = {
        "containers": [container],
        "volumes": deployment["volumes"],
        "securityContext": deployment["podSecurityContext"],
    }
    read(client.V1PodSpec, pod)
    assert {mount["name"] for mount in deployment["volumeMounts"]} == {
        volume["name"] for volume in deployment["volumes"]
    }
    assert deployment["includeConfigInLaunchedRuns"] == {"enabled": True}, "a run needs its account's keys"


def test_the_rest_is_what_kubernetes_and_dagster_take() -> None:
    """The same for the pods of the chart itself, the migration, and the runs."""
    for part in (VALUES["dagsterWebserver"], VALUES["dagsterDaemon"]):
        read(client.V1PodSecurityContext, part["podSecurityContext"])
        read(client.V1SecurityContext, part["securityContext"])
        read(client.V1ResourceRequirements, part["resources"])
    for container in VALUES["migrate"]["initContainers"]:
        read(client.V1Container, container)
    said = VALUES["runLauncher"]["config"]["k8sRunLauncher"]
    assert VALUES["runLauncher"]["type"] == "K8sRunLauncher"
    # Parts that Dagster completes: their keys, without what is still missing.
    k8s_snake_case_dict(client.V1SecurityContext, said["securityContext"])
    k8s_snake_case_dict(client.V1PodSpec, said["runK8sConfig"]["podSpecConfig"])
    k8s_snake_case_dict(client.V1JobSpec, said["runK8sConfig"]["jobSpecConfig"])
    rendered = {
        "image_pull_policy": said["imagePullPolicy"],
        "security_context": said["securityContext"],
        "run_k8s_config": {
            "pod_spec_config": said["runK8sConfig"]["podSpecConfig"],
            "job_spec_config": said["runK8sConfig"]["jobSpecConfig"],
        },
        "instance_config_map": "returns-dagster-instance",
        "dagster_home": VALUES["global"]["dagsterHome"],
        "service_account_name": "returns",
    }
    checked = process_config(resolve_to_config_type(K8sRunLauncher.config_type()), rendered)
    assert checked.success, checked.errors


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda each: each["metadata"]["name"])
def test_a_manifest_of_the_workers_is_what_kubernetes_takes(manifest: dict[str, Any]) -> None:
    """Else `kubectl apply` says so, to whoever tries it first."""
    kinds = {"Service": client.V1Service, "Deployment": client.V1Deployment, "NetworkPolicy": client.V1NetworkPolicy}
    read(kinds[manifest["kind"]], manifest)
    if manifest["kind"] == "Deployment":
        spec = manifest["spec"]
        assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]


@pytest.mark.parametrize(
    ("deployments", "module"), [(DEPLOYMENTS, "definitions"), (ON_CELERY_DEPLOYMENTS, "definitions_on_celery")]
)
def test_there_is_a_code_server_per_account_with_keys_of_its_own(
    deployments: list[dict[str, Any]], module: str
) -> None:
    """The arguments are those of compose.yaml's code servers, which `test_start` starts."""
    words = services(filled_in() | {"DEFINITIONS": module})["brand_a"].command
    arguments = words[words.index("--module-name") :]
    assert [each["name"] for each in deployments] == [account.replace("_", "-") for account in ACCOUNTS]
    for account, deployment in zip(ACCOUNTS, deployments, strict=True):
        name = account.replace("_", "-")
        assert deployment["dagsterApiGrpcArgs"] == arguments
        assert environment(deployment)["RETURNS_ACCOUNT"] == account
        assert deployment["envSecrets"] == [{"name": f"returns-{name}"}]
        assert {
            next(iter(volume[kind].values())) for volume in deployment["volumes"] for kind in volume if kind != "name"
        } == {f"returns-{name}"}
        mounts = {mount["mountPath"] for mount in deployment["volumeMounts"]}
        assert mounts == {"/etc/returns", "/var/lib/returns"}
    migrated = [container["envFrom"] for container in VALUES["migrate"]["initContainers"]]
    assert migrated == [[{"secretRef": {"name": f"returns-{each['name']}-owner"}}] for each in deployments]


def test_the_two_ways_differ_in_the_module_and_the_broker_alone() -> None:
    """The code servers stand in both files, for Helm replaces lists whole."""
    for plain, on_celery in zip(DEPLOYMENTS, ON_CELERY_DEPLOYMENTS, strict=True):
        broker = environment(on_celery).keys() - environment(plain).keys()
        assert broker == {"CELERY_BROKER_URL", "CELERY_RESULT_BACKEND"}
        same = {key: value for key, value in on_celery.items() if key not in ("env", "dagsterApiGrpcArgs")}
        assert same == {key: value for key, value in plain.items() if key not in ("env", "dagsterApiGrpcArgs")}


def test_workers_have_what_their_code_server_has() -> None:
    """A step is carried out with the worker's environment: another broker, another account's keys or another image would be another program."""
    brokers = set()
    for account, deployment in zip(ACCOUNTS, ON_CELERY_DEPLOYMENTS, strict=True):
        (manifest,) = (each for each in MANIFESTS if each["metadata"]["name"] == f"returns-{deployment['name']}-worker")
        pod = manifest["spec"]["template"]["spec"]
        (worker,) = pod["containers"]
        assert worker["args"] == COMPOSED[f"{account}_worker"].command
        assert worker["image"] == image(deployment)
        assert environment(worker).items() >= environment(deployment).items()
        assert worker["envFrom"] == [{"secretRef": secret} for secret in deployment["envSecrets"]]
        assert [volume for volume in pod["volumes"] if volume["name"] != "instance"] == deployment["volumes"]
        assert pod["securityContext"] == deployment["podSecurityContext"]
        brokers.add(environment(worker)["CELERY_BROKER_URL"])
    assert len(brokers) == len(ACCOUNTS)
    (redis,) = (
        each for each in MANIFESTS if each["kind"] == "Deployment" and each["metadata"]["name"] == "returns-redis"
    )
    (container,) = redis["spec"]["template"]["spec"]["containers"]
    assert (container["image"], container["args"]) == (COMPOSED["redis"].said["image"], COMPOSED["redis"].command)


def test_the_instance_is_the_one_of_dagster_yaml() -> None:
    """The chart writes a dagster.yaml of its own: one queue, one layer that retries a write, one retention."""
    instance = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    daemon = VALUES["dagsterDaemon"]
    queue = daemon["runCoordinator"]["config"]["queuedRunCoordinator"]
    assert snake(queue) == instance["concurrency"]["runs"]
    assert snake(daemon["runRetries"]) == instance["run_retries"]
    assert daemon["runMonitoring"]["startTimeoutSeconds"] == instance["run_monitoring"]["start_timeout_seconds"]
    assert daemon["runMonitoring"]["maxResumeRunAttempts"] == 0
    assert snake({name: VALUES["retention"][name] for name in ("schedule", "sensor")}) == instance["retention"]
    assert VALUES["telemetry"] == instance["telemetry"]
    assert VALUES["additionalInstanceConfig"] == {name: instance[name] for name in ("nux", "freshness")}


def test_one_image_of_one_version_for_everything_of_ours() -> None:
    """A webserver of another Dagster than its code servers' is refused by them, on the day of the upgrade."""
    version = COMPOSED["brand_a"].said["image"].split(":")[1]
    images = {image(part) for part in (VALUES["dagsterWebserver"], VALUES["dagsterDaemon"], *DEPLOYMENTS)}
    images |= {container["image"] for container in VALUES["migrate"]["initContainers"]}
    assert images == {f"registry.example.com/returns-pipeline:{version}"}
    assert f"--version {importlib.metadata.version('dagster')} " in (DEPLOY / "values.yaml").read_text(encoding="utf-8")


def test_nothing_is_reached_without_a_login_and_nothing_here_is_secret() -> None:
    """Secrets are named and live in the cluster; the login is the ingress's, and only it is open."""
    assert VALUES["dagsterWebserver"]["service"]["type"] == "ClusterIP"
    annotations = VALUES["ingress"]["annotations"]
    assert annotations["traefik.ingress.kubernetes.io/router.middlewares"] == "returns-login@kubernetescrd"
    assert VALUES["ingress"]["dagsterWebserver"]["tls"]["enabled"] is True
    for values in (VALUES, ON_CELERY, *MANIFESTS):
        for path, value in leaves(values):
            if re.search("password|secret|token", path[-1], flags=re.IGNORECASE) and not path[-1].endswith(
                ("Name", "Secret", "ServiceAccountToken")
            ):
                raise AssertionError(f"{path} is {value!r}")
    assert not any(
        re.search(r"://[^/]*:[^/]*@", str(value))
        for values in (VALUES, ON_CELERY, *MANIFESTS)
        for _, value in leaves(values)
    )


def at(values: dict[str, Any], path: str) -> dict[str, Any]:
    for key in filter(None, path.split(".")):
        values = values[key]
    return values


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not isinstance(value, (dict, list)):
        yield path, value
    for key, entry in entries:
        yield from leaves(entry, (*path, str(key)))


def read(model: type, said: dict[str, Any]) -> None:
    """Raises where Kubernetes' model has no such key, or misses one."""
    k8s_model_from_dict(model, k8s_snake_case_dict(model, said))


def environment(container: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container["env"] if "value" in each}


def image(part: dict[str, Any]) -> str:
    return f"{part['image']['repository']}:{part['image']['tag']}"


def snake(values: Any) -> Any:
    """The chart's names as Dagster's own; below `value` they are Dagster's already."""
    text = re.sub(
        r'"(\w+)":',
        lambda name: f'"{re.sub("([A-Z])", lambda found: "_" + found[1].lower(), name[1])}":',
        json.dumps(values),
    )
    return json.loads(text.replace("apply_limit_per_unique_value", "applyLimitPerUniqueValue"))
