"""The console and the API: who asks is read anew at every request, each page and verb asks for its right.

Pages are rendered here from the store and from ``report``; forms work without a script, and no page asks another host.
"""
