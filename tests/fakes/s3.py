"""S3 in memory: strongly consistent, with ETags, conditional writes, ranges, versions and multipart uploads."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import io
import itertools
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from botocore.response import StreamingBody

from tests.fakes.service import MemoryService, Request, Response, ServiceError, operation

MAX_KEYS = 1000
MIN_PART_BYTES = 5 * 1024 * 1024

_DESCRIPTION = ("ContentType", "ContentEncoding", "CacheControl", "Metadata")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclasses.dataclass(frozen=True)
class _Version:
    """Version of an object, or a delete marker with None as body."""

    version_id: str
    body: bytes | None
    etag: str
    modified: dt.datetime
    description: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class _Bucket:
    """Objects by key, each with its versions, the newest last."""

    created: dt.datetime
    versioning: str | None = None
    objects: dict[str, list[_Version]] = dataclasses.field(default_factory=dict)

    def current(self, key: str) -> _Version | None:
        versions = self.objects.get(key)
        return versions[-1] if versions and versions[-1].body is not None else None

    def sorted_keys(self) -> list[str]:
        """Return the keys of all current objects in S3's order, by UTF-8 bytes."""
        return sorted((key for key in self.objects if self.current(key)), key=str.encode)


@dataclasses.dataclass
class _Upload:
    """Multipart upload that is neither completed nor aborted."""

    bucket: str
    key: str
    description: Mapping[str, Any]
    parts: dict[int, bytes] = dataclasses.field(default_factory=dict)


