"""`python -m observability`, run from scripts/: writes the generated files."""

from pathlib import Path
from typing import Final

from observability.generated import files

ROOT: Final = Path(__file__).resolve().parents[2]


def main() -> None:
    """Write the generated files; remove dashboards that no longer exist."""
    made = files(ROOT)
    for old in (ROOT / "charts/interject/files/dashboards").glob("*.json"):
        if old not in made:
            old.unlink()
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
