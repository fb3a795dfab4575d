"""What schemathesis asks about: half the time something that is there, of whatever kind, and nights
that can be booked. What it means to be wrong stays wrong."""

import datetime
import os
import uuid
import zlib

import schemathesis

IDS = os.environ["FUZZ_IDS"].split()
TODAY = datetime.datetime.now(datetime.timezone.utc).date()


def drawn(value, most):
    """A number below `most` that the value decides."""
    return zlib.crc32(str(value).encode()) % most


def read(parse, value):
    try:
        return parse(value) if isinstance(value, str) else None
    except ValueError:
        return None


@schemathesis.hook
def map_path_parameters(context, parameters):
    asked = parameters and parameters.get("id")
    number = drawn(asked, 2 * len(IDS))
    if read(uuid.UUID, asked) and number < len(IDS):
        parameters["id"] = IDS[number]
    return parameters


@schemathesis.hook
def map_body(context, body):
    if not isinstance(body, dict):
        return body
    first, last = (read(datetime.date.fromisoformat, body.get(name)) for name in ("check_in", "check_out"))
    if first and last and isinstance(body.get("room_type"), str) and drawn(first, 2):
        first = TODAY + datetime.timedelta(days=drawn(first, 300))
        last = first + datetime.timedelta(days=1 + drawn(last, 5))
        body |= {"check_in": str(first), "check_out": str(last), "room_type": "double"}
    return body
