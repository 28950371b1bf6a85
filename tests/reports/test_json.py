"""JSON lines against their schema."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import jsonschema
import numpy as np
import pytest

from whichface.forensics.records import Label, Score
from whichface.reports.json import failure_to_dict, number, schema, to_dict, to_line

VALIDATOR = jsonschema.Draft202012Validator(schema())


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize(
    "labels", [(), (Label.GENERATED,), (Label.REAL, Label.GENERATED), (Label.INCONCLUSIVE,)]
)
def test_examinations_follow_the_schema(labels, make_examination):
    VALIDATOR.validate(json.loads(to_line(to_dict(make_examination(*labels)))))


def test_failures_follow_the_schema_with_the_same_keys(make_examination):
    failure = failure_to_dict("x.jpg", ValueError("broken"))
    VALIDATOR.validate(failure)
    assert list(failure) == list(to_dict(make_examination()))
    assert failure["error"] == "broken"
    assert failure_to_dict(None, ValueError())["error"] == "ValueError"


def test_the_order_of_keys_is_the_schemas(make_examination):
    content = to_dict(make_examination(Label.GENERATED))
    assert list(content) == list(schema()["properties"])
    for name in ("face", "verdict"):
        found = content["faces"][0] if name == "face" else content["faces"][0]["verdict"]
        assert list(found) == list(schema()["$defs"][name]["properties"])


def test_numbers_that_are_none_become_null(make_examination, make_face_examination, make_verdict):
    face = make_face_examination(
        verdict=make_verdict(llr=math.nan, llr_interval=(-math.inf, math.inf)),
        scores=(Score("texture-160", math.inf),),
    )
    examination = replace(make_examination(), faces=(face,))
    line = to_line(to_dict(examination))
    assert "NaN" not in line and "Infinity" not in line
    VALIDATOR.validate(json.loads(line))


def test_numpy_scalars_are_written(make_examination, make_face_examination, make_verdict):
    face = make_face_examination(verdict=make_verdict(llr=np.float32(1.23456)))
    content = json.loads(to_line(to_dict(replace(make_examination(), faces=(face,)))))
    assert content["faces"][0]["verdict"]["llr"] == 1.235


def test_numbers_are_rounded():
    assert (number(123.456), number(1.23456e-7), number(math.nan)) == (123.5, 1.235e-07, None)


def test_hostile_paths_stay_on_one_ascii_line(make_examination):
    line = to_line(to_dict(make_examination(), path="\x1b[31m\n\u202e\udcff.jpg"))
    assert line.isascii() and line.isprintable()
    assert json.loads(line)["path"] == "\x1b[31m\n\u202e\udcff.jpg"


def test_the_path_may_be_replaced(make_examination, make_photo):
    examination = make_examination(photo=make_photo(path=None))
    assert to_dict(examination)["path"] is None
    assert to_dict(examination, path="-")["path"] == "-"
