"""`python -m observability`, in scripts/: writes what is generated from here."""

from pathlib import Path
from typing import Final

from observability.generated import files

ROOT: Final = Path(__file__).resolve().parents[2]


def main() -> None:
    """Write the files; of those that are no longer generated, remove them."""
    made = files(ROOT)
    for old in (ROOT / "charts/interject/files/dashboards").glob("*.json"):
        if old not in made:
            old.unlink()
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
