"""What a night did, in sentences for a person; English here, translated where it is shown."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.nightly.gate.check import Answer, Check, Question
from service.nightly.guard.candidate import Why
from service.nightly.tables import NightState, Reason
from service.web.languages import Language, mark

STATES = {
    NightState.WAITING: mark("waits its turn"),
    NightState.RUNNING: mark("at work"),
    NightState.SHADOW: mark("in shadow"),
    NightState.AWAITING: mark("waits for your word"),
    NightState.PROMOTED: mark("promoted"),
    NightState.KEPT: mark("champion kept"),
}
TONES = {
    NightState.WAITING: "",
    NightState.RUNNING: "",
    NightState.SHADOW: "warn",
    NightState.AWAITING: "warn",
    NightState.PROMOTED: "good",
    NightState.KEPT: "",
}
REASONS = {
    Reason.NO_NEW_IMAGES: mark("There were too few new pictures."),
    Reason.NO_CHAMPION: mark("Nothing judges here yet."),
    Reason.TRAINER_LOST: mark("The trainer was lost: its machine or its process ended."),
    Reason.TRAINER_REFUSED: mark("The trainer could not do what it was asked."),
    Reason.DISK_FULL: mark("The disk is full."),
    Reason.BUDGET_SPENT: mark("The night's time was over."),
    Reason.GATE_FAILED: mark("The challenger is not good enough."),
    Reason.GATE_UNDECIDED: mark("There are too few golden parts to tell."),
    Reason.SHADOW_FAILED: mark("The shadow could not go on."),
    Reason.OUTDATED: mark("Another champion came meanwhile."),
    Reason.DECLINED: mark("An engineer kept the champion."),
    Reason.STORE_FAILING: mark("Files or pictures could not be read or written."),
    Reason.INTERNAL: mark("The night's program failed: see its log."),
}
STEPS = {
    "freeze": (mark("Snapshot"), mark("The pictures it looks at are written down for good.")),
    "screen": (mark("Guard"), mark("What may be learned from.")),
    "pretrain": (mark("Pretraining"), mark("Going on from the champion's teacher.")),
    "distill": (mark("Distillation"), mark("A student for the station.")),
    "calibrate": (mark("Calibration"), mark("Limits from other lots or days than training.")),
    "prove": (mark("Parity"), mark("Every proof of the bundle, computed again.")),
    "gate": (mark("Gate"), mark("Is it no worse than the champion?")),
    "shadow": (mark("Shadow"), mark("Live parts, without effect.")),
    "promote": (mark("Promotion"), mark("By policy, or at your word.")),
    "heal": (mark("Healing"), mark("What defects among the training pictures would cost.")),
    "report": (mark("Report"), ""),
}
WHYS = {
    Why.KEPT_OUT: mark("kept out by a person"),
    Why.GOLDEN: mark("of a golden or replayed part"),
    Why.CHALLENGE: mark("of a challenge part"),
    Why.CONFIRMED_DEFECT: mark("of a confirmed defect"),
    Why.DISPUTED: mark("of a disputed part"),
    Why.FLAGGED: mark("flagged"),
    Why.UNREADABLE: mark("not readable"),
    Why.SAME_PART: mark("the same part again"),
    Why.SAME_FRAME: mark("the same frame again"),
    Why.HIGH_SCORE: mark("among the highest scores"),
    Why.QUALITY: mark("an outlier in quality"),
    Why.LOT_CAP: mark("beyond the cap of its lot"),
    Why.STATION_CAP: mark("beyond the cap of its station"),
}
_QUESTIONS = {
    Question.ESCAPES: mark("Do escapes rise?"),
    Question.ANCHOR: mark("Have escapes risen since the anchor, over many nights?"),
    Question.KINDS: mark("Has it gone blind for a kind of defect?"),
    Question.OVERKILL: mark("Does it fail too many good parts?"),
    Question.FLAGGED: mark("Does it hold or fail too many good parts?"),
    Question.REPLAY: mark("Does it lose recent confirmed defects?"),
    Question.SYNTHETIC: mark("Does it miss more drawn flaws?"),
    Question.PARITY: mark("Does it answer as it did in training?"),
    Question.LATENCY: mark("Is it fast enough?"),
}
_ANSWERS = {
    Answer.PASSED: mark("passed"),
    Answer.FAILED: mark("failed"),
    Answer.UNDECIDED: mark("too few parts"),
    Answer.NOT_ASKED: mark("not asked"),
}
_ANSWER_TONES = {Answer.PASSED: "good", Answer.FAILED: "bad", Answer.UNDECIDED: "warn", Answer.NOT_ASKED: ""}
_ESCAPES = mark("%(challenger)s of %(count)s defective parts escape, %(champion)s with the champion.")
_ANCHORED = mark("%(challenger)s of %(count)s defective parts escape, %(champion)s with the anchor.")
_BOUND = mark("At %(confidence)s confidence the rate rises by at most %(bound)s; %(margin)s is allowed.")
_GOOD = mark("%(challenger)s of %(count)s good parts, %(champion)s with the champion; the budget is %(budget)s.")
_AT_MOST = mark("At %(confidence)s confidence at most %(bound)s of all good parts.")
_PATIENCE = mark("Escapes are proven to fall: up to %(patience)s times the budget suffices for certain.")
_FURTHER = mark("%(further)s more reviewed parts would settle it.")
_KINDS = mark("Kinds of defect: %(kinds)s. The largest fall is %(largest_fall)s.")
_COLLAPSED = mark("Lost: %(names)s.")
_PARITY = mark("%(flips)s verdicts flip between training and station.")
_PROOFS = mark("Failed proofs: %(names)s.")
_LATENCY = mark("%(challenger_ms)s ms an image, %(champion_ms)s ms with the champion.")
_SYNTHETIC = mark("%(challenger)s of %(count)s drawn flaws escape, %(champion)s with the champion.")


@dataclass(frozen=True, slots=True)
class AnsweredQuestion:
    """One check of the gate, in words."""

    question: str
    answer: str
    tone: str
    sentences: list[str]


def describe_check(check: Check, language: Language) -> AnsweredQuestion:
    """In the reader's language, numbers too."""
    figures = _written(check.figures, language)
    sentences = [language.words(message, **figures) for message in _sentences(check)]
    if check.figures.get("patience", 1) > 1:
        sentences.append(language.words(_PATIENCE, **figures))
    if check.names and check.question is Question.KINDS:
        sentences.append(language.words(_COLLAPSED, names=", ".join(check.names)))
    if check.names and check.question is Question.PARITY:
        sentences.append(language.words(_PROOFS, names=", ".join(check.names)))
    if check.further_count is not None:
        sentences.append(language.words(_FURTHER, further=language.number(check.further_count)))
    return AnsweredQuestion(
        language.words(_QUESTIONS[check.question]),
        language.words(_ANSWERS[check.answer]),
        _ANSWER_TONES[check.answer],
        sentences,
    )


def _sentences(check: Check) -> tuple[str, ...]:
    if check.answer is Answer.NOT_ASKED:
        return ()
    return {
        Question.ESCAPES: (_ESCAPES, _BOUND),
        Question.ANCHOR: (_ANCHORED, _BOUND),
        Question.KINDS: (_KINDS,),
        Question.OVERKILL: (_GOOD, _AT_MOST),
        Question.FLAGGED: (_GOOD, _AT_MOST),
        Question.REPLAY: (_ESCAPES,),
        Question.SYNTHETIC: (_SYNTHETIC,),
        Question.PARITY: (_PARITY,),
        Question.LATENCY: (_LATENCY,),
    }[check.question]


def _written(figures: Mapping[str, float | int], language: Language) -> dict[str, str]:
    shares = ("bound", "margin", "budget", "confidence", "largest_fall")
    return {
        name: language.percent(value) if name in shares else language.number(round(value, 1))
        for name, value in figures.items()
    }
