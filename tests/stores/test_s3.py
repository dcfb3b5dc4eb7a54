"""Operations of S3 that the product uses, in memory and on moto."""

import datetime as dt
import io

import pytest
from botocore.exceptions import ClientError

from tests.fakes.places import BUCKET
from tests.stores.refusals import refusal

MIB = 1024 * 1024


def put(s3, key, body=b"pear", **options):
    return s3.put_object(Bucket=BUCKET, Key=key, Body=body, **options)["ETag"]


def body(s3, key, **options):
    return s3.get_object(Bucket=BUCKET, Key=key, **options)["Body"].read()


def keys(s3, **options):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, **options)
    return [one["Key"] for page in pages for one in page.get("Contents", [])]


def test_object_is_unchanged_after_write_and_read(s3):
    before = dt.datetime.now(dt.UTC).replace(microsecond=0)

    put(s3, "ü/ä b", b"\x00pear", ContentType="text/plain", Metadata={"version": "1"})

    response = s3.get_object(Bucket=BUCKET, Key="ü/ä b")
    assert response["Body"].read() == b"\x00pear"
    assert (response["ContentLength"], response["ContentType"]) == (5, "text/plain")
    assert response["Metadata"] == {"version": "1"}
    assert response["AcceptRanges"] == "bytes"
    assert before <= response["LastModified"] <= dt.datetime.now(dt.UTC)
    assert "VersionId" not in response


def test_body_of_an_object_may_be_a_file_or_text(s3):
    put(s3, "file", io.BytesIO(b"pear"))
    put(s3, "text", "Birne ä")

    assert (body(s3, "file"), body(s3, "text")) == (b"pear", "Birne ä".encode())


def test_body_is_read_in_chunks_and_by_lines(s3):
    put(s3, "lines", b"a\nb\nc")

    assert list(s3.get_object(Bucket=BUCKET, Key="lines")["Body"].iter_lines()) == [b"a", b"b", b"c"]
    assert list(s3.get_object(Bucket=BUCKET, Key="lines")["Body"].iter_chunks(2)) == [b"a\n", b"b\n", b"c"]


def test_etag_is_the_md5_of_the_body_in_quotes(s3):
    assert put(s3, "a", b"pear") == '"8893dc16b1b2534bab7b03727145a2bb"'
    assert put(s3, "b", b"pear") == put(s3, "a", b"pear")
    assert s3.head_object(Bucket=BUCKET, Key="a")["ETag"] == '"8893dc16b1b2534bab7b03727145a2bb"'


def test_missing_object_has_its_own_exception(s3):
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket=BUCKET, Key="absent")

    assert refusal(s3.get_object, Bucket=BUCKET, Key="absent") == ("NoSuchKey", 404)
    assert refusal(s3.head_object, Bucket=BUCKET, Key="absent") == ("404", 404)


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("get_object", {"Key": "a"}),
        ("put_object", {"Key": "a", "Body": b""}),
        ("delete_object", {"Key": "a"}),
        ("list_objects_v2", {}),
        ("delete_objects", {"Delete": {"Objects": [{"Key": "a"}]}}),
    ],
)
def test_missing_bucket_is_refused(s3, operation, request_):
    assert refusal(getattr(s3, operation), Bucket="absent", **request_) == ("NoSuchBucket", 404)


@pytest.mark.moto_differs("names the missing bucket, which a response without a body cannot")
def test_head_of_a_missing_bucket_has_no_code(s3):
    assert refusal(s3.head_bucket, Bucket="absent") == ("404", 404)
    assert refusal(s3.head_object, Bucket="absent", Key="a") == ("404", 404)


def test_object_is_created_only_if_absent(s3):
    put(s3, "a", b"first", IfNoneMatch="*")

    refused = refusal(s3.put_object, Bucket=BUCKET, Key="a", Body=b"second", IfNoneMatch="*")

    assert refused == ("PreconditionFailed", 412)
    assert body(s3, "a") == b"first"