class MemoryS3(MemoryService):
    def __init__(self) -> None:
        self._buckets: dict[str, _Bucket] = {}
        self._uploads: dict[str, _Upload] = {}
        self._numbers = itertools.count(1)

    @operation("Bucket", "CreateBucketConfiguration")
    def create_bucket(self, request: Request) -> Response:
        name = request["Bucket"]
        if name in self._buckets:
            message = "Your previous request to create the named bucket succeeded and you already own it."
            raise ServiceError("BucketAlreadyOwnedByYou", message, status=409)
        self._buckets[name] = _Bucket(_now())
        return {"Location": f"http://{name}.s3.amazonaws.com/"}

    @operation("Bucket")
    def delete_bucket(self, request: Request) -> Response:
        if self._bucket(request).objects:
            raise ServiceError("BucketNotEmpty", "The bucket you tried to delete is not empty", status=409)
        del self._buckets[request["Bucket"]]
        return {"HTTPStatusCode": 204}

    @operation("Bucket")
    def head_bucket(self, request: Request) -> Response:
        if request["Bucket"] not in self._buckets:
            raise ServiceError("404", "Not Found", status=404)
        return {}

    @operation()
    def list_buckets(self, request: Request) -> Response:
        return {"Buckets": [{"Name": name, "CreationDate": one.created} for name, one in sorted(self._buckets.items())]}

    @operation("Bucket", "VersioningConfiguration")
    def put_bucket_versioning(self, request: Request) -> Response:
        self._bucket(request).versioning = request["VersioningConfiguration"]["Status"]
        return {}

    @operation("Bucket", "Key", "Body", "IfMatch", "IfNoneMatch", "ChecksumAlgorithm", "ContentLength", *_DESCRIPTION)
    def put_object(self, request: Request) -> Response:
        bucket, key = self._bucket(request), request["Key"]
        self._check_write(bucket, key, request)
        return self._store(bucket, key, _content(request.get("Body", b"")), _described(request))

    @operation("Bucket", "Key", "Range", "IfMatch", "IfNoneMatch", "VersionId", "ChecksumMode")
    def get_object(self, request: Request) -> Response:
        version = self._read(request)
        body = version.body or b""
        response = self._described(version, request)
        if "Range" in request and (span := _span(request["Range"], len(body))):
            start, end = span
            response["ContentRange"] = f"bytes {start}-{end - 1}/{len(body)}"
            response["HTTPStatusCode"] = 206
            body = body[start:end]
        return {**response, "ContentLength": len(body), "Body": StreamingBody(io.BytesIO(body), len(body))}

    @operation("Bucket", "Key", "IfMatch", "IfNoneMatch", "VersionId", "ChecksumMode")
    def head_object(self, request: Request) -> Response:
        try:
            version = self._read(request)
        except ServiceError as error:  # a HEAD response has no body with an error code
            reasons = {304: "Not Modified", 404: "Not Found", 412: "Precondition Failed"}
            bucket = self._buckets.get(request["Bucket"])
            versions = bucket.objects.get(request["Key"]) if bucket and error.status == 404 else None
            deleted = versions and versions[-1].body is None
            headers = {"x-amz-delete-marker": "true"} if deleted else {}
            fields = {"HTTPHeaders": headers}
            raise ServiceError(str(error.status), reasons[error.status], status=error.status, fields=fields) from None
        return {**self._described(version, request), "ContentLength": len(version.body or b"")}

    @operation("Bucket", "Key", "CopySource", "MetadataDirective", *_DESCRIPTION)
    def copy_object(self, request: Request) -> Response:
        source = _copy_source(request["CopySource"])
        version = self._read(source)
        replaced = request.get("MetadataDirective") == "REPLACE"
        description = _described(request) if replaced else version.description
        stored = self._store(self._bucket(request), request["Key"], version.body or b"", description)
        return {"CopyObjectResult": {"ETag": stored.pop("ETag"), "LastModified": _now()}, **stored}

    @operation("Bucket", "Key", "VersionId", "IfMatch")
    def delete_object(self, request: Request) -> Response:
        return {**self._delete(self._bucket(request), request), "HTTPStatusCode": 204}

    @operation("Bucket", "Delete", "ChecksumAlgorithm")
    def delete_objects(self, request: Request) -> Response:
        bucket, objects = self._bucket(request), request["Delete"]["Objects"]
        if not 1 <= len(objects) <= MAX_KEYS:
            message = "The XML you provided was not well-formed or did not validate against our published schema"
            raise ServiceError("MalformedXML", message)
        deleted = [{"Key": one["Key"], **self._delete(bucket, one)} for one in objects]
        return {} if request["Delete"].get("Quiet") else {"Deleted": deleted}

    @operation(
        "Bucket", "Prefix", "Delimiter", "StartAfter", "MaxKeys", "ContinuationToken", "EncodingType", "FetchOwner"
    )
    def list_objects_v2(self, request: Request) -> Response:
        bucket, prefix = self._bucket(request), request.get("Prefix", "")
        delimiter, token = request.get("Delimiter"), request.get("ContinuationToken", "")
        limit = min(request.get("MaxKeys", MAX_KEYS), MAX_KEYS)
        after = max(token.encode(), request.get("StartAfter", "").encode())

        entries: dict[str, bool] = {}  # common prefixes have the value true, keys false
        for key in bucket.sorted_keys():
            if key.startswith(prefix) and key.encode() > after:
                end = key.find(delimiter, len(prefix)) if delimiter else -1
                entries[key[: end + 1] if end >= 0 else key] = end >= 0
        entries.pop(token, None)
        shown, truncated = list(entries)[:limit], 0 < limit < len(entries)
        contents = [_listed(key, version) for key in shown if not entries[key] and (version := bucket.current(key))]
        prefixes = [{"Prefix": one} for one in shown if entries[one]]
        echoed = ("StartAfter", "ContinuationToken", "Delimiter")
        return {
            "IsTruncated": truncated,
            "Name": request["Bucket"],
            "Prefix": prefix,
            "MaxKeys": request.get("MaxKeys", MAX_KEYS),
            "KeyCount": len(shown),
            **({"Contents": contents} if contents else {}),
            **({"CommonPrefixes": prefixes} if prefixes else {}),
            **({"NextContinuationToken": shown[-1]} if truncated else {}),
            **{name: request[name] for name in echoed if name in request},
        }

    @operation("Bucket", "Prefix", "KeyMarker", "VersionIdMarker", "MaxKeys", "EncodingType")
    def list_object_versions(self, request: Request) -> Response:
        bucket, prefix = self._bucket(request), request.get("Prefix", "")
        limit = min(request.get("MaxKeys", MAX_KEYS), MAX_KEYS)
        rows = [
            (key, version, newest == 0)
            for key in sorted(bucket.objects, key=str.encode)
            if key.startswith(prefix)
            for newest, version in enumerate(reversed(bucket.objects[key]))
        ]
        if "KeyMarker" in request:
            marker = (request["KeyMarker"], request.get("VersionIdMarker"))
            names = [(key, version.version_id) for key, version, _ in rows]
            rows = rows[names.index(marker) + 1 :] if marker in names else [row for row in rows if row[0] > marker[0]]
        shown, truncated = rows[:limit], len(rows) > limit
        versions = [
            {**_listed(key, version), "VersionId": version.version_id, "IsLatest": newest}
            for key, version, newest in shown
            if version.body is not None
        ]
        markers = [
            {"Key": key, "VersionId": version.version_id, "IsLatest": newest, "LastModified": version.modified}
            for key, version, newest in shown
            if version.body is None
        ]
        last = {"NextKeyMarker": shown[-1][0], "NextVersionIdMarker": shown[-1][1].version_id} if truncated else {}
        return {
            "IsTruncated": truncated,
            "Name": request["Bucket"],
            "Prefix": prefix,
            "MaxKeys": request.get("MaxKeys", MAX_KEYS),
            **({"Versions": versions} if versions else {}),
            **({"DeleteMarkers": markers} if markers else {}),
            **last,
        }

    @operation("Bucket", "Key", "ChecksumAlgorithm", "ChecksumType", *_DESCRIPTION)
    def create_multipart_upload(self, request: Request) -> Response:
        self._bucket(request)
        upload_id = f"upload-{next(self._numbers)}"
        self._uploads[upload_id] = _Upload(request["Bucket"], request["Key"], _described(request))
        return {"Bucket": request["Bucket"], "Key": request["Key"], "UploadId": upload_id}

    @operation("Bucket", "Key", "UploadId", "PartNumber", "Body", "ChecksumAlgorithm", "ContentLength")
    def upload_part(self, request: Request) -> Response:
        body = _content(request["Body"])
        self._upload(request).parts[request["PartNumber"]] = body
        return {"ETag": _etag(body)}

    @operation("Bucket", "Key", "UploadId", "MultipartUpload", "IfMatch", "IfNoneMatch", "ChecksumType")
    def complete_multipart_upload(self, request: Request) -> Response:
        upload, bucket = self._upload(request), self._bucket(request)
        self._check_write(bucket, upload.key, request)
        listed = request["MultipartUpload"]["Parts"]
        bodies = [upload.parts.get(one["PartNumber"]) for one in listed]
        if any(body is None or _etag(body) != one["ETag"] for body, one in zip(bodies, listed, strict=True)):
            raise ServiceError("InvalidPart", "One or more of the specified parts could not be found.")
        parts = [body for body in bodies if body is not None]
        if any(len(body) < MIN_PART_BYTES for body in parts[:-1]):
            raise ServiceError(
                "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed object size."
            )
        del self._uploads[request["UploadId"]]
        digest = hashlib.md5(b"".join(hashlib.md5(body).digest() for body in parts)).hexdigest()
        stored = self._store(bucket, upload.key, b"".join(parts), upload.description, f'"{digest}-{len(parts)}"')
        return {"Bucket": upload.bucket, "Key": upload.key, **stored}

    @operation("Bucket", "Key", "UploadId")
    def abort_multipart_upload(self, request: Request) -> Response:
        self._upload(request)
        del self._uploads[request["UploadId"]]
        return {"HTTPStatusCode": 204}

    def _bucket(self, request: Request) -> _Bucket:
        name = request["Bucket"]
        if name not in self._buckets:
            message = "The specified bucket does not exist"
            raise ServiceError("NoSuchBucket", message, status=404, error={"BucketName": name})
        return self._buckets[name]

    def _upload(self, request: Request) -> _Upload:
        upload = self._uploads.get(request["UploadId"])
        if upload is None or (upload.bucket, upload.key) != (request["Bucket"], request["Key"]):
            raise ServiceError("NoSuchUpload", "The specified upload does not exist.", status=404)
        return upload

    def _read(self, request: Request) -> _Version:
        bucket, key = self._bucket(request), request["Key"]
        if "VersionId" in request:
            version = next((one for one in bucket.objects.get(key, ()) if one.version_id == request["VersionId"]), None)
            if version is None:
                raise ServiceError("NoSuchVersion", "The specified version does not exist.", status=404)
        else:
            version = bucket.current(key)
        if version is None or version.body is None:
            raise ServiceError("NoSuchKey", "The specified key does not exist.", status=404, error={"Key": key})
        if "IfMatch" in request and not _matches(request["IfMatch"], version):
            raise _precondition_failed("If-Match")
        if "IfNoneMatch" in request and _matches(request["IfNoneMatch"], version):
            raise ServiceError("304", "Not Modified", status=304)
        return version

    def _check_write(self, bucket: _Bucket, key: str, request: Request) -> None:
        current = bucket.current(key)
        if "IfNoneMatch" in request:
            if request["IfNoneMatch"] != "*":
                raise ServiceError("NotImplemented", "A header implies functionality not implemented", status=501)
            if current:
                raise _precondition_failed("If-None-Match")
        if "IfMatch" in request:
            if current is None:
                raise ServiceError("NoSuchKey", "The specified key does not exist.", status=404, error={"Key": key})
            if not _matches(request["IfMatch"], current):
                raise _precondition_failed("If-Match")

    def _store(
        self, bucket: _Bucket, key: str, body: bytes, description: Mapping[str, Any], etag: str | None = None
    ) -> Response:
        version = _Version(self._version_id(bucket), body, etag or _etag(body), _now(), description)
        self._add(bucket, key, version)
        return {"ETag": version.etag, **({"VersionId": version.version_id} if bucket.versioning else {})}

    def _version_id(self, bucket: _Bucket) -> str:
        return f"version-{next(self._numbers):09}" if bucket.versioning == "Enabled" else "null"

    def _add(self, bucket: _Bucket, key: str, version: _Version) -> None:
        others = [one for one in bucket.objects.get(key, ()) if one.version_id != version.version_id]
        bucket.objects[key] = [*others, version]

    def _delete(self, bucket: _Bucket, request: Request) -> Response:
        key, current = request["Key"], bucket.current(request["Key"])
        if "IfMatch" in request and not (current and _matches(request["IfMatch"], current)):
            raise _precondition_failed("If-Match")
        if "VersionId" in request:
            versions = bucket.objects.get(key, [])
            gone = next((one for one in versions if one.version_id == request["VersionId"]), None)
            left = [one for one in versions if one is not gone]
            if left:
                bucket.objects[key] = left
            else:
                bucket.objects.pop(key, None)
            marker = {"DeleteMarker": True} if gone and gone.body is None else {}
            return {"VersionId": request["VersionId"], **marker}
        if bucket.versioning:
            marker_version = _Version(self._version_id(bucket), None, "", _now())
            self._add(bucket, key, marker_version)
            return {"DeleteMarker": True, "VersionId": marker_version.version_id}
        bucket.objects.pop(key, None)
        return {}

    def _described(self, version: _Version, request: Request) -> Response:
        versioned = self._bucket(request).versioning
        return {
            "AcceptRanges": "bytes",
            "LastModified": version.modified,
            "ETag": version.etag,
            "ContentType": "binary/octet-stream",
            "Metadata": {},
            **version.description,
            **({"VersionId": version.version_id} if versioned else {}),
        }


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body).hexdigest()}"'


