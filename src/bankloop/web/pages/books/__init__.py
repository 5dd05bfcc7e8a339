"""Programme, plays, trace and cuts: each a book, shown or taken away."""