def test_deleted_object_can_be_created_again(s3):
    put(s3, "a", b"first")
    s3.delete_object(Bucket=BUCKET, Key="a")

    put(s3, "a", b"second", IfNoneMatch="*")

    assert body(s3, "a") == b"second"


def test_object_is_replaced_only_if_unchanged(s3):
    first = put(s3, "a", b"first")
    second = put(s3, "a", b"second", IfMatch=first)

    refused = refusal(s3.put_object, Bucket=BUCKET, Key="a", Body=b"third", IfMatch=first)

    assert refused == ("PreconditionFailed", 412)
    assert body(s3, "a") == b"second"
    assert second != first


def test_missing_object_is_not_replaced(s3):
    assert refusal(s3.put_object, Bucket=BUCKET, Key="a", Body=b"", IfMatch='"0"') == ("NoSuchKey", 404)


def test_object_is_read_only_if_changed(s3):
    etag = put(s3, "a")

    assert refusal(s3.get_object, Bucket=BUCKET, Key="a", IfNoneMatch=etag) == ("304", 304)
    assert refusal(s3.head_object, Bucket=BUCKET, Key="a", IfNoneMatch=etag) == ("304", 304)
    assert body(s3, "a", IfNoneMatch='"0"') == b"pear"


def test_object_is_read_only_if_unchanged(s3):
    etag = put(s3, "a")

    assert body(s3, "a", IfMatch=etag) == b"pear"
    assert refusal(s3.get_object, Bucket=BUCKET, Key="a", IfMatch='"0"') == ("PreconditionFailed", 412)


@pytest.mark.parametrize(
    ("span", "part", "content_range"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=4-4", b"4", "bytes 4-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=7-99", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=-99", b"0123456789", "bytes 0-9/10"),
    ],
)
def test_range_of_an_object_is_read(s3, span, part, content_range):
    put(s3, "a", b"0123456789")

    response = s3.get_object(Bucket=BUCKET, Key="a", Range=span)

    assert response["Body"].read() == part
    assert (response["ContentRange"], response["ContentLength"]) == (content_range, len(part))
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_range_after_the_end_is_refused(s3):
    put(s3, "a", b"0123456789")
    put(s3, "empty", b"")

    assert refusal(s3.get_object, Bucket=BUCKET, Key="a", Range="bytes=10-") == ("InvalidRange", 416)
    assert refusal(s3.get_object, Bucket=BUCKET, Key="empty", Range="bytes=0-5") == ("InvalidRange", 416)


def test_deletion_of_a_missing_object_succeeds(s3):
    put(s3, "a")

    for _ in range(2):
        response = s3.delete_object(Bucket=BUCKET, Key="a")
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert keys(s3) == []


def test_several_objects_are_deleted_in_one_request(s3):
    for key in "abc":
        put(s3, key)

    response = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": key} for key in ("a", "c", "absent")]})

    assert sorted(one["Key"] for one in response["Deleted"]) == ["a", "absent", "c"]
    assert "Errors" not in response
    assert keys(s3) == ["b"]


@pytest.mark.moto_differs("lists all deleted keys")
def test_quiet_deletion_lists_errors_only(s3):
    put(s3, "a")

    response = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "a"}], "Quiet": True})

    assert "Deleted" not in response


def test_copy_keeps_body_type_and_metadata(s3):
    etag = put(s3, "ä b", b"pear", ContentType="text/plain", Metadata={"version": "1"})

    response = s3.copy_object(Bucket=BUCKET, Key="copy", CopySource={"Bucket": BUCKET, "Key": "ä b"})

    copied = s3.get_object(Bucket=BUCKET, Key="copy")
    assert response["CopyObjectResult"]["ETag"] == copied["ETag"] == etag
    assert (copied["Body"].read(), copied["ContentType"], copied["Metadata"]) == (
        b"pear",
        "text/plain",
        {"version": "1"},
    )


def test_copy_of_a_missing_object_is_refused(s3):
    source = {"Bucket": BUCKET, "Key": "absent"}

    assert refusal(s3.copy_object, Bucket=BUCKET, Key="copy", CopySource=source) == ("NoSuchKey", 404)


