"""The whole flow with the shipped model, on a public-domain portrait and on constructions."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from skimage import data

from whichface.detectors import ExamineOptions, Examiner, examine
from whichface.detectors.batches import alone
from whichface.detectors.classifier import load_model
from whichface.forensics.analyzers import ANALYZERS
from whichface.forensics.face import find_faces
from whichface.forensics.geometry import align
from whichface.forensics.photo import photo_from_array
from whichface.forensics.records import Label
from whichface.reports.json import to_dict


@pytest.fixture(scope="module")
def astronaut():
    return np.asarray(data.astronaut())


@pytest.fixture(scope="module")
def crop(astronaut):
    """The astronaut's face as an FFHQ-like crop of 1024 px: every scale applies."""
    face = find_faces(photo_from_array(astronaut))[0]
    return align(astronaut, face.landmarks, 1024)[0]


@pytest.fixture(scope="module")
def examiner():
    return Examiner()


def test_a_photograph_is_not_called_generated(examiner, astronaut):
    (face,) = examiner.examine(photo_from_array(astronaut)).faces
    verdict = face.verdict
    assert verdict.label is not Label.GENERATED and verdict.llr < verdict.threshold
    assert verdict.llr_interval[0] <= verdict.llr <= verdict.llr_interval[1]
    assert abs(verdict.llr) <= verdict.llr_ceiling and verdict.reasons
    assert {score.expert for score in face.scores} == {"texture-160", "network-160"}
    assert {a.analyzer for a in face.abstentions} == {"texture-256", "texture-512", "network-256", "spectrum"}


def test_the_experts_of_its_size_speak_of_a_large_face(examiner, crop):
    (face,) = examiner.examine(photo_from_array(crop)).faces
    assert len(face.scores) == 3 and [a.analyzer for a in face.abstentions] == ["spectrum"]  # the crop is soft
    assert [e.analyzer for e in face.evidence] and all(e.llr is None for e in face.evidence)
    assert sum(score.saliency is not None for score in face.scores) == 1


KNOWN = {"texture-512": -1.84, "network-160": -1.25, "network-256": -0.87}


def test_the_scores_of_a_known_face_are_what_they_were(examiner, crop):
    """Alignment, scales, codec or features that drift from what the experts were trained on show here."""
    (face,) = examiner.examine(photo_from_array(crop)).faces
    assert {s.expert: s.logit for s in face.scores} == pytest.approx(KNOWN, abs=0.25)


def test_the_result_is_the_same_twice_and_can_be_written(examiner, crop):
    first, second = (examiner.examine(photo_from_array(crop)) for _ in range(2))
    assert json.dumps(to_dict(first)) == json.dumps(to_dict(second))
    assert first.versions["model"] == "face-5" and "sha256:network.onnx" in first.versions


def test_a_small_face_is_inconclusive_with_the_reason(examiner, crop):
    small = cv2.resize(crop, (80, 80), interpolation=cv2.INTER_AREA)
    faces = examiner.examine(photo_from_array(small)).faces
    assert faces and faces[0].verdict.label is Label.INCONCLUSIVE
    assert faces[0].verdict.llr == 0 and "smaller than" in faces[0].verdict.reasons[0]
    assert len(faces[0].abstentions) == 7


def test_of_an_avatar_the_network_alone_speaks(examiner, crop):
    small = cv2.resize(crop, (110, 110), interpolation=cv2.INTER_AREA)
    (face,) = examiner.examine(photo_from_array(small)).faces
    assert [score.expert for score in face.scores] == ["network-96"]
    assert face.verdict.label is not Label.GENERATED and face.verdict.llr < 0
    assert "texture-160" in {a.analyzer for a in face.abstentions}


def patterned(crop: np.ndarray, strength: float) -> np.ndarray:
    """The crop with grain, so that it is not soft, and a pattern of four pixels as uneven enlarging leaves it."""
    grain = np.random.default_rng(0).normal(0, 6, crop.shape[:2])
    pattern = np.tile(np.array([[1, -1, 0, 0], [0, 1, -1, 0], [0, 0, 0, 0], [-1, 0, 1, 0]]), (256, 256))
    return np.clip(crop + (grain + strength * pattern)[..., None], 0, 255).astype(np.uint8)


def test_a_fused_cue_counts_by_its_own_ratio(examiner, crop):
    plain, planted = (examiner.examine(photo_from_array(patterned(crop, s))).faces[0] for s in (0.0, 3.0))
    silent, seen = (next(e for e in f.evidence if e.analyzer == "spectrum") for f in (plain, planted))
    assert silent.llr < 0.1 < 0.9 < seen.llr and seen.findings and not silent.findings
    stratum = examiner.strata[512]
    weight = float(stratum.weights[len(stratum.experts)])
    experts = stratum.unbounded(planted.scores)
    assert examiner.unbounded(planted.scores, planted.evidence) == pytest.approx(experts + weight * seen.llr)
    assert seen.share == pytest.approx(weight * seen.llr)
    assert planted.verdict.llr == pytest.approx(stratum.bounded(experts + weight * seen.llr))


