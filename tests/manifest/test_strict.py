"""Models, as Python code makes them; documents are the business of test_spec.py."""

from media_pod.manifest.dialogue import ParcelDeskSettings
from media_pod.manifest.providers import EspeakTtsSettings


def test_python_code_may_use_python_names() -> None:
    assert EspeakTtsSettings(voice="de", words_per_minute=150).words_per_minute == 150
    assert ParcelDeskSettings().kind == "parcelDesk"
