"""Report of the permissions that booted tests do not use."""

from tests.booted.permissions import unused


def test_report_lists_grants_without_use():
    def grant(action, resource, *, used=False):
        return {"role": "shop/Role", "action": action, "resources": [resource], "used": used}

    key = "arn:aws:kms:eu-west-1:123456789012:key/"
    grants = [
        grant("s3:GetObject", "arn:aws:s3:::lake/*"),
        grant("kms:Decrypt", f"{key}11111111-1111-1111-1111-111111111111", used=True),
        grant("kms:Decrypt", f"{key}22222222-2222-2222-2222-222222222222"),
        grant("ecr:BatchGetImage", "*"),
    ]

    assert unused(grants) == [("shop/Role", "s3:GetObject", "arn:aws:s3:::lake/*")]
