import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = (ROOT / "layers" / "core", ROOT / "functions", ROOT / "operations")
SERVICES = (
    "client|s3|dynamodb|sagemaker|stepfunctions|states|logs|lambda_|secretsmanager|cloudwatch|cloudformation|kms|ssm"
)


def test_clients_of_aws_are_annotated_with_protocols():
    untyped = re.compile(rf"\b(?:{SERVICES}): Any\b")
    files = [path for part in PARTS for path in part.rglob("*.py")]

    assert len(files) > 500
    assert [str(path.relative_to(ROOT)) for path in files if untyped.search(path.read_text())] == []
