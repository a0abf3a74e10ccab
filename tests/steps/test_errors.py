from steps.errors import reason_of


def test_a_failure_that_nobody_foresaw_is_one_line_that_says_how_to_see_the_stack():
    assert reason_of(ValueError("one\ntwo")) == (
        "unexpected ValueError: one (for the stack: --traceback, or PYFUNC_CLASSIFIER_TRACEBACK=1)"
    )
