"""Models, as Python code makes them; documents are the business of test_spec.py."""

from media_pod.manifest.agent import Speech
from media_pod.manifest.dialogue import ParcelDesk


def test_python_code_may_use_python_names() -> None:
    assert Speech(voice="de", words_per_minute=150).words_per_minute == 150
    assert ParcelDesk().kind == "parcelDesk"
