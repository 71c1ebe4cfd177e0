"""queues.conf: which phones ring, for how long."""

from asterisk_parser import section
from documents import phone, values

from asterisk_config.queues import files


def test_without_queues_there_is_no_file() -> None:
    assert files(values()) == {}


def test_the_phones_of_a_queue_ring_together() -> None:
    found = files(
        values(
            phones=[phone(), phone("602")],
            queues=[{"name": "sales", "members": ["601", "602"]}],
            timeouts={"ringSeconds": 20},
        )
    )
    sales = section(found["queues.conf"], "sales")
    assert sales.all("member") == ["PJSIP/601", "PJSIP/602"]
    assert sales["timeout"] == "20"
    assert sales["joinempty"] == "no"
