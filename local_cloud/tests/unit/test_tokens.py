import joserfc.jwt
from joserfc.jwk import KeySet
from moto.utilities.utils import load_resource

from local_cloud.tokens import mint_access_token


def test_token_is_signed_with_the_key_published_by_moto():
    token = mint_access_token(
        user_pool_id="eu-west-1_a", client_id="shop", scopes=["read", "write"], region="eu-west-1"
    )
    published = KeySet.import_key_set(load_resource("cognitoidp/resources/jwks-public.json"))
    claims = joserfc.jwt.decode(token, published, algorithms=["RS256"]).claims
    assert (claims["client_id"], claims["scope"]) == ("shop", "read write")
    assert claims["iss"] == "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_a"
