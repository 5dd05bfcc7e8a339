"""Care (客户维护): maturities and drawdowns, what the remote centre keeps in touch with, lists that people work through."""
