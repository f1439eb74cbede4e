"""What a store's errors mean for whoever asked: come again, or do not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dataflow.errors import FatalError, StepError, TransientError
from dataflow.s3.place import S3Place

__all__ = ["ConditionUnknown", "NotFound", "PreconditionFailed", "told_of"]

_BUSY = frozenset({"RequestTimeout", "RequestTimeTooSkewed", "SlowDown", "Throttling", "BadDigest", "IncompleteBody"})
_REFUSED = frozenset({"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "403"})


class NotFound(FatalError):
    """There is no such object."""


class PreconditionFailed(FatalError):
    """Somebody wrote the object in between."""


class ConditionUnknown(FatalError):
    """The store cannot write under a condition."""


_KINDS = {
    **dict.fromkeys(("NoSuchKey", "404", "NotFound"), NotFound),
    **dict.fromkeys(("PreconditionFailed", "ConditionalRequestConflict", "412", "409"), PreconditionFailed),
    "NotImplemented": ConditionUnknown,
}


@contextmanager
def told_of(place: S3Place) -> Iterator[None]:
    """Let errors of the client become ours, which name the place.

    Raises:
        NotFound, PreconditionFailed, ConditionUnknown: as they say.
        TransientError: when the store did not answer, or asks to come again; the client already did, with pauses.
        FatalError: when it refuses, or the bucket is not there.
    """
    from boto3.exceptions import S3UploadFailedError
    from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError  # noqa: A004

    try:
        yield
    except S3UploadFailedError as error:  # of an upload in parts; it was raised while the client's own was handled
        cause = error.__context__
        if isinstance(cause, ClientError):
            raise _answer(place, cause.response) from None
        raise TransientError(f"{place}: {error}; the store did not take it whole") from None
    except ClientError as error:
        raise _answer(place, error.response) from None
    except (HTTPClientError, ConnectionError) as error:  # nobody is there, no answer, or one that was cut short
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise FatalError(f"{place}: {error}; see `verify` of the connection {place.connection}") from None
        raise TransientError(f"{place}: {type(error).__name__}: {error}; the store did not answer whole") from None
    except BotoCoreError as error:  # no credentials, no region
        raise FatalError(f"{place}: {error}; see the connection {place.connection or 'of this machine'}") from None


def _answer(place: S3Place, response: dict[str, dict[str, object]]) -> StepError:
    code = str(response.get("Error", {}).get("Code", ""))
    message = str(response.get("Error", {}).get("Message", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    told = f"{place}: {code}: {message}" if message else f"{place}: {code}"
    if code == "NoSuchBucket":
        return FatalError(f"{place}: there is no bucket {place.bucket!r}; create it, or correct the name")
    if kind := _KINDS.get(code):
        return kind(told)
    if code in _BUSY or (isinstance(status, int) and (status >= 500 or status == 429)):
        return TransientError(f"{told}; asked several times, with pauses")
    if code in _REFUSED:
        return FatalError(f"{told}; see what the connection {place.connection or 'of this machine'} may do there")
    return FatalError(told)
