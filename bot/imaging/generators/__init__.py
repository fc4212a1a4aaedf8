"""One module a generator: from the texts of a carrier to what they say."""
