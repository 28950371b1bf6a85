"""Pictures that are examined together give what each gives alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from whichface.detectors import ExamineOptions, Examiner
from whichface.detectors.batches import Question, alone, together
from whichface.forensics.errors import PhotoError
from whichface.forensics.photo import photo_from_array
from whichface.reports.json import to_dict


@pytest.fixture(scope="module")
def examiner():
    return Examiner(ExamineOptions(threshold=-1.0))  # nearly all are looked at twice


def _photos():
    picture = np.asarray(data.astronaut())
    sizes = (512, 640, 300, 256)
    scaled = [cv2.resize(picture, (s, s), interpolation=cv2.INTER_AREA) for s in sizes]
    blank = np.full((200, 200, 3), 90, np.uint8)
    return [photo_from_array(p) for p in (*scaled, blank, np.ascontiguousarray(picture[:, ::-1]))]


def test_together_is_as_alone(examiner, tmp_path, monkeypatch):
    sizes, ask = [], examiner.model.opinions
    monkeypatch.setattr(examiner.model, "opinions", lambda asked: sizes.append(len(asked)) or ask(asked))
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    flows = [*_photos(), tmp_path / "broken.jpg"]
    found = together([examiner.steps(flow) for flow in flows], examiner.model)
    assert isinstance(found.pop(), PhotoError) and len(sizes) == 2 and min(sizes) > 1
    assert [to_dict(f) for f in found] == [to_dict(examiner.examine(photo)) for photo in _photos()]


class Model:
    """Answers with the size of the batch."""

    def opinions(self, questions):
        return [len(questions)] * len(questions)

    def opinion(self, *question):
        return self.opinions([question])[0]


def _flow(questions, failure=None):
    answers = []
    for _ in range(questions):
        answers.append((yield Question(None, None)))
    if failure:
        raise failure
    return answers


def test_flows_of_different_length_share_their_batches():
    flows = [_flow(2), _flow(0), _flow(3), _flow(1, ValueError("bad"))]
    found = together(flows, Model())
    assert found[:3] == [[3, 2], [], [3, 2, 1]] and isinstance(found[3], ValueError)
    assert alone(_flow(2), Model()) == [1, 1]
    with pytest.raises(ValueError, match="bad"):
        alone(_flow(0, ValueError("bad")), Model())