def test_a_pattern_without_a_verdict_is_said_to_fit_other_generators(crop):
    plain, planted = (examine_array(patterned(crop, s), threshold=9.0).faces[0].verdict for s in (0.0, 3.0))
    assert planted.label is Label.INCONCLUSIVE and "diffusion model" in planted.reasons[-1]
    assert not any("diffusion" in reason for reason in plain.reasons)


def test_what_a_fused_cue_saw_is_kept_in_the_second_look(crop):
    """The second look shrinks the picture, which wipes the pattern out; that says nothing against it."""
    verdict = examine_array(patterned(crop, 3.0), threshold=0.3).faces[0].verdict
    assert verdict.label is Label.GENERATED and "passes the threshold" in verdict.reasons[0]


def test_a_picture_too_wide_for_a_jpeg_has_no_second_look(examiner, make_face):
    photo = photo_from_array(np.zeros((2, 72_000, 3), np.uint8))
    assert alone(examiner._again(photo, make_face((100.0, 1.0), 200.0), 160, 0.0), examiner.model) is None


def test_every_analyzer_runs_when_asked(crop):
    face = examine_array(patterned(crop, 0.0), explain=True).faces[0]
    spoken = {item.analyzer for item in (*face.evidence, *face.abstentions)}
    assert {cue.name for cue in ANALYZERS} <= spoken
    (one,) = [e for e in examine_array(crop, cues=("alignment",)).faces[0].evidence if e.analyzer == "alignment"]
    assert one.llr is None and one.reliability is not None


def test_a_black_and_white_picture_is_not_judged(examiner, crop):
    coloured = patterned(crop, 3.0)
    grey = cv2.cvtColor(cv2.cvtColor(coloured, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    face = examiner.examine(photo_from_array(grey)).faces[0]
    verdict = face.verdict
    assert all(item.share is None for item in face.evidence)  # nothing counts in a verdict that is not given
    assert verdict.label is Label.INCONCLUSIVE and verdict.llr == 0
    assert verdict.reasons[0].startswith("The picture is black and white")
    dull = np.clip(grey * 0.6 + crop * 0.4, 0, 255).astype(np.uint8)
    assert examiner.examine(photo_from_array(dull)).faces[0].verdict.llr != 0


def test_no_face_is_a_warning(examiner):
    result = examiner.examine(photo_from_array(np.full((200, 300, 3), 128, np.uint8)))
    assert result.faces == () and "No face" in result.warnings[-1]


def test_several_faces_largest_first(crop):
    large, small = (cv2.resize(crop, (s, s), interpolation=cv2.INTER_AREA) for s in (400, 240))
    page = np.full((440, 720, 3), 200, np.uint8)
    page[20:420, 10:410], page[100:340, 450:690] = large, small
    sides = [f.face.quality.side for f in examine_array(page).faces]
    assert len(sides) == 2 and sides == sorted(sides, reverse=True)
    assert len(examine_array(page, max_faces=1).faces) == 1


def examine_array(pixels, **options):
    return examine(photo_from_array(pixels), options=ExamineOptions(**options))


def test_the_prior_changes_the_probability_only(crop):
    even, rare = (examine_array(crop, prior=p).faces[0].verdict for p in (0.5, 0.001))
    assert even.llr == rare.llr and even.label == rare.label
    assert rare.probability < even.probability


@pytest.mark.parametrize(("threshold", "label"), [(-2.0, Label.GENERATED), (9.0, None)])
def test_a_threshold_moves_the_label(crop, threshold, label):
    options = ExamineOptions(threshold=threshold, stability=False)
    verdict = examine(photo_from_array(crop), options=options).faces[0].verdict
    assert verdict.threshold == threshold
    assert verdict.label is label if label else verdict.label is not Label.GENERATED


@pytest.mark.parametrize("wrong", [{"cues": ("nix",)}, {"prior": 0.0}, {"prior": 1.5}, {"max_faces": 0}])
def test_impossible_options_are_refused(wrong):
    with pytest.raises(ValueError):
        ExamineOptions(**wrong)


def test_the_score_moves_little_under_a_shift_of_one_pixel(examiner, crop):
    moved = np.roll(crop, 1, axis=1)
    first, second = (examiner.examine(photo_from_array(p)).faces[0].verdict.llr for p in (crop, moved))
    assert abs(first - second) < 0.4


def test_the_card_names_every_file_and_the_data():
    model = load_model()
    assert set(model.files) == {p.name for p in model.directory.iterdir()} - {"card.json"}
    assert model.card["figures"]["160"]["matched"]["pooled"]["auc"] > 0.5
    assert model.card["data"] and model.card["licence"] and model.card["folds"]
