"""The training images of an ablation as a folder to pretrain on: no class, and nothing of the test part, in it."""

import shutil
from pathlib import Path

from inspection.terminal import track
from pretrain.evaluate.labeled_images import LabeledFiles
from pretrain.whole_files import told_of_the_disk


def unpack(files: LabeledFiles, folder: Path) -> None:
    """Write the training part's bytes as they are, whole or not at all; what stands stays. Raises StorageError."""
    if folder.is_dir():
        return
    partial = folder.with_name(folder.name + ".partial")
    chosen = files.part(is_test=False)
    with told_of_the_disk(folder):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for number, file in enumerate(track(chosen, "unpacking images", len(chosen))):
            (partial / f"{number:06d}{file.suffix}").write_bytes(file.read())
        partial.replace(folder)
