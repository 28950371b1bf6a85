"""What a case report says whatever the picture: its limits, how it was made, what base rates do to a ratio."""

from __future__ import annotations

LIMITS: tuple[str, ...] = (
    "It compares two explanations only: a generator of the StyleGAN family (Progressive GAN, StyleGAN 1 to 3) and a "
    "camera photograph. Diffusion models, face swaps, retouching, drawings and photographs of screens are neither; "
    "such a picture may get any verdict.",
    "“real” means: no support for a StyleGAN-family generator. It does not mean that the picture is authentic.",
    "The ratio is not the chance that the picture is fake. That depends on how common such fakes are among the "
    "pictures you look at: where they are rare, most flagged pictures are photographs.",
    "It cannot tell who is shown, whether the person exists, when and where the picture was taken, whether a caption "
    "is true, or whether a real photograph was stolen.",
    "Every copy loses traces: shrinking, messengers and screenshots weaken any verdict. The original file tells most.",
    "The interval covers the calibration only, not what a model trained on other pictures would say.",
    "Single cues are explanations, not proofs. Most of the famous ones are no better than chance when measured; each "
    "says here how it did.",
    "It is an aid for people who check further. Let a second person look before anything is published.",
)

METHOD: tuple[str, ...] = (
    "The face is found and measured by 478 points, brought to a standard position and to one or more standard sizes.",
    "Two kinds of experts score it at each size it reaches: one compares the statistics of fine texture, the other is "
    "a neural network. Analyzers look for single cues; those that earned it count too.",
    "A stack fitted on pictures that no expert had learned from turns the scores into one likelihood ratio, which is "
    "held below the ceiling. Experts overlap, so only the joint ratio is a likelihood ratio.",
    "The picture is shrunk and saved again, mildly; a verdict that does not survive that is withheld.",
    "What the file says of itself stands beside the verdict and is never mixed into it.",
)

EXPERT_MEANING = (
    "These experts make most of the ratio. They see statistics of fine detail that people do not, so a look at the "
    "place that is named explains little. Heavy retouching, beauty filters, noise reduction, enlarging and strong "
    "compression change fine detail in photographs too."
)

BASE_RATES: tuple[tuple[float, str], ...] = (
    (0.0005, "profiles at random (published studies: 2 to 5 in 10,000)"),
    (0.01, "a batch in which fakes have turned up"),
    (0.1, "accounts that look suspicious for other reasons"),
    (0.5, "as many generated as not, the start of most tests"),
)
"""Priors and where they may hold."""

PRIVACY = "This page holds the picture and what its file says, which may name places and people: mind who gets it."
