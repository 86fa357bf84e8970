"""A press is answered, whatever the reader does while it is at work."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def _page() -> None:
    import streamlit as st
    from streamlit.runtime.scriptrunner import get_script_run_ctx
    from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

    from dashboard import registry
    from dashboard.language import _

    def change() -> dict[str, str]:
        """The API has made the change; the reader presses something else meanwhile; then it is put into words."""
        context = get_script_run_ctx()
        assert context is not None
        assert context.script_requests is not None
        context.script_requests.request_rerun(RerunData())
        return {"said": _("Undo")}

    if st.button("Enter it"):
        registry.press("entry", change)
    answer = registry.answer_of("entry")
    st.write(answer["said"] if answer else "nothing was said")


def test_what_was_entered_is_said_though_something_else_was_pressed_meanwhile() -> None:
    app = AppTest.from_function(_page, default_timeout=60).run()
    assert [each.value for each in app.markdown] == ["nothing was said"]
    app.button[0].click().run()
    app.run()
    assert [each.value for each in app.markdown] == ["Undo"]
