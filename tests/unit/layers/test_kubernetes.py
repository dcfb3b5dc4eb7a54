"""Kubernetes manifest of the documentation, validated by Kubernetes' own schemas."""

from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from alsolike.api.server import DEFAULT_PORT, LIVE, READY, SERVED_FUNCTIONS

MANIFEST = Path(__file__).parents[3] / "docs" / "examples" / "kubernetes.yaml"
VERSIONS = ("1.30", "1.37")


def documents(kind=""):
    return [one for one in yaml.safe_load_all(MANIFEST.read_text()) if kind in ("", one["kind"])]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_resource_is_valid(version):
    for document in documents():
        kubernetes_validate.validate(document, version, strict=True)


def test_resource_with_a_fault_is_invalid():
    (deployment, *_) = documents("Deployment")
    deployment["spec"]["template"]["spec"]["containers"][0]["prots"] = []

    with pytest.raises(kubernetes_validate.ValidationError, match="prots"):
        kubernetes_validate.validate(deployment, VERSIONS[-1], strict=True)


def test_each_function_has_a_deployment_with_the_routes_of_the_server():
    pods = [one["spec"]["template"]["spec"] for one in documents("Deployment")]

    containers = [container for pod in pods for container in pod["containers"]]
    assert sorted(one["args"][0] for one in containers) == sorted(SERVED_FUNCTIONS)
    for container in containers:
        assert [port["containerPort"] for port in container["ports"]] == [DEFAULT_PORT]
        assert container["readinessProbe"]["httpGet"]["path"] == container["startupProbe"]["httpGet"]["path"] == READY
        assert container["livenessProbe"]["httpGet"]["path"] == LIVE


def test_names_of_services_accounts_and_labels_exist():
    apps = {one["metadata"]["name"] for one in documents("Deployment")}
    pods = {one["metadata"]["name"]: one["spec"]["template"] for one in documents("Deployment")}

    assert {one["metadata"]["name"] for one in documents("ServiceAccount")} == apps
    assert {pod["spec"]["serviceAccountName"] for pod in pods.values()} == apps
    assert {pod["metadata"]["labels"]["app"] for pod in pods.values()} == apps
    assert {one["spec"]["selector"]["app"] for one in documents("Service")} == apps
    assert {one["spec"]["scaleTargetRef"]["name"] for one in documents("HorizontalPodAutoscaler")} == apps
    (ingress,) = documents("Ingress")
    backends = [path["backend"] for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]]
    assert {backend["service"]["name"] for backend in backends} == apps
