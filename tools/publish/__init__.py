"""Published results: what is trained, its training, its scores, and the page that shows them."""