def test_objects_are_listed_in_byte_order_of_their_keys(s3):
    for key in ("b", "a/2", "a/10", "Z", "ä", "a"):
        put(s3, key)

    assert keys(s3) == ["Z", "a", "a/10", "a/2", "b", "ä"]
    assert keys(s3, Prefix="a/") == ["a/10", "a/2"]
    assert keys(s3, StartAfter="a/10") == ["a/2", "b", "ä"]


def test_listing_has_size_etag_and_time_of_each_object(s3):
    etag = put(s3, "a", b"pear")

    (entry,) = s3.list_objects_v2(Bucket=BUCKET)["Contents"]

    assert (entry["Key"], entry["Size"], entry["ETag"], entry["StorageClass"]) == ("a", 4, etag, "STANDARD")
    assert entry["LastModified"] == s3.head_object(Bucket=BUCKET, Key="a")["LastModified"]


def test_empty_listing_has_no_contents(s3):
    response = s3.list_objects_v2(Bucket=BUCKET, Prefix="absent/")

    assert (response["KeyCount"], response["IsTruncated"]) == (0, False)
    assert "Contents" not in response
    assert "NextContinuationToken" not in response


def test_listing_continues_from_page_to_page(s3):
    for number in range(5):
        put(s3, f"{number}")

    first = s3.list_objects_v2(Bucket=BUCKET, MaxKeys=2)
    token = first["NextContinuationToken"]
    put(s3, "1b")
    s3.delete_object(Bucket=BUCKET, Key="1")
    second = s3.list_objects_v2(Bucket=BUCKET, MaxKeys=2, ContinuationToken=token)

    assert [one["Key"] for one in first["Contents"]] == ["0", "1"]
    assert (first["IsTruncated"], first["KeyCount"], first["MaxKeys"]) == (True, 2, 2)
    assert [one["Key"] for one in second["Contents"]] == ["1b", "2"]
    assert keys(s3, PaginationConfig={"PageSize": 2}) == ["0", "1b", "2", "3", "4"]


@pytest.mark.moto_differs("lists more than a thousand objects, and takes ten seconds to store them")
def test_listing_page_has_at_most_1000_objects(s3):
    for number in range(1001):
        put(s3, f"{number:04}", b"")

    page = s3.list_objects_v2(Bucket=BUCKET, MaxKeys=5000)

    assert (page["KeyCount"], page["IsTruncated"]) == (1000, True)
    assert len(keys(s3)) == 1001


def test_common_prefixes_replace_the_keys_below_them(s3):
    for key in ("a", "models/v1/x", "models/v1/y", "models/v2/x", "z"):
        put(s3, key)

    top = s3.list_objects_v2(Bucket=BUCKET, Delimiter="/")
    below = s3.list_objects_v2(Bucket=BUCKET, Delimiter="/", Prefix="models/")

    assert [one["Key"] for one in top["Contents"]] == ["a", "z"]
    assert top["CommonPrefixes"] == [{"Prefix": "models/"}]
    assert below["CommonPrefixes"] == [{"Prefix": "models/v1/"}, {"Prefix": "models/v2/"}]
    assert (top["KeyCount"], below["KeyCount"]) == (3, 2)


def test_common_prefix_is_listed_once_on_all_pages(s3):
    for key in ("a/1", "a/2", "b/1", "c"):
        put(s3, key)

    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Delimiter="/", PaginationConfig={"PageSize": 1})
    seen = [
        [*(one["Prefix"] for one in page.get("CommonPrefixes", [])), *(one["Key"] for one in page.get("Contents", []))]
        for page in pages
    ]

    assert seen == [["a/"], ["b/"], ["c"]]


def test_head_of_a_deleted_object_has_the_delete_marker_header(s3):
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=BUCKET, Key="a", Body=b"1")
    s3.delete_object(Bucket=BUCKET, Key="a")

    markers = []
    for key in ("a", "never"):
        with pytest.raises(ClientError) as caught:
            s3.head_object(Bucket=BUCKET, Key=key)
        markers.append(caught.value.response["ResponseMetadata"]["HTTPHeaders"].get("x-amz-delete-marker"))

    assert markers == ["true", None]


