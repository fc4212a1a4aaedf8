"""The pretend world, shipped: what `naibot try` and the tests run against."""
