from layers.notice import NOTICE, notice


def test_notice_has_the_libraries_of_the_locks() -> None:
    assert NOTICE.read_text() == notice(), "run `python -m layers.notice`"
