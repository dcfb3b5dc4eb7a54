"""Facts of the CDK's bootstrap stack on which roles rely."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "node_modules" / "aws-cdk" / "lib" / "api" / "bootstrap" / "bootstrap-template.yaml"


def test_bootstrap_key_lets_all_roles_of_the_account_decrypt_assets() -> None:
    """Training jobs and Glue have no `kms:Decrypt`, because the key's policy grants it to the account through S3.

    `cdk bootstrap --bootstrap-customer-key` creates a key with this policy.
    """
    key: dict[str, Any] = yaml.safe_load(TEMPLATE.read_text())["Resources"]["FileAssetsBucketEncryptionKey"]
    (statement,) = [
        each
        for each in key["Properties"]["KeyPolicy"]["Statement"]
        if each["Principal"] == {"AWS": "*"} and "kms:Decrypt" in each["Action"]
    ]

    assert statement["Effect"] == "Allow"
    assert statement["Condition"] == {
        "StringEquals": {
            "kms:CallerAccount": {"Ref": "AWS::AccountId"},
            "kms:ViaService": [{"Fn::Sub": "s3.${AWS::Region}.amazonaws.com"}],
        }
    }
