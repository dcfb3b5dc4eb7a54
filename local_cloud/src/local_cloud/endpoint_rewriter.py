"""Replacement of AWS addresses with addresses on this machine."""

from dataclasses import replace

from local_cloud.deployment import Clients, Deployment


class EndpointRewriter:
    """Local addresses of servers, by the AWS addresses that they replace."""

    def __init__(self) -> None:
        self._local: dict[str, str] = {}

    def learn(self, address: str, local: str) -> None:
        self._local[address] = local

    def localize(self, text: str) -> str:
        for address, local in self._local.items():
            text = text.replace(address, local)
        return text

    def localized(self, deployment: Deployment, clients: Clients) -> Deployment:
        """Replace the addresses in stack outputs and in the values of SSM parameters.

        Clients read local addresses from these values. Functions still receive the AWS addresses from templates.
        """
        outputs = {
            stack: {name: self.localize(value) for name, value in values.items()}
            for stack, values in deployment.outputs.items()
        }
        for parameter in deployment.of_type("AWS::SSM::Parameter"):
            value = str(parameter.properties["Value"])
            if (local := self.localize(value)) != value:
                clients("ssm").put_parameter(Name=parameter.physical_id, Value=local, Overwrite=True)
        return replace(deployment, outputs=outputs)
