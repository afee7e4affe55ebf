"""An import contract of our own: features of one package meet only at a named door.

A feature is a subpackage that has the door module (`service.intake.operations`). Whoever assembles the
features (`service.app`, `service.db`) is not a feature and is not bound by this contract.
"""

from __future__ import annotations

import grimp
from importlinter import Contract, ContractCheck, fields, output


def feature_of(module: str, features: set[str]) -> str | None:
    """The feature that `module` belongs to, or None."""
    return next((name for name in features if module == name or module.startswith(f"{name}.")), None)


class FeatureContract(Contract):
    """Options: `package` (holds the features) and `door` (the module other features may import)."""

    type_name = "features"

    package = fields.StringField()
    door = fields.StringField()

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        """Collect each import that enters a feature from another feature beside the door."""
        package, door = str(self.package), str(self.door)
        features = {name for name in graph.find_children(package) if f"{name}.{door}" in graph.modules}
        trespasses = []
        for importer in sorted(graph.find_descendants(package)):
            home = feature_of(importer, features)
            for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                visited = feature_of(imported, features)
                if home and visited and home != visited and imported != f"{visited}.{door}":
                    trespasses.append(f"{importer} -> {imported}")
        return ContractCheck(kept=not trespasses, metadata={"trespasses": trespasses})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one line per forbidden import."""
        for trespass in check.metadata["trespasses"]:
            output.print_error(f"- {trespass}: go through its `{self.door}`")
