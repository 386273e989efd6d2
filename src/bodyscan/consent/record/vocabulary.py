"""The closed lists of words that a record uses."""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """What a likeness is used for."""

    MAKE_TWIN = "make_twin"
    """Turn the scan into a digital twin."""
    VIRTUAL_TRY_ON = "virtual_try_on"
    """Show garments on the twin."""
    RENDER = "render"
    """Make still images with the twin."""
    ANIMATION = "animation"
    """Make moving pictures or real-time scenes with the twin."""
    ADVERTISING = "advertising"
    """Promote goods or services with images of the twin."""
    EXPORT = "export"
    """Hand the twin's file, in any format, to somebody other than the controller."""
    RESEARCH = "research"
    """Study the body data; never includes the training of models."""
    AI_TRAINING = "ai_training"
    """Train or tune a model. This and the next three are allowed by the record's `ai` alone."""
    DATA_MINING = "data_mining"
    """Analyse the likeness automatically to gain patterns or correlations."""
    AI_INFERENCE = "ai_inference"
    """Give the likeness to a model as input."""
    AI_GENERATION = "ai_generation"
    """Have a generative model make new pictures, motion or speech of the person."""


class Medium(StrEnum):
    """Where people see a likeness."""

    ALL = "all"
    INTERNAL = "internal"
    WEB = "web"
    MOBILE_APP = "mobile_app"
    SOCIAL = "social"
    PRINT = "print"
    IN_STORE = "in_store"
    FILM_AND_TV = "film_and_tv"
    GAME = "game"
    VIRTUAL_REALITY = "virtual_reality"


class ProhibitedUse(StrEnum):
    """What the likeness is never shown in or with."""

    NUDITY = "nudity"
    SEXUAL = "sexual"
    VIOLENCE = "violence"
    POLITICAL = "political"
    RELIGIOUS = "religious"
    ALCOHOL = "alcohol"
    TOBACCO = "tobacco"
    GAMBLING = "gambling"
    DRUGS = "drugs"
    WEAPONS = "weapons"
    MEDICAL = "medical"
    DEFAMATORY = "defamatory"
    IMPERSONATION = "impersonation"
    """Pretending that the person said or did what they did not."""


class Modification(StrEnum):
    """What may be changed on the twin; each allows what stands before it."""

    NONE = "none"
    FORMAT = "format"
    """File format, compression, level of detail."""
    POSE = "pose"
    """Poses, expressions, light and scene."""
    GARMENTS = "garments"
    """Clothes, hair styles, make-up and accessories that can be taken off again."""
    APPEARANCE = "appearance"
    """Body shape, skin and face."""


class Redistribution(StrEnum):
    """To whom the twin's file may be handed on."""

    NONE = "none"
    LICENSEES = "licensees"
    ANYONE = "anyone"


class Exclusivity(StrEnum):
    """Whether the person may allow the same to others meanwhile."""

    NONE = "none"
    PRODUCT_LINES = "product_lines"
    """Not for the same product lines."""
    FULL = "full"


class PayKind(StrEnum):
    """How the person is paid."""

    PER_USE = "per_use"
    SHARE = "share"
    FLAT = "flat"
    UNPAID = "unpaid"


class PayUnit(StrEnum):
    """What one payment is for."""

    USE = "use"
    """Each twin, render and export."""
    TWIN = "twin"
    RENDER = "render"
    EXPORT = "export"
    DAY = "day"
    """Each day (UTC) with a use."""
    MONTH = "month"
    """Each calendar month (UTC) with a use."""
    PROJECT = "project"
    """Each reference (campaign, order) with a use."""


class DataCategory(StrEnum):
    """Kinds of personal data that are kept."""

    BODY_SHAPE = "body_shape"
    FACE_SHAPE = "face_shape"
    SKIN_TEXTURE = "skin_texture"
    PHOTOGRAPHS = "photographs"
    MEASUREMENTS = "measurements"
    MOTION = "motion"


class LawfulBasis(StrEnum):
    """The ground on which the data are processed (GDPR articles 6 and 9)."""

    EXPLICIT_CONSENT = "explicit_consent"
    CONSENT = "consent"
    CONTRACT = "contract"


class WithdrawalMethod(StrEnum):
    """How the person takes the consent back."""

    SIGNED_STATEMENT = "signed_statement"
    """A statement signed with the person's key; everybody can check it."""
    MESSAGE = "message"
    """A message to the address, in any form."""


class WithdrawalEffect(StrEnum):
    """What a withdrawal ends; each includes what stands before it."""

    STOP_NEW_USES = "stop_new_uses"
    STOP_ALL_USES = "stop_all_uses"
    """What is shown already is taken down too."""
    STOP_AND_DELETE = "stop_and_delete"
    """And twin, scan and pictures are deleted."""


class SourceType(StrEnum):
    """IPTC digital source types that fit a twin (cv.iptc.org/newscodes/digitalsourcetype)."""

    COMPOSITE_SYNTHETIC = "compositeSynthetic"
    """Captured parts joined with synthetic ones."""
    DIGITAL_CREATION = "digitalCreation"
    COMPOSITE_WITH_TRAINED = "compositeWithTrainedAlgorithmicMedia"
    """Captured parts joined with parts that a generative model made."""


AI_PURPOSES: dict[Purpose, str] = {
    Purpose.AI_TRAINING: "training",
    Purpose.DATA_MINING: "mining",
    Purpose.AI_INFERENCE: "inference",
    Purpose.AI_GENERATION: "generation",
}
"""Purpose -> the field of the record's `ai` that decides it."""
