"""Discord: each cog turns what Discord says into a request, and shows what became of it."""