def _content(body: Any) -> bytes:
    if isinstance(body, str):
        return body.encode()
    return bytes(body) if isinstance(body, (bytes, bytearray, memoryview)) else bytes(body.read())


def _described(request: Request) -> Mapping[str, Any]:
    return {name: request[name] for name in _DESCRIPTION if name in request}


def _listed(key: str, version: _Version) -> dict[str, Any]:
    return {
        "Key": key,
        "LastModified": version.modified,
        "ETag": version.etag,
        "Size": len(version.body or b""),
        "StorageClass": "STANDARD",
    }


def _matches(condition: str, version: _Version) -> bool:
    return condition == "*" or condition.strip('"') == version.etag.strip('"')


def _precondition_failed(header: str) -> ServiceError:
    message = "At least one of the pre-conditions you specified did not hold"
    return ServiceError("PreconditionFailed", message, status=412, error={"Condition": header})


def _span(requested: str, length: int) -> tuple[int, int] | None:
    """Return start and end (exclusive) of a range, or None for a range that S3 ignores."""
    if not (match := _RANGE.fullmatch(requested)) or not any(match.groups()):
        return None
    first, last = match.groups()
    start = int(first) if first else max(0, length - int(last))
    end = min(length, int(last) + 1) if first and last else length
    if start >= length or (not first and int(last) == 0):
        raise ServiceError("InvalidRange", "The requested range is not satisfiable", status=416)
    return (start, end) if start < end else None


def _copy_source(source: str | Mapping[str, str]) -> Mapping[str, str]:
    if not isinstance(source, str):
        return source
    path, _, version = source.partition("?versionId=")
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    return {"Bucket": bucket, "Key": key, **({"VersionId": version} if version else {})}
