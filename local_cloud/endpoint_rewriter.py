"""Addresses that work on this machine, which replace those that AWS would have given."""

from dataclasses import replace

from local_cloud.deployment import Clients, Deployment


class EndpointRewriter:
    """Addresses of AWS with those that stand for them here, which are learnt while servers start."""

    def __init__(self) -> None:
        self._local: dict[str, str] = {}

    def learn(self, address: str, local: str) -> None:
        """Take `local` for an address of AWS from now on."""
        self._local[address] = local

    def localize(self, text: str) -> str:
        """Return a text with the addresses that are known by now replaced."""
        for address, local in self._local.items():
            text = text.replace(address, local)
        return text

    def localized(self, deployment: Deployment, clients: Clients) -> Deployment:
        """Replace the addresses in stack outputs and in the values of SSM parameters.

        Clients read them there. The templates still pass AWS's names to functions.
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
