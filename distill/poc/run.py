"""A whole proof of concept: conduct it, write poc.json and poc.html, and tell it on the terminal."""

import json

from distill.poc.conduct import PocRequest, conduct
from distill.poc.page import write_page
from distill.poc.plant import Plant
from distill.poc.report import Report, assemble
from inspection.errors import StorageError
from inspection.terminal import say, show_table

_SHOWN = ("image_auroc", "pixel_auroc", "aupro", "escape_rate_at_overkill_1pct", "escape_rate_at_overkill_5pct")


def run_poc(request: PocRequest, plant: Plant) -> Report:
    """Do what is not done yet and write the report. Raises KensaError."""
    conducted = conduct(request)
    report = assemble(request, conducted, plant)
    try:
        text = json.dumps(report.document, indent=1, allow_nan=False)
        (request.out / "poc.json").write_text(text + "\n", encoding="utf-8")
        write_page(request.out / "poc.html", report, request.data)
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(
            f"{request.out}: not written ({reason})", "free some space or choose another folder"
        ) from None
    return report


def show_report(report: Report) -> None:
    """Stages and decision, for a person."""
    rows = [
        (stage, *(figures[name] if figures else None for name in (*_SHOWN, "synthetic_flaw_auroc")))
        for stage, figures in report.figures.items()
    ]
    names = ("stage", "image AUROC", "pixel AUROC", "AUPRO", "escapes at 1 %", "at 5 % overkill", "synthetic flaws")
    show_table(report.manifest.bundle_id, names, rows)
    say(f"{report.decision.answer.value}: {report.decision.reason}")
