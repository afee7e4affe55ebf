"""What a name that was once given is called today: all changes, one after the other."""

from collections.abc import Iterable

from service.defect_names.tables import DefectNameChange


class Naming:
    """Names that have become one form a group; a name that was never changed is its own group."""

    def __init__(self, changes: Iterable[DefectNameChange]) -> None:
        """`changes` oldest first, those taken back and what takes them back among them."""
        rows = list(changes)
        taken_back = {row.takes_back for row in rows}
        self._today: dict[str, str] = {}
        for row in rows:
            if row.old_name is not None and row.new_name is not None and row.id not in taken_back:
                self._call(row.old_name, row.new_name)

    def today(self, name: str) -> str:
        """What it is called now."""
        return self._today.get(name, name)

    def given(self, name: str) -> set[str]:
        """All names that are called so now."""
        return {old for old, today in self._today.items() if today == name} | (
            {name} if self.today(name) == name else set()
        )

    def _call(self, old: str, new: str) -> None:
        for name, today in self._today.items():
            if today == old:
                self._today[name] = new
        self._today[old] = new
        # Who types the new name means the group, whatever became of that name before.
        self._today[new] = new
