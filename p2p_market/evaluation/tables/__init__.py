"""Tables over scenarios and between policies."""
