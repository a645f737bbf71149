"""Tables of the command line and of its help pages."""

from typing import Any

from rich import table


class Table(table.Table):
    """Chinese has no spaces to break at: what does not fit goes on in the next line, and nothing is left out."""

    def add_row(self, *renderables: Any, **more: Any) -> None:
        """A row; all columns, also those it brings along, break where they must."""
        super().add_row(*renderables, **more)
        for column in self.columns:
            column.overflow = "fold"