def test_versions_are_kept_after_versioning_is_enabled(s3):
    put(s3, "a", b"unversioned")
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=BUCKET, Key="a", Body=b"first")["VersionId"]
    deleted = s3.delete_object(Bucket=BUCKET, Key="a")

    listed = s3.list_object_versions(Bucket=BUCKET, Prefix="a")

    assert deleted["DeleteMarker"] is True
    assert refusal(s3.get_object, Bucket=BUCKET, Key="a") == ("NoSuchKey", 404)
    assert body(s3, "a", VersionId=first) == b"first"
    assert body(s3, "a", VersionId="null") == b"unversioned"
    assert {one["VersionId"]: one["IsLatest"] for one in listed["Versions"]} == {first: False, "null": False}
    (marker,) = listed["DeleteMarkers"]
    assert (marker["VersionId"], marker["IsLatest"]) == (deleted["VersionId"], True)
    assert keys(s3) == []


def test_deletion_of_the_delete_marker_restores_the_object(s3):
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    put(s3, "a", b"first")
    marker = s3.delete_object(Bucket=BUCKET, Key="a")["VersionId"]

    s3.delete_object(Bucket=BUCKET, Key="a", VersionId=marker)

    assert body(s3, "a") == b"first"


def test_versions_are_listed_in_pages_latest_first(s3):
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    ids = [s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")["VersionId"] for key in ("a", "a", "b")]

    pages = s3.get_paginator("list_object_versions").paginate(Bucket=BUCKET, PaginationConfig={"PageSize": 2})

    assert [one["VersionId"] for page in pages for one in page["Versions"]] == [ids[1], ids[0], ids[2]]


def test_large_file_is_uploaded_in_parts(s3, tmp_path):
    (tmp_path / "file").write_bytes(bytes(range(256)) * (17 * MIB // 256))

    s3.upload_file(str(tmp_path / "file"), BUCKET, "file")

    head = s3.head_object(Bucket=BUCKET, Key="file")
    assert head["ContentLength"] == 17 * MIB
    assert head["ETag"].endswith('-3"')
    assert body(s3, "file") == (tmp_path / "file").read_bytes()


def test_multipart_upload_is_visible_after_its_completion(s3):
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="a")["UploadId"]
    part = s3.upload_part(Bucket=BUCKET, Key="a", UploadId=upload, PartNumber=1, Body=b"pear")

    assert keys(s3) == []
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket=BUCKET, Key="a", UploadId=upload, MultipartUpload=parts)

    assert body(s3, "a") == b"pear"


@pytest.mark.moto_differs("fails with a KeyError")
def test_aborted_upload_cannot_be_completed(s3):
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="a")["UploadId"]
    part = s3.upload_part(Bucket=BUCKET, Key="a", UploadId=upload, PartNumber=1, Body=b"pear")
    s3.abort_multipart_upload(Bucket=BUCKET, Key="a", UploadId=upload)

    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    refused = refusal(s3.complete_multipart_upload, Bucket=BUCKET, Key="a", UploadId=upload, MultipartUpload=parts)

    assert refused == ("NoSuchUpload", 404)


def test_parts_other_than_the_last_have_at_least_five_megabytes(s3):
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="a")["UploadId"]
    parts = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(Bucket=BUCKET, Key="a", UploadId=upload, PartNumber=number, Body=b"x")["ETag"],
        }
        for number in (1, 2)
    ]

    refused = refusal(
        s3.complete_multipart_upload, Bucket=BUCKET, Key="a", UploadId=upload, MultipartUpload={"Parts": parts}
    )

    assert refused == ("EntityTooSmall", 400)


def test_bucket_with_objects_is_not_deleted(s3):
    put(s3, "a")

    assert refusal(s3.delete_bucket, Bucket=BUCKET) == ("BucketNotEmpty", 409)
    s3.delete_object(Bucket=BUCKET, Key="a")
    s3.delete_bucket(Bucket=BUCKET)
    assert s3.list_buckets()["Buckets"] == []
