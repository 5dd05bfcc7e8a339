"""The pages of signing in: password, code, new password, second factor, provider; the role switch of a demo."""

from bankloop.web.pages.signin.routes import add_sign_in, sign_in_page

__all__ = ["add_sign_in", "sign_in_page"]
