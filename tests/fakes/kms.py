"""KMS in memory: keys that encrypt texts under a context. The ciphertext is the text itself."""

from __future__ import annotations

import uuid

import orjson

from tests.fakes.service import ACCOUNT_ID, REGION, MemoryService, Request, Response, ServiceError, operation


class MemoryKms(MemoryService):
    """All keys of one account."""

    def __init__(self) -> None:
        self._keys: set[str] = set()

    @operation()
    def create_key(self, request: Request) -> Response:
        key_id = str(uuid.uuid4())
        arn = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/{key_id}"
        self._keys |= {key_id, arn}
        return {"KeyMetadata": {"KeyId": key_id, "Arn": arn}}

    @operation("KeyId", "Plaintext", "EncryptionContext")
    def encrypt(self, request: Request) -> Response:
        if request["KeyId"] not in self._keys:
            raise ServiceError("NotFoundException", f"Key '{request['KeyId']}' does not exist")
        parts = {"plaintext": request["Plaintext"].decode(), "context": request.get("EncryptionContext", {})}
        return {"KeyId": request["KeyId"], "CiphertextBlob": orjson.dumps(parts)[::-1]}

    @operation("CiphertextBlob", "EncryptionContext")
    def decrypt(self, request: Request) -> Response:
        try:
            parts = orjson.loads(request["CiphertextBlob"][::-1])
        except orjson.JSONDecodeError as error:
            raise ServiceError("InvalidCiphertextException", "") from error
        if parts["context"] != request.get("EncryptionContext", {}):
            raise ServiceError("InvalidCiphertextException", "")
        return {"Plaintext": parts["plaintext"].encode()}
