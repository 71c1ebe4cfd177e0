"""Where an item that replaces another is put."""

from media_pod.dialogues.realtime.item_order import ROOT, ItemOrder


def test_an_item_comes_after_the_one_that_preceded_it() -> None:
    order = ItemOrder()
    order.added("b", "")
    order.added("a", ROOT)
    order.added("c", "b")
    order.added("b2", "b")
    assert [order.before(each) for each in ("a", "b", "b2", "c")] == [ROOT, "a", "b", "b2"]
    order.deleted("b")
    assert order.before("b2") == "a"
    assert order.before("b") is None
